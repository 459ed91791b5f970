"""The video that is written: codec, sizes, time stamps, colours."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from client.outputs.render import Renderer
from client.outputs.sink import SinkError
from client.outputs.video import VideoSink
from client.pipeline.tracked import TrackedFrame
from client.video.open import open_source
from tests.media import corners, names, noise, number_of, numbered_image, quarters, tracked, tracks


def write_video(path: Path, frames: list[TrackedFrame], rate: float = 10) -> Path:
    with VideoSink(path, frame_rate=rate) as output:
        for frame in frames:
            output.write(frame)
    return path


def test_video_is_h264_that_browsers_play(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a:b.mp4", [tracked(n, numbered_image(n)) for n in range(1, 21)])
    data = path.read_bytes()
    assert data[4:8] == b"ftyp"
    assert 0 < data.index(b"moov") < data.index(b"mdat"), "the index must come first"
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (64, 48, 10)
        assert container.duration == pytest.approx(2e6, abs=1e4)
        pictures = list(container.decode(stream))
    assert [round(picture.time, 3) for picture in pictures] == [n / 10 for n in range(20)]
    assert [number_of(picture.to_ndarray(format="rgb24")) for picture in pictures] == list(range(1, 21))


def test_video_keeps_variable_time_stamps_and_begins_at_zero(tmp_path: Path) -> None:
    times = [3.0, 3.04, 3.5, 3.52, 5.0]
    path = write_video(tmp_path / "vfr.mp4", [tracked(n + 1, numbered_image(n), t) for n, t in enumerate(times)])
    with open_source(str(path)) as source:
        assert [frame.time for frame in source] == pytest.approx([t - 3.0 for t in times], abs=1e-4)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).pts == 0


def test_video_keeps_frames_whose_time_repeats_or_runs_back(tmp_path: Path) -> None:
    times = [0.0, 0.0, 0.2, 0.1, 0.3]
    path = write_video(tmp_path / "same.mp4", [tracked(n + 1, numbered_image(n), t) for n, t in enumerate(times)])
    with av.open(str(path)) as container:
        pictures = list(container.decode(video=0))
    assert [number_of(picture.to_ndarray(format="rgb24")) for picture in pictures] == list(range(5))
    stamps = [picture.pts for picture in pictures]
    assert stamps == sorted(set(stamps)), "each later than the one before"


@pytest.mark.parametrize("rate", [29.97, 23.976023976, 1000 / 33, 0.5, 240])
def test_video_takes_any_frame_rate(tmp_path: Path, rate: float) -> None:
    frames = [tracked(n + 1, numbered_image(n), n / rate) for n in range(5)]
    with open_source(str(write_video(tmp_path / "rate.mp4", frames, rate))) as source:
        assert source.frame_rate == pytest.approx(rate, rel=1e-2)
        # The output's clock has 3000 ticks a second.
        assert [frame.time for frame in source] == pytest.approx([n / rate for n in range(5)], abs=0.5001 / 3000)


def test_a_frame_an_hour(tmp_path: Path) -> None:
    frames = [tracked(n + 1, numbered_image(n), 3600.0 * n) for n in range(4)]
    with open_source(str(write_video(tmp_path / "hourly.mp4", frames, 1 / 3600))) as source:
        assert source.frame_rate == pytest.approx(1 / 3600)
        assert [frame.time for frame in source] == [0, 3600, 7200, 10800]


@pytest.mark.parametrize("pause", [3600.0, 8 * 3600.0, 86_400.0, 7 * 86_400.0], ids=["hour", "8 h", "day", "week"])
def test_every_frame_is_there_in_order_after_a_long_pause(tmp_path: Path, pause: float) -> None:
    times = [n / 10 + (pause if n >= 12 else 0) for n in range(24)]
    path = write_video(tmp_path / "pause.mp4", [tracked(n + 1, numbered_image(n), t) for n, t in enumerate(times)])
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets], "no reordering, so no ctts"
        assert container.duration / 1e6 == pytest.approx(2.4 + pause)
    with open_source(str(path)) as source:
        frames = list(source)
    assert [number_of(frame.image) for frame in frames] == list(range(24))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)


def test_a_pause_beyond_the_clock_is_shortened_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    times = [0, 0.1, 20 * 86_400, 20 * 86_400 + 0.1]
    path = write_video(tmp_path / "pause.mp4", [tracked(n + 1, numbered_image(n), t) for n, t in enumerate(times)])
    with open_source(str(path)) as source:
        frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert frames[2].time == pytest.approx(2**31 / 3000, rel=1e-3)
    assert frames[3].time - frames[2].time == pytest.approx(0.1, abs=1e-3)
    assert "a pause of 20.0 days is shortened" in caplog.text


def test_a_picture_in_months_is_written(tmp_path: Path) -> None:
    """A damaged header may say so."""
    path = write_video(tmp_path / "slow.mp4", [tracked(1, numbered_image(1), 0)], rate=1 / (100 * 86_400))
    with open_source(str(path)) as source:
        assert [number_of(frame.image) for frame in source] == [1]


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(16, 15), Fraction(9, 16)])
def test_pixels_that_are_not_square_stay_so(tmp_path: Path, aspect: Fraction) -> None:
    item = tracked(1, numbered_image(1))
    path = write_video(tmp_path / "wide.mp4", [replace(item, frame=replace(item.frame, pixel_aspect=aspect))])
    with av.open(str(path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == aspect
    with open_source(str(path)) as source:
        (frame,) = source
    assert (frame.pixel_aspect, frame.image.shape) == (aspect, (48, 64, 3))


@pytest.mark.parametrize(("width", "height"), [(63, 47), (64, 49), (1, 1), (3, 200), (640, 50)])
def test_video_of_odd_size_is_padded_not_stretched(tmp_path: Path, width: int, height: int) -> None:
    image = np.full((height, width, 3), 40, np.uint8)
    image[-1, :, :] = 220
    path = write_video(tmp_path / "odd.mp4", [tracked(1, image)])
    with open_source(str(path)) as source:
        (frame,) = source
    assert frame.image.shape == (height + height % 2, width + width % 2, 3)
    # The bottom row, and what repeats it, is bright; the rows above it keep their place.
    assert frame.image[height - 1 :].min() > 180
    if height > 2:
        assert frame.image[: height - 3].max() < 80


def test_video_colours_survive(tmp_path: Path) -> None:
    path = write_video(tmp_path / "colour.mp4", [tracked(1, quarters(64, 32))])
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        assert (picture.colorspace, picture.color_range) == (6, 1)  # what the pixels are is written down
    with open_source(str(path)) as source:
        (frame,) = source
    assert corners(frame.image) == ["red", "green", "blue", "white"]
    assert np.abs(frame.image[4, 4].astype(int) - (255, 0, 0)).max() < 12


def test_video_letterboxes_frames_of_another_size(tmp_path: Path) -> None:
    tall = np.full((96, 48, 3), 255, np.uint8)
    frames = [tracked(1, numbered_image(1, 64, 48)), tracked(2, tall), tracked(3, numbered_image(3, 64, 48))]
    with open_source(str(write_video(tmp_path / "mixed.mp4", frames))) as source:
        first, second, third = source
    assert {f.image.shape for f in (first, second, third)} == {(48, 64, 3)}
    assert (number_of(first.image), number_of(third.image)) == (1, 3)
    white = second.image[24, :, 0] > 230
    assert white.sum() == pytest.approx(24, abs=2), "48x96 pixels become 24x48, not 64x48"


def test_video_of_8k_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "8k.mp4", [tracked(1, quarters(7680, 4320))])
    with open_source(str(path)) as source:
        (frame,) = source
    assert frame.image.shape == (4320, 7680, 3)
    assert corners(frame.image) == ["red", "green", "blue", "white"]


def test_video_beyond_h264_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"16386x2 pixels are more than H\.264 can hold"):
        write_video(tmp_path / "wide.mp4", [tracked(1, np.zeros((2, 16386, 3), np.uint8))])
    assert names(tmp_path) == set()


def test_video_without_frames_does_not_appear(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "walk.mp4", frame_rate=10):
        pass
    assert names(tmp_path) == set()


def test_video_shows_the_tracks_and_leaves_the_frame_as_it_was(tmp_path: Path) -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    item = tracked(1, image, people=tracks((100, 60, 160, 200)))
    with VideoSink(tmp_path / "drawn.mp4", frame_rate=10, renderer=Renderer()) as output:
        output.write(item)
    assert image.min() == image.max() == 90
    with open_source(str(output.path)) as source:
        (frame,) = source
    assert np.abs(frame.image[130, 100].astype(int) - 90).max() > 40, "the box's left edge"
    assert np.abs(frame.image[130, 130].astype(int) - 90).max() < 10, "its inside"


def test_writes_are_logged_only_when_something_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    write_video(tmp_path / "walk.mp4", [noise(1)])
    assert not caplog.records
