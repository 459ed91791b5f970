"""Videos that people reported on: each was tracked wrongly, or ended badly, without a word."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from client.detection.onnx import OnnxDetector
from client.outputs.video import VideoSink
from client.video.open import open_source
from client.video.source import VideoError
from mot.frame import Frame
from mot.sequence import MotRows
from tests.conftest import ROOT
from tests.media import tracked
from tests.shipped_model import GRAPH, SIZE_CHANGES, expected, followed

pytestmark = pytest.mark.data

STEPS = [n / 10 for n in range(24)]


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = Path(os.environ.get("MOT_CASES", ROOT.parent / "shared" / "cases")) / "video-and-eval"
    if not folder.is_dir():
        pytest.skip(f"no reported cases at {folder}; set MOT_CASES")
    return folder


@pytest.fixture(scope="module")
def detector() -> Iterator[OnnxDetector]:
    with closing(OnnxDetector(GRAPH)) as shipped:
        yield shipped


def read(path: Path) -> list[Frame]:
    with open_source(str(path)) as source:
        return list(source)


def times(frames: list[Frame]) -> list[float]:
    return [frame.time for frame in frames]


def write(path: Path, out: Path) -> Path:
    """The pictures and the sound as `mot track` writes them, with nobody in them."""
    with (
        open_source(str(path)) as source,
        VideoSink(out, frame_rate=source.frame_rate, sound=source.sound) as sink,
    ):
        for frame in source:
            sink.write(replace(tracked(frame.index, frame.image), frame=frame))
    return out


def stamps(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [picture.time for picture in container.decode(video=0)]


def ids(rows: MotRows) -> int:
    return len(set(rows.ids.tolist()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ts_clock_restarts/restart.ts", "frame 13 jumps back by 1.1 s"),
        ("ts_one_stamp_far_ahead/outlier_9800s.ts", "frame 12 jumps ahead by 9800 s"),
    ],
)
def test_times_that_jump(
    cases: Path, tmp_path: Path, name: str, message: str, detector: OnnxDetector, caplog: pytest.LogCaptureFixture
) -> None:
    assert times(read(cases / name)) == pytest.approx(STEPS, abs=1e-3)
    assert message in caplog.text
    assert len(caplog.records) == 1
    assert stamps(write(cases / name, tmp_path / "out.mp4")) == pytest.approx(STEPS, abs=1e-3)
    rows = followed(cases / name, tmp_path / "a.txt", detector)
    unbroken = followed(cases / Path(name).parent / "plain.mkv", tmp_path / "b.txt", detector)
    assert ids(rows) == ids(unbroken)
    assert len(rows) == pytest.approx(len(unbroken), rel=0.1)  # they were encoded differently


def test_a_pause_of_hours(cases: Path, tmp_path: Path) -> None:
    expected = [time + (3600 if n >= 12 else 0) for n, time in enumerate(STEPS)]
    out = write(cases / "gap_of_hours" / "gap1h.mkv", tmp_path / "out.mp4")
    assert stamps(out) == pytest.approx(expected, abs=1e-3)
    given, written = read(cases / "gap_of_hours" / "gap1h.mkv"), read(out)
    for before, after in zip(given, written, strict=True):
        assert np.abs(before.image.astype(int) - after.image).mean() < 8, "the same pictures in the same order"


def test_a_pause_leaves_the_frames_before_it_alone(cases: Path, tmp_path: Path, detector: OnnxDetector) -> None:
    folder = cases / "pause_ruins_average_rate"
    paused = followed(folder / "pause60s.mp4", tmp_path / "a.txt", detector)
    plain = followed(folder / "same_pictures_no_pause.mp4", tmp_path / "b.txt", detector)
    before, same = paused.between(1, 12), plain.between(1, 12)
    assert ids(before) == ids(same)
    assert np.array_equal(before.boxes, same.boxes)


def test_a_frame_an_hour(cases: Path, tmp_path: Path) -> None:
    with open_source(str(cases / "timelapse_hourly" / "hourly.mp4")) as source:
        assert source.frame_rate == pytest.approx(1 / 3600)
    out = write(cases / "timelapse_hourly" / "hourly.mp4", tmp_path / "out.mp4")
    assert stamps(out) == [0, 3600, 7200, 10800, 14400]


def test_http_camera_has_times_of_arrival(cases: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    command = [sys.executable, str(cases / "http_camera_rate" / "server.py"), str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
                time.sleep(0.05)
            with open_source(f"http://127.0.0.1:{port}/cam.mjpg", end=20) as source:
                assert source.live
                assert source.frame_rate == pytest.approx(4, rel=0.2)
                frames = list(source)
        finally:
            server.kill()
    assert frames[-1].time == pytest.approx(19 / 4, rel=0.1)
    assert np.diff(times(frames)).min() > 0.05


def test_the_main_stream_and_not_the_cover(cases: Path) -> None:
    frames = read(cases / "several_video_streams" / "cover_first.mp4")
    assert [frame.image.shape for frame in frames] == [(384, 512, 3)] * 24


def test_a_cut_matroska_file_is_noticed(cases: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(read(cases / "cut_mkv_silent" / "cut.mkv")) == 6
    assert "6 frames, but its header announces 2.4 s; is the file cut off or damaged?" in caplog.text


def test_an_edit_list_is_no_damage(cases: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(read(cases / "edit_list_false_alarm" / "trimmed.mp4")) == 18
    assert not caplog.records


def test_pixels_that_are_not_square(cases: Path, tmp_path: Path) -> None:
    frames = read(cases / "non_square_pixels" / "sar4x3.mp4")
    assert {(frame.image.shape, frame.pixel_aspect) for frame in frames} == {((384, 384, 3), Fraction(4, 3))}
    with av.open(str(write(cases / "non_square_pixels" / "sar4x3.mp4", tmp_path / "out.mp4"))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (384, 384, Fraction(4, 3))


def test_the_size_changes_midway(
    cases: Path, tmp_path: Path, detector: OnnxDetector, caplog: pytest.LogCaptureFixture
) -> None:
    rows = followed(cases / SIZE_CHANGES, tmp_path / "a.txt", detector)
    known = expected(SIZE_CHANGES)
    assert ids(rows) == known["ids"] and len(rows) == pytest.approx(known["rows"], rel=0.03)
    seen = np.bincount(rows.ids)
    for person in np.argsort(-seen)[:2]:  # the two who are there longest
        path = rows.boxes[rows.ids == person]
        assert np.abs(np.diff(path[:, 0])).max() < 20, "nobody jumps where the size changes"
    assert "from frame 13 on pictures are of 256x192 pixels, no longer of 512x384" in caplog.text


def test_sound_is_copied(cases: Path, tmp_path: Path) -> None:
    path = cases / "sound_dropped" / "sound.mp4"
    with av.open(str(path)) as given, av.open(str(write(path, tmp_path / "out.mp4"))) as written:
        before, after = ([p for p in each.demux(audio=0) if p.size] for each in (given, written))
    assert [bytes(packet) for packet in before] == [bytes(packet) for packet in after]
    assert [packet.pts for packet in before] == [packet.pts for packet in after]
    assert len(after) == 105


def test_images_of_several_kinds(cases: Path) -> None:
    frames = read(cases / "mixed_image_kinds")
    assert [frame.index for frame in frames] == [1, 2, 3, 4]


def test_animated_webp_is_named(cases: Path) -> None:
    with pytest.raises(VideoError, match=r"anim\.webp: an animated WebP, which is not supported"):
        read(cases / "animated_webp" / "anim.webp")
