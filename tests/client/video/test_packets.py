"""client.video.packets: which stream is read, and its nominal rate."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from client.video.open import open_source
from client.video.packets import _usual
from client.video.source import VideoError
from tests.media import make_video, number_of, numbered_image, with_sound


def make_streams(path: Path, *streams: tuple[tuple[int, int], int, Disposition]) -> Path:
    """A file of several video streams, each of (width, height), frames and disposition; stream N shows N."""
    with av.open(str(path), "w", options={"default_mode": "passthrough"}) as container:
        made = []
        for (width, height), _, disposition in streams:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = disposition
            made.append(stream)
        for number, (stream, ((width, height), frames, _)) in enumerate(zip(made, streams, strict=True)):
            for index in range(frames):
                picture = av.VideoFrame.from_ndarray(numbered_image(number, width, height), "rgb24")
                picture.pts, picture.time_base = index, Fraction(1, 10)
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
    return path


NONE, DEFAULT = Disposition(0), Disposition.default


@pytest.mark.parametrize(
    ("streams", "chosen"),
    [
        ([((64, 48), 8, NONE), ((128, 96), 8, NONE)], 1),
        ([((128, 96), 8, NONE), ((64, 48), 8, NONE)], 0),
        ([((128, 96), 8, NONE), ((64, 48), 8, DEFAULT)], 1),
        ([((64, 48), 8, DEFAULT), ((128, 96), 8, DEFAULT)], 1),
        ([((64, 48), 8, NONE), ((64, 48), 8, NONE)], 0),
    ],
    ids=["largest", "largest first", "default", "largest default", "equal"],
)
def test_the_stream_that_ffmpeg_would_play(
    tmp_path: Path, streams: list[tuple[tuple[int, int], int, Disposition]], chosen: int
) -> None:
    with open_source(str(make_streams(tmp_path / "several.mkv", *streams))) as source:
        frames = list(source)
    (width, height), count, _ = streams[chosen]
    assert [frame.image.shape[:2] for frame in frames] == [(height, width)] * count
    assert number_of(frames[-1].image) == chosen


def test_a_cover_picture_that_is_a_stream_of_one_frame(tmp_path: Path) -> None:
    streams = [((640, 480), 1, DEFAULT), ((64, 48), 8, NONE)]
    with open_source(str(make_streams(tmp_path / "cover.mp4", *streams))) as source:
        assert [frame.image.shape for frame in source] == [(48, 64, 3)] * 8


def test_the_best_variant_of_a_playlist(tmp_path: Path) -> None:
    for name, size in (("low", (64, 48)), ("high", (128, 96))):
        images = [numbered_image(n, *size) for n in range(20)]
        make_video(tmp_path / f"{name}.m3u8", images, options={"hls_time": "1", "hls_list_size": "0"})
    (tmp_path / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x48\nlow.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=128x96\nhigh.m3u8\n"
    )
    with open_source(str(tmp_path / "master.m3u8")) as source:
        frames = list(source)
    assert {frame.image.shape for frame in frames} == {(96, 128, 3)}
    assert [number_of(frame.image) for frame in frames] == list(range(20))


def rate_of(path: Path, times: list[float], rate: int = 10) -> float:
    # Else FFmpeg would double the clock of an MP4, and an interval of a day could not be written.
    options = {"video_track_timescale": "1000"} if path.suffix == ".mp4" else {}
    make_video(path, [numbered_image(n % 50) for n in range(len(times))], rate=rate, times=times, options=options)
    with open_source(str(path)) as source:
        return source.frame_rate


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("pause", [0.5, 60, 3600])
def test_a_pause_does_not_change_the_rate(tmp_path: Path, kind: str, pause: float) -> None:
    times = [n / 10 + (pause if n >= 12 else 0) for n in range(24)]
    assert rate_of(tmp_path / f"pause.{kind}", times) == 10


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60, 120])
def test_rates_that_a_clock_of_milliseconds_rounds(tmp_path: Path, rate: int) -> None:
    times = [n / rate for n in range(40)]
    assert rate_of(tmp_path / "rounded.mkv", times, rate) == pytest.approx(rate, rel=0.002)


def test_most_frames_tell_the_rate_where_it_varies(tmp_path: Path) -> None:
    steps = [0.1] * 20 + [0.5] * 5 + [0.1] * 20 + [2.0] * 3
    assert rate_of(tmp_path / "varies.mp4", [0, *np.cumsum(steps).tolist()]) == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    "steps",
    [[0.06, 0.14], [0.005, 0.195], [0.01, 0.01, 0.28], [0.04, 0.04, 0.04, 0.28]],
    ids=["jitter", "pairs", "threes", "fours"],
)
def test_pictures_in_bursts(tmp_path: Path, steps: list[float]) -> None:
    times = [0, *np.cumsum(steps * (36 // len(steps))).tolist()]
    assert rate_of(tmp_path / "bursts.mkv", times) == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    ("stamps", "step"),
    [
        ([0.0, 0.0, 0.2, 0.2], 0.2),
        (np.repeat(np.arange(12) * 0.2, 2).tolist(), 0.1),
        (np.repeat(np.arange(12) * 0.3, 3).tolist(), 0.1),
        ([n * 0.1 for n in range(12)] + [0.0] * 12, 0.1),
        ([n * 0.1 for n in range(12)] + [1.1] * 12, 0.1),
        ([n % 6 * 0.1 for n in range(24)], 0.1),
    ],
    ids=["too few to tell", "twice each", "thrice each", "stands still at 0", "stands still", "jumps back often"],
)
def test_the_usual_step_of_stamps_that_repeat(stamps: list[float], step: float) -> None:
    assert _usual(np.diff(stamps)) == pytest.approx(step)


@pytest.mark.parametrize("step", [10.0, 3600.0, 86_400.0])
def test_time_lapse(tmp_path: Path, step: float) -> None:
    assert rate_of(tmp_path / "lapse.mp4", [n * step for n in range(6)]) == pytest.approx(1 / step)


def test_one_frame_has_the_rate_that_its_header_says(tmp_path: Path) -> None:
    assert rate_of(tmp_path / "one.mp4", [0.0]) == 10


def test_rate_of_a_pipe(tmp_path: Path) -> None:
    """It cannot be read twice; what the rate was learnt from is decoded, too."""
    data = make_video(tmp_path / "clip.mkv", [numbered_image(n) for n in range(30)]).read_bytes()
    pipe = tmp_path / "pipe.mkv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    with open_source(str(pipe)) as source:
        assert source.frame_rate == 10
        assert [number_of(frame.image) for frame in source] == list(range(30))
    writer.join()


def test_long_videos_are_not_read_ahead_whole(tmp_path: Path) -> None:
    path = make_video(tmp_path / "long.mp4", [numbered_image(n % 50) for n in range(600)])
    with open_source(str(path)) as source:
        assert len(source._decoding.packets._ahead) == 256  # type: ignore[attr-defined]
        assert sum(1 for _ in source) == 600


def test_pictures_of_an_unknown_kind(tmp_path: Path) -> None:
    path = make_video(tmp_path / "odd.mkv", [numbered_image(1)])
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_XXXXX/ISO/AVC"))
    with pytest.raises(VideoError, match=r"odd\.mkv: its video is of a kind that is not known here"):
        open_source(str(path))


def test_sound_of_an_unknown_kind(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "odd.mkv", [numbered_image(n) for n in range(5)], 0.5)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XXX"))
    with open_source(str(path)) as source:
        assert source.sound is not None and "not known" in source.sound.refusal
        assert len(list(source)) == 5


def test_a_stream_that_appears_in_the_middle(tmp_path: Path) -> None:
    """A tag of sound in an FLV whose header knows of none; PyAV may stumble over it at the end."""
    path = make_video(tmp_path / "late.flv", [numbered_image(n % 50) for n in range(200)], codec="flv1")
    data = path.read_bytes()
    tag = b"\x08" + (20).to_bytes(3, "big") + (19_500).to_bytes(3, "big") + bytes(4) + b"\x3e" + bytes(19)
    end = len(data)
    while int.from_bytes(data[end - 4 : end], "big") and len(data) - end < 500:
        end -= 4 + int.from_bytes(data[end - 4 : end], "big")
    path.write_bytes(data[:4] + b"\x00" + data[5:end] + tag + (len(tag)).to_bytes(4, "big") + data[end:])
    with open_source(str(path)) as source:
        assert sum(1 for _ in source) == 200


def test_a_picture_larger_than_any(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """14 bits of each side in the head of a VP8 key frame (RFC 6386, section 9.1) would take 800 MB."""
    path = make_video(tmp_path / "huge.webm", [numbered_image(n) for n in range(15)], codec="libvpx")
    data = bytearray(path.read_bytes())
    place = data.index(b"\x9d\x01\x2a") + 3
    data[place : place + 4] = b"\xff\x3f\xff\x3f"
    path.write_bytes(data)
    with open_source(str(path)) as source:
        assert {frame.image.shape for frame in source} == {(48, 64, 3)}
    assert "broken packets skipped" in caplog.text
