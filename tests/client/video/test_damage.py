"""client.video.damage: what is missing is said, and nothing where nothing is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from client.video.open import open_source
from tests.media import Image, make_video, with_sound

NOISE = np.random.default_rng(0)
RATE = 10


def grain(count: int) -> list[Image]:
    return [NOISE.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


def count(path: Path) -> int:
    with open_source(str(path)) as source:
        return sum(1 for _ in source)


def plain(path: Path, options: dict[str, str]) -> Path:
    """Forty frames, ten a second, on a clock of as many ticks: an AVI fills a finer one with empty frames."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in grain(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(("kind", "codec"), [("mkv", "libx264"), ("webm", "libvpx"), ("flv", "flv1")])
def test_a_cut_file_is_noticed_by_its_length(
    tmp_path: Path, kind: str, codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_video(tmp_path / f"whole.{kind}", grain(40), codec=codec)
    assert count(path) == 40
    assert not caplog.records
    frames = count(cut(path, 0.5))
    assert 10 < frames < 35
    assert f", {frames} frames, but its header announces 4 s; is the file cut off or damaged?" in caplog.text


def test_a_cut_file_is_noticed_where_its_unit_of_time_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All stamps are five times what they were, so that they go beyond the length that a tag tells."""
    path = cut(make_video(tmp_path / "odd.mkv", grain(40)), 0.5)
    data = path.read_bytes()
    scale = b"\x2a\xd7\xb1\x83"  # Matroska's TimecodeScale, of three bytes
    assert data.count(scale + b"\x0f\x42\x40") == 1  # 1,000,000 ns
    path.write_bytes(data.replace(scale + b"\x0f\x42\x40", scale + b"\x4c\x4b\x40"))
    frames = count(path)
    assert f", {frames} frames, but its header announces 20 s; is the file cut off or damaged?" in caplog.text


def test_a_cut_avi_is_noticed_where_its_rate_is_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = cut(plain(tmp_path / "fast.avi", {}), 0.5)
    data = bytearray(path.read_bytes())
    scale = data.index(b"strh") + 8 + 20  # AVISTREAMHEADER's dwScale and dwRate, one second's
    assert data[scale : scale + 8] == (1).to_bytes(4, "little") + (10).to_bytes(4, "little")
    data[scale + 4 : scale + 8] = (524_298).to_bytes(4, "little")
    path.write_bytes(data)
    frames = count(path)
    assert 10 < frames < 35
    assert f"{frames} frames could be read of the 40 that its header announces; is the file cut off" in caplog.text


def test_the_second_frame_of_an_avi_without_sound_is_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = plain(tmp_path / "gap.avi", {})
    data = bytearray(path.read_bytes())
    first = data.index(b"00dc", data.index(b"movi"))
    second = data.index(b"00dc", first + 4)
    data[second + 3 : second + 8] = bytes(5)  # the end of its name, and its size
    path.write_bytes(data)
    assert count(path) == 39
    assert "about 1 frames are missing in 1 gaps, the first one of 0.2 s after frame 1;" in caplog.text


@pytest.mark.parametrize(("kind", "options"), [("avi", {}), ("mp4", {"movflags": "+faststart"})])
def test_a_cut_file_is_noticed_by_its_count(
    tmp_path: Path, kind: str, options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    path = plain(tmp_path / f"whole.{kind}", options)
    assert count(path) == 40
    assert not caplog.records
    frames = count(cut(path, 0.5))
    assert f"{frames} frames could be read of the 40 that its header announces" in caplog.text


@pytest.mark.parametrize("kind", ["mkv", "mp4", "mov"])
@pytest.mark.parametrize("sound_s", [1.0, 9.0])
def test_sound_of_another_length_is_no_damage(
    tmp_path: Path, kind: str, sound_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    assert count(with_sound(tmp_path / f"clip.{kind}", grain(30), sound_s)) == 30
    assert not caplog.records


def test_a_cut_file_with_long_sound_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    count(cut(with_sound(tmp_path / "clip.mkv", grain(40), 6.0), 0.5))
    assert "but its header announces 4 s" in caplog.text


@pytest.mark.parametrize("arguments", [["-ss", "0.55"], ["-t", "1.33"], ["-ss", "1.05", "-t", "1"]])
def test_an_edit_list_is_no_damage(tmp_path: Path, arguments: list[str], caplog: pytest.LogCaptureFixture) -> None:
    path = make_video(tmp_path / "whole.mp4", grain(40))
    trimmed = tmp_path / "trimmed.mp4"
    command = ["ffmpeg", "-v", "error", *arguments, "-i", str(path), "-c", "copy", str(trimmed)]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        pytest.skip("FFmpeg's own command line is not installed")
    with open_source(str(trimmed)) as source:
        announced = source.frame_count or 0
        frames = sum(1 for _ in source)
    assert 5 < frames <= announced + 1
    assert not caplog.records


@pytest.mark.parametrize(("kind", "codec"), [("mkv", "libx264"), ("nut", "libx264"), ("flv", "flv1")])
@pytest.mark.parametrize("begin", [0.2, 2.0, 5000.0])
def test_a_late_beginning_is_no_damage(
    tmp_path: Path, kind: str, codec: str, begin: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Some headers count their length from the first picture, some from 0."""
    times = [begin + n / RATE for n in range(20)]
    assert count(make_video(tmp_path / f"late.{kind}", grain(20), codec=codec, times=times)) == 20
    assert not caplog.records


def test_a_clock_that_restarts_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All 40 pictures are there, though the stamps of an FLV's second half are those of its first."""
    path = make_video(tmp_path / "restart.flv", grain(40), codec="flv1")
    data, place, number = bytearray(path.read_bytes()), 13, 0  # behind the header: tags, ms at 4, the lowest byte last
    while place < len(data):
        if data[place] == 9:
            data[place + 4 : place + 7] = (number % 20 * 100).to_bytes(3, "big")
            number += 1
        place += 11 + int.from_bytes(data[place + 1 : place + 4], "big") + 4
    assert number == 40
    path.write_bytes(data)
    assert count(path) == 40
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: the time stamp of frame 21 jumps back by 1.9 s; it is taken to follow the one before, and so are "
        "further ones that jump"
    ]


