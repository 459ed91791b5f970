"""Image folders and MOT sequences, good and bad."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from client.video.open import open_source
from client.video.source import VideoError
from mot.frame import Frame
from tests.media import corners, number_of, numbered_image, quarters, write_image


def read(input: Path | str, start: int = 1, end: int | None = None) -> list[Frame]:
    with open_source(str(input), start, end) as source:
        return list(source)


def test_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for n in (10, 9, 1, 2):
        write_image(tmp_path / "walk" / f"{n}.png", numbered_image(n))
    (tmp_path / "walk" / "notes.txt").write_text("not an image")
    (tmp_path / "walk" / "._1.png").write_bytes(b"left by another system")
    with open_source(str(tmp_path / "walk") + "/") as source:
        assert (source.name, source.frame_rate, source.frame_count, source.live) == ("walk", 30, 4, False)
        frames = list(source)
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(1, 1), (2, 2), (3, 9), (4, 10)]
    assert [frame.time for frame in frames] == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30])


def test_folder_images_are_rgb_and_brought_to_the_first_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_image(tmp_path / "1.png", quarters(64, 48))
    write_image(tmp_path / "2.png", quarters(16, 12))
    write_image(tmp_path / "3.png", quarters(1, 9))
    first, second, third = read(tmp_path)
    assert np.array_equal(first.image, quarters(64, 48))
    assert (second.image.shape, third.image.shape) == ((48, 64, 3), (48, 64, 3))
    assert corners(second.image) == ["red", "green", "blue", "white"]
    assert caplog.text.count("are brought to the first size") == 1
    assert "from frame 2 on pictures are of 16x12 pixels, no longer of 64x48" in caplog.text


KINDS = "avif bmp dib gif hdr jpe jpeg jpg pam pgm png pnm ppm sr tif tiff webp"


@pytest.mark.parametrize("kind", KINDS.split())
def test_every_kind_that_opencv_reads_is_a_frame(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    image = numbered_image(12)
    pixels = {"hdr": image.astype(np.float32) / 255, "pgm": image[:, :, 0]}
    assert cv2.imwrite(str(tmp_path / f"1.{kind}"), pixels.get(kind, image))
    write_image(tmp_path / "2.png", numbered_image(2))
    frames = read(tmp_path)
    assert [frame.index for frame in frames] == [1, 2]
    assert number_of(frames[0].image) == pytest.approx(12, abs=1)
    assert not caplog.records


def test_files_passed_over_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_image(tmp_path / "1.png", numbered_image(1))
    for name in ("2.heic", "3.HEIC", "clip.mov", "notes.txt", ".hidden.heic"):
        (tmp_path / name).write_bytes(b"something")
    assert len(read(tmp_path)) == 1
    assert "passed over, because they are not read as images here: 2 of .heic, 1 of .mov" in caplog.text
    assert "txt" not in caplog.text


def test_folder_of_other_files_names_them(tmp_path: Path) -> None:
    (tmp_path / "1.heic").write_bytes(b"something")
    with pytest.raises(VideoError, match=r"no images in this folder .*; has 1 of \.heic"):
        open_source(str(tmp_path))


def test_one_name_with_two_suffixes_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("1.png", "1.jpg", "2.png"):
        write_image(tmp_path / name, numbered_image(1))
    assert len(read(tmp_path)) == 3
    assert "names that occur with several suffixes (1, e.g. 1)" in caplog.text


def test_folder_window(tmp_path: Path) -> None:
    for n in range(1, 6):
        write_image(tmp_path / f"{n:03d}.png", numbered_image(n))
    assert [(frame.index, number_of(frame.image)) for frame in read(tmp_path, 2, 4)] == [(2, 2), (3, 3), (4, 4)]
    with pytest.raises(VideoError, match="start 6 is beyond the end; it has 5 frames"):
        open_source(str(tmp_path), 6)


@pytest.mark.parametrize("content", [b"", b"not an image"], ids=["empty", "text"])
def test_unreadable_image_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    write_image(tmp_path / "1.jpg", numbered_image(1))
    (tmp_path / "2.jpg").write_bytes(content)
    with open_source(str(tmp_path)) as source:
        frames = iter(source)
        assert next(frames).index == 1
        with pytest.raises(VideoError, match=r"2\.jpg: not an image"):
            next(frames)


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(VideoError, match="no images in this folder") as caught:
        open_source(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    folder = tmp_path / "MOT99-01"
    for n in range(1, 4):
        write_image(folder / "img1" / f"{n:06d}.png", numbered_image(n))
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=MOT99-01-X\nimDir=img1\nframeRate=14\nseqLength=3\nimWidth=64\nimHeight=48\nimExt=.png\n"
    )
    return folder


@pytest.mark.parametrize("inner", ["", "img1"], ids=["sequence", "its img1"])
def test_mot_sequence_takes_name_and_rate_from_seqinfo(sequence: Path, inner: str) -> None:
    write_image(sequence / "img1" / "preview.jpg", numbered_image(9))  # not of imExt
    with open_source(str(sequence / inner)) as source:
        assert (source.name, source.frame_rate, source.frame_count) == ("MOT99-01-X", 14, 3)
        assert [(frame.index, number_of(frame.image)) for frame in source] == [(1, 1), (2, 2), (3, 3)]


def test_what_seqinfo_does_not_say_is_found_out(sequence: Path, caplog: pytest.LogCaptureFixture) -> None:
    (sequence / "seqinfo.ini").write_text("[Sequence]\n")
    with open_source(str(sequence)) as source:
        assert (source.name, source.frame_rate, source.frame_count) == ("MOT99-01", 30, 3)
        assert len(list(source)) == 3
    assert [one.getMessage() for one in caplog.records] == [
        f"{sequence}: no frameRate in seqinfo.ini; 30 frames per second are assumed"
    ]


@pytest.mark.parametrize("inner", ["", "img1"], ids=["sequence", "its img1"])
def test_sequence_without_seqinfo_is_named_after_its_folder(sequence: Path, inner: str) -> None:
    (sequence / "seqinfo.ini").unlink()
    with open_source(str(sequence / inner)) as source:
        assert (source.name, source.frame_count) == ("MOT99-01", 3)


@pytest.mark.parametrize("inner", ["", "img1"], ids=["sequence", "its img1"])
@pytest.mark.parametrize(("name", "rate"), [("ETH-Crossing", 14), ("AVG-TownCentre", 2.5), ("street", 30)])
def test_rate_without_seqinfo_is_the_published_one_or_30(tmp_path: Path, inner: str, name: str, rate: float) -> None:
    write_image(tmp_path / name / "img1/000001.png", numbered_image(1))
    with open_source(str(tmp_path / name / inner)) as source:
        assert source.frame_rate == rate


def test_sequence_of_another_length_warns(sequence: Path, caplog: pytest.LogCaptureFixture) -> None:
    (sequence / "img1" / "000002.png").unlink()
    assert len(read(sequence)) == 2
    assert "seqLength is 3, but there are 2 images" in caplog.text


def test_sequence_whose_images_are_missing_is_an_error(sequence: Path) -> None:
    for path in (sequence / "img1").iterdir():
        path.unlink()
    (sequence / "img1").rmdir()
    with pytest.raises(VideoError, match="img1: cannot be listed: No such file"):
        open_source(str(sequence))


@pytest.mark.data
def test_mot17_sequence(mot_data: Path) -> None:
    with open_source(str(mot_data / "mot" / "MOT17-09-FRCNN"), 524) as source:
        assert (source.name, source.frame_rate, source.frame_count) == ("MOT17-09-FRCNN", 30, 2)
        assert [(frame.index, frame.image.shape) for frame in source] == [
            (524, (1080, 1920, 3)),
            (525, (1080, 1920, 3)),
        ]


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ("1 2 3 5 6", "4"),
        ("f0001 f0002 f0003 f0007 f0008 f0010", "4-6, 9"),
        ("0010 0020 0030 0050 0060", "40"),
        ("1 2 4 5 7 8 10 11 12 14 15 16", "3, 6, 9, ..."),
    ],
)
def test_numbers_missing_between_images_are_said(
    tmp_path: Path, names: str, missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    """NevermindNilas/TheAnimeScripter issue 376, DeepLabCut issue 581: whose frame is whose, where one is deleted?"""
    for name in names.split():
        write_image(tmp_path / f"{name}.png", numbered_image(1))
    assert [frame.index for frame in read(tmp_path)] == list(range(1, len(names.split()) + 1))
    assert f"numbers are missing between the names ({missing}); frames are counted by place" in caplog.text


@pytest.mark.parametrize(
    "names",
    [
        "1 2 3 4",
        "6 7 8 9",
        "0 10 20 30",
        "1 9",
        "1699999999123 1699999999161 1699999999204 1699999999239",
        "a1 a2 b1 b3 b9",
        "one two three",
        "1(1) 1(2) 1(9)",
        "1 1a 9",
        f"{'9' * 400} {'8' * 400} 1 2",
    ],
)
def test_names_without_a_running_number_give_no_warning(
    tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in names.split():
        write_image(tmp_path / f"{name[:200]}.png", numbered_image(1))
    read(tmp_path)
    assert not caplog.text
