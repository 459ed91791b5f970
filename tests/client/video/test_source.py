"""Video files: good, odd, damaged and missing ones; and what is no input at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from client.video.open import open_source
from client.video.source import VideoError
from mot.frame import Frame
from tests.media import Image, corners, make_video, number_of, numbered_image, quarters


def read(input: Path | str, start: int = 1, end: int | None = None) -> list[Frame]:
    with open_source(str(input), start, end) as source:
        return list(source)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twenty frames, ten a second; frame N shows N."""
    return make_video(tmp_path / "clip.mp4", [numbered_image(n) for n in range(1, 21)])


def test_file_gives_its_frames_in_order_with_numbers_and_times(clip: Path) -> None:
    with open_source(str(clip)) as source:
        assert (source.name, source.frame_rate, source.frame_count, source.live) == ("clip", 10, 20, False)
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(1, 21))
    assert [number_of(frame.image) for frame in frames] == list(range(1, 21))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(20)])
    assert all(f.image.shape == (48, 64, 3) and f.image.dtype == np.uint8 for f in frames)
    assert all(f.image.flags.c_contiguous and f.image.flags.writeable for f in frames)


def test_window_keeps_original_numbers_and_times(clip: Path) -> None:
    with open_source(str(clip), 5, 8) as source:
        assert source.frame_count == 4
        frames = list(source)
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(n, n) for n in (5, 6, 7, 8)]
    assert frames[0].time == pytest.approx(0.4)


def test_window_may_end_beyond_the_video(clip: Path) -> None:
    with open_source(str(clip), 19, 1000) as source:
        assert source.frame_count == 2
        assert [frame.index for frame in source] == [19, 20]


def test_start_beyond_the_end_is_an_error(clip: Path) -> None:
    with pytest.raises(VideoError, match=r"clip\.mp4: start 21 is beyond the end; it has 20 frames"):
        read(clip, 21)


@pytest.mark.parametrize(("start", "end", "message"), [(0, None, "start 0 is not"), (5, 4, "end 4 is before start 5")])
def test_impossible_window_is_an_error(clip: Path, start: int, end: int | None, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        open_source(str(clip), start, end)


def test_variable_frame_rate_keeps_the_time_stamps(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.52, 2.0]
    path = make_video(tmp_path / "vfr.mp4", [numbered_image(n) for n in range(5)], times=times)
    assert [frame.time for frame in read(path)] == pytest.approx(times, abs=1e-3)


def test_time_counts_from_the_first_frame(tmp_path: Path) -> None:
    path = make_video(tmp_path / "late.mkv", [numbered_image(n) for n in range(3)], times=[5.0, 5.1, 5.2])
    assert [frame.time for frame in read(path)] == pytest.approx([0, 0.1, 0.2], abs=2e-3)


def test_file_without_time_stamps_takes_the_nominal_rate(tmp_path: Path) -> None:
    path = make_video(tmp_path / "raw.h264", [numbered_image(n) for n in range(4)])
    frames = read(path)
    assert len(frames) == 4
    assert np.all(np.diff([frame.time for frame in frames]) > 0)


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (3, 200)])
def test_odd_and_tiny_sizes_are_exact(tmp_path: Path, width: int, height: int) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    path = make_video(tmp_path / "odd.mkv", [image] * 2, codec="ffv1", pix_fmt="bgr0")
    frames = read(path)
    assert [frame.image.shape for frame in frames] == [(height, width, 3)] * 2
    assert np.array_equal(frames[1].image, image)


def test_8k_frames_are_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "8k.mkv", [quarters(7680, 4320)], codec="mjpeg", pix_fmt="yuvj420p")
    (frame,) = read(path)
    assert frame.image.shape == (4320, 7680, 3)
    assert corners(frame.image) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("degrees", "left_right", "top_bottom", "expected"),
    [
        (0, False, False, ["red", "green", "blue", "white"]),
        (90, False, False, ["green", "white", "red", "blue"]),
        (-90, False, False, ["blue", "red", "white", "green"]),
        (180, False, False, ["white", "blue", "green", "red"]),
        (0, True, False, ["green", "red", "white", "blue"]),
        (0, False, True, ["blue", "white", "red", "green"]),
    ],
    ids=["upright", "90 counterclockwise", "90 clockwise", "upside down", "mirrored", "flipped"],
)
def test_rotation_metadata_is_applied(
    tmp_path: Path, degrees: int, left_right: bool, top_bottom: bool, expected: list[str]
) -> None:
    path = make_video(tmp_path / "phone.mp4", [quarters(64, 32)] * 2, rotation=(degrees, left_right, top_bottom))
    for frame in read(path):
        assert frame.image.shape == ((64, 32, 3) if abs(degrees) == 90 else (32, 64, 3))
        assert corners(frame.image) == expected
        assert frame.image.flags.c_contiguous