@pytest.mark.parametrize("last", [3.0, 30.0])
def test_a_long_last_frame_is_no_damage(tmp_path: Path, last: float, caplog: pytest.LogCaptureFixture) -> None:
    times = [n / 10 for n in range(20)] + [1.9 + last]
    assert count(make_video(tmp_path / "still.mp4", grain(21), times=times)) == 21
    assert count(make_video(tmp_path / "still.mkv", grain(21), times=times)) == 21
    assert not caplog.records


def test_a_window_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_video(tmp_path / "whole.mkv", grain(40))
    with open_source(str(path), 5, 10) as source:
        assert len(list(source)) == 6
    assert not caplog.records


@pytest.mark.parametrize("end", [None, 38])
def test_damaged_pictures_are_counted(tmp_path: Path, end: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """Bits turned over in a Matroska file: the packets stay whole, and the decoder conceals what it cannot read."""
    images = [NOISE.integers(0, 255, (192, 256, 3), dtype=np.uint8) for _ in range(40)]
    path = make_video(tmp_path / "flips.mkv", images)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    for place in range(middle, middle + 40_000, 1500):
        data[place] ^= 0x5A
    path.write_bytes(data)
    with open_source(str(path), 1, end) as source:
        list(source)
    assert "frames are damaged and are shown as far as they could be decoded" in caplog.text


def test_a_stream_without_its_first_key_frame(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The decoder gives nothing before the next one, and says nothing."""
    path = make_video(tmp_path / "headless.ts", grain(24))
    data = path.read_bytes()
    path.write_bytes(data[188 * (len(data) // 188 // 8) :])
    frames = count(path)
    assert 10 < frames < 20
    assert "packets gave no picture; is it damaged, or does it begin between two key frames?" in caplog.text


def test_pictures_that_refer_to_a_lost_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of MPEG-4, they are shown nevertheless; of an AVI with an index, the place of the lost one is known."""
    path = plain(tmp_path / "headless.avi", {})
    data = bytearray(path.read_bytes())
    place = data.index(b"00dc", data.index(b"movi"))
    data[place : place + 4] = b"JUNK"
    path.write_bytes(data)
    count(path)
    assert "damaged?" in caplog.text


def test_a_picture_of_an_avi_is_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = plain(tmp_path / "short.avi", {})
    data = path.read_bytes()
    places = [place for place in range(len(data)) if data[place : place + 4] == b"00dc"]
    path.write_bytes(data[: places[20]] + data[places[21] : data.index(b"idx1")])
    assert count(path) == 39
    assert "39 frames could be read of the 40 that its header announces" in caplog.text


def test_empty_frames_of_an_avi_are_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_video(tmp_path / "fine.avi", grain(20), codec="mpeg4", ticks=1000)
    assert count(path) == 20
    assert not caplog.records


def test_a_file_without_its_header_is_read_as_bare_pictures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = plain(tmp_path / "bare.mp4", {})
    path.write_bytes(path.read_bytes()[48:])
    assert count(path) > 30
    assert "has no header of .mp4 that can be read, and is taken for bare pictures (m4v)" in caplog.text


def test_the_last_packet_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_video(tmp_path / "cut.flv", grain(20), codec="flv1")
    path.write_bytes(path.read_bytes()[:-200])
    count(path)
    assert "1 packets are damaged or cut short; frames may be missing" in caplog.text


def test_one_stream_behind_another_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second begins 0.2 s later than it seems: the first was shifted by what its B-frames need."""
    parts = [
        make_video(tmp_path / f"{n}.ts", grain(20), times=[n + i / RATE for i in range(20)]).read_bytes()
        for n in (0, 2.2)
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(parts[0] + parts[1])
    assert count(path) == 40
    assert not caplog.records


def test_the_last_pictures_of_a_matroska_are_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two frames less than the length of the pictures' own stream, which is exact."""
    path = make_video(tmp_path / "short.mkv", grain(20), options={"cluster_time_limit": "100"})
    data = path.read_bytes()
    clusters = [place for place in range(len(data)) if data[place : place + 4] == b"\x1f\x43\xb6\x75"]
    path.write_bytes(data[: clusters[-1]])
    frames = count(path)
    assert frames < 20
    assert f"{frames} frames, but its header announces 2 s; is the file cut off or damaged?" in caplog.text