@pytest.mark.parametrize("degrees", [90, -90])
def test_mirrored_and_turned_matches_ffmpegs_own_rule(tmp_path: Path, degrees: int) -> None:
    # FFmpeg's tools (fftools/ffmpeg_filter.c, libavutil/display.h): first mirror, then turn counterclockwise.
    path = make_video(tmp_path / "selfie.mp4", [quarters(64, 32)], rotation=(degrees, True, False))
    with av.open(str(path)) as container:
        a, b, _, c, d = np.frombuffer(bytes(next(container.decode(video=0)).side_data["DISPLAYMATRIX"])[:20], "<i4")
    (frame,) = read(path)
    # Follow the red quarter's centre, (-1, -1) from the middle, through x' = a x + c y, y' = b x + d y.
    place = (2 if -b - d > 0 else 0) + (1 if -a - c > 0 else 0)
    assert corners(frame.image)[place] == "red"


def test_file_cut_in_half_gives_what_is_there_and_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(0)
    images = [noise.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(40)]
    whole = make_video(tmp_path / "whole.mp4", images, options={"movflags": "+faststart"}).read_bytes()
    half = tmp_path / "half.mp4"
    half.write_bytes(whole[: len(whole) // 2])
    frames = read(half)
    assert 10 < len(frames) < 30
    assert [frame.index for frame in frames] == list(range(1, len(frames) + 1))
    assert f"{half}: {len(frames)} frames could be read of the 40" in caplog.text


def test_damaged_middle_is_skipped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(0)
    images = [noise.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(40)]
    data = bytearray(make_video(tmp_path / "whole.mp4", images, options={"movflags": "+faststart"}).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 12000] = bytes(12000)
    path = tmp_path / "hole.mp4"
    path.write_bytes(data)
    frames = read(path)
    assert 20 < len(frames) < 40
    assert frames[-1].time == pytest.approx(3.9, abs=0.01)  # the end is there
    assert np.all(np.diff([frame.time for frame in frames]) >= 0)
    assert "broken packets skipped" in caplog.text


def test_whole_file_gives_no_warning(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(clip)
    read(clip, 3, 5)
    assert not caplog.records


def test_name_with_a_colon_is_a_file(tmp_path: Path) -> None:
    path = make_video(tmp_path / "plain.mp4", [numbered_image(1)]).rename(tmp_path / "a:b %d.mp4")
    with open_source(str(path)) as source:
        assert source.name == "a:b %d"
        assert len(list(source)) == 1


def shown_as(path: Path, image: Image, aspect: Fraction, begin: int) -> bytes:
    """Ten pictures of a transport stream, ten a second, whose pixels are not square."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "yuv420p", aspect
        stream.codec_context.time_base = Fraction(1, 10)
        for n in range(10):
            picture = av.VideoFrame.from_ndarray(image, "rgb24")
            picture.pts, picture.time_base = begin + n, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("size", "aspect", "rows"),
    [((64, 48), Fraction(4, 3), 36), ((48, 48), Fraction(4, 3), 48), ((128, 96), Fraction(1), 48)],
    ids=["wider pixels", "another size of the same shape", "another size"],
)
def test_pixels_of_another_shape_from_the_middle_on(
    tmp_path: Path, size: tuple[int, int], aspect: Fraction, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As television changes over: people keep their shape, pictures the first one's size; the others' rows are grey."""
    path = tmp_path / "clip.ts"
    white = [np.full((height, width, 3), 235, np.uint8) for width, height in ((64, 48), size)]
    path.write_bytes(
        shown_as(tmp_path / "a.ts", white[0], Fraction(1), 0) + shown_as(tmp_path / "b.ts", white[1], aspect, 10)
    )
    frames = read(path)
    assert {(frame.image.shape, frame.pixel_aspect) for frame in frames} == {((48, 64, 3), Fraction(1))}
    bright = [int((frame.image[:, 32, 0] > 200).sum()) for frame in frames]
    assert bright == [48] * 10 + [rows] * 10
    assert "from frame 11 on pictures are of" in caplog.text


def test_cover_picture_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(VideoError, match=r"sound\.wav: no video in it \(format wav\)"):
        open_source(str(path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"this is no video\n" * 50, "not a video that can be read"),
        ("notes.txt", b"this is no video\n" * 50, "no video in it"),
    ],
)
def test_file_that_is_no_video_is_an_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(VideoError, match=message) as caught:
        open_source(str(path))
    assert str(path) in str(caught.value)


def test_video_without_its_index_is_an_error(clip: Path) -> None:
    data = clip.read_bytes()  # written without faststart: the index comes last
    clip.write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoError, match=r"clip\.mp4: not a video that can be read"):
        open_source(str(clip))


def test_video_with_zero_frames_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(VideoError, match=str(path)):
        read(path)


def test_video_of_undecodable_frames_is_an_error(tmp_path: Path) -> None:
    path = make_video(tmp_path / "noise.mkv", [numbered_image(1)] * 5, codec="ffv1", pix_fmt="bgr0")
    data = path.read_bytes()
    payloads = data.index(b"\x1fC\xb6u")  # the first Cluster: everything behind it is frames
    path.write_bytes(data[: payloads + 30] + bytes(len(data) - payloads - 30))
    with pytest.raises(VideoError, match="no frame can be decoded"):
        read(path)


@pytest.mark.parametrize("name", ["missing.mp4", ""])
def test_missing_file_is_an_error(name: str) -> None:
    with pytest.raises(VideoError, match=f"'{name}': no such file or folder"):
        open_source(name)


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    path = make_video(tmp_path / "long.mp4", [numbered_image(n % 50, 640, 480) for n in range(300)])
    resident: dict[int, int] = {}
    with open_source(str(path)) as source:
        for frame in source:
            if frame.index in (50, 300):
                resident[frame.index] = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    # Kept frames would be 250 times 0.9 MB; so would pictures that wait for the garbage collector, in part.
    assert resident[300] - resident[50] < 20e6


@pytest.mark.data
def test_sample_video_has_795_frames(mot_data: Path) -> None:
    with open_source(str(mot_data / "videos" / "vtest.avi")) as source:
        assert (source.frame_rate, source.frame_count) == (10, 795)
        frames = [(frame.index, frame.time, frame.image.shape) for frame in source]
    assert [index for index, _, _ in frames] == list(range(1, 796))
    assert {shape for _, _, shape in frames} == {(576, 768, 3)}
    assert frames[-1][1] == pytest.approx(79.4)


def test_missing_camera_is_an_error() -> None:
    with pytest.raises(VideoError, match="camera 63: cannot be opened"):
        open_source("63")


def test_unknown_kind_of_address_is_an_error() -> None:
    with pytest.raises(VideoError, match="gopher://: unknown kind of address; known are http, https, rtmp"):
        open_source("gopher://host/video")


def transport_stream(path: Path, numbers: range, begin: float) -> bytes:
    """Numbered frames, ten a second, on a clock that begins at ``begin`` seconds."""
    times = [begin + n / 10 for n in range(len(numbers))]
    return make_video(path, [numbered_image(n) for n in numbers], times=times).read_bytes()


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (100, 50), (50_000, 0), (95_443, 0)])
def test_transport_stream_whose_clock_restarts(
    tmp_path: Path, first: float, second: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where FFmpeg, by itself, would take the restart for the overflow of a clock of 33 bits."""
    path = tmp_path / "both.ts"
    parts = (range(1, 13), first), (range(13, 25), second)
    path.write_bytes(b"".join(transport_stream(tmp_path / "part.ts", *part) for part in parts))
    frames = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(1, 25))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(24)], abs=2e-3)
    assert caplog.text.count("jumps back") == 1
