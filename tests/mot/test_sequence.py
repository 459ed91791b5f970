"""mot.sequence: MOTChallenge's text files and seqinfo.ini."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mot.detections import Tracks
from mot.sequence import (
    MotRows,
    SequenceError,
    format_rows,
    read_detections,
    read_ground_truth,
    read_results,
    read_seqinfo,
    write_ground_truth,
    write_results,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.txt"


def assert_equal(a: MotRows, b: MotRows) -> None:
    for field in fields(MotRows):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)
        assert getattr(a, field.name).dtype == getattr(b, field.name).dtype, field.name


@pytest.mark.parametrize(
    "text",
    [
        "1,2,10.5,20,30,40,0.9\n3,2,-5,20,30,40,1\n",
        "1,2,10.5,20,30,40,0.9,-1,-1,-1\n3,2,-5,20,30,40,1,-1,-1,-1\n",
        "1.0, 2, 10.5, 20, 30, 40.0, 0.9 \r\n\r\n  3,2,-5.0,2e1,30,40,1\r\n\n",
        "\ufeff1,2,10.5,20,30,40,.9\n3,2,-5,20,30,40,1",
    ],
    ids=["seven columns", "ten columns", "blanks, empty lines, CRLF", "byte order mark, no last newline"],
)
def test_reads_results(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="")
    rows = read_results(file)
    assert rows.frames.tolist() == [1, 3] and rows.ids.tolist() == [2, 2]
    assert rows.boxes.tolist() == [[10.5, 20, 30, 40], [-5, 20, 30, 40]]
    assert rows.scores.tolist() == [0.9, 1]
    assert rows.classes.tolist() == [1, 1] and rows.visibilities.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("line", "kind", "visibility"),
    [
        ("1,2,10,20,30,40,0", 1, 1),
        ("1,2,10,20,30,40,0,7", 7, 1),
        ("1,2,10,20,30,40,0,7,0.25", 7, 0.25),
        ("1,2,10,20,30,40,0,-3.3,4.4,5.5", 1, 1),
    ],
    ids=["mark only", "class", "MOT16 and later", "MOT15 with world coordinates"],
)
def test_reads_ground_truth(file: Path, line: str, kind: int, visibility: float) -> None:
    file.write_text(line)
    rows = read_ground_truth(file)
    assert (rows.scores[0], rows.classes[0], rows.visibilities[0]) == (0, kind, visibility)


def test_detections_have_no_identity(file: Path) -> None:
    file.write_text("1,-1,10,20,30,40,0.9\n1,-1,50,20,30,40,0.8\n")
    assert read_detections(file).ids.tolist() == [-1, -1]


@pytest.mark.parametrize("text", ["", "\n \n"], ids=["no bytes", "blank lines"])
def test_an_empty_file_has_no_rows(file: Path, text: str) -> None:
    file.write_text(text)
    for read in (read_results, read_ground_truth, read_detections):
        rows = read(file)
        assert len(rows) == 0 and rows.boxes.shape == (0, 4)
        assert len(rows.between(1, 9)) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2,1,1,1,1,1", "6 columns, expected 7 to 10"),
        ("2,1,1,1,1,1,1,1,1,1,1", "11 columns, expected 7 to 10"),
        ("2 1 1 1 1 1 1", "1 columns, expected 7 to 10"),
        ("2,1,1,1,1,1,1,-1", "8 columns where line 1 has 7"),
        ("2,1,1,1,x,1,1", "'2,1,1,1,x,1,1' holds something that is not a number"),
        ("2,1,1,1,,1,1", "not a number"),
        ("2,1,nan,1,1,1,1", "left is nan, not a finite number"),
        ("2,1,1,1,1,inf,1", "height is inf, not a finite number"),
        ("2,1,1,1,1,1,nan", "score or mark is nan"),
        ("2,1,1,1,0,1,1", "width is 0, a box must have a positive size"),
        ("2,1,1,1,1,-3,1", "height is -3, a box must have a positive size"),
        ("0,1,1,1,1,1,1", "frame is 0, frames start at 1; add 1 to all frames of a file that counts from 0"),
        ("1.5,1,1,1,1,1,1", "frame is 1.5, not a whole number"),
        ("2,1.5,1,1,1,1,1", "id is 1.5, not a whole number"),
        ("2,9007199254740994,1,1,1,1,1", "id is 9007199254740994, beyond 9007199254740992; number from 1"),
        ("3000000000,1,1,1,1,1,1", "frame is 3000000000, beyond 2147483647"),
        ("2,-1,1,1,1,1,1", "id is -1, a track's id must not be negative"),
        ("1,5,1,1,1,1,1", r"id 5 is already in frame 1 \(line 1\)"),
    ],
)
def test_a_malformed_line_is_named(file: Path, line: str, message: str) -> None:
    file.write_text(f"1,5,1,1,1,1,1\n\n1,6,1,1,1,1,1\n{line}\n2,9,1,1,1,1,1\n")
    with pytest.raises(SequenceError, match=message) as caught:
        read_results(file)
    assert str(caught.value).startswith(f"{file}:4: ")


def test_a_class_must_be_a_whole_number(file: Path) -> None:
    file.write_text("1,5,1,1,1,1,1,1.5,1\n")
    with pytest.raises(SequenceError, match=r"rows\.txt:1: column 8 is 1\.5, not a whole number"):
        read_ground_truth(file)


def test_files_that_cannot_be_read_are_named(tmp_path: Path, file: Path) -> None:
    with pytest.raises(SequenceError, match=r"rows\.txt: cannot be read: No such file"):
        read_results(file)
    with pytest.raises(SequenceError, match="cannot be read: Is a directory"):
        read_results(tmp_path)
    file.write_bytes(b"1,2,3\xff\xd8")
    with pytest.raises(SequenceError, match=r"rows\.txt: not a text file"):
        read_results(file)


def test_writing_loses_nothing(file: Path) -> None:
    rng = np.random.default_rng(0)
    rows = MotRows(
        frames=np.arange(1, 51),
        ids=rng.integers(0, 9, 50),
        boxes=rng.uniform(1e-7, 1e5, (50, 4)),
        scores=rng.random(50),
        classes=rng.integers(1, 13, 50),
        visibilities=rng.random(50),
    )
    write_ground_truth(file, rows)
    assert_equal(read_ground_truth(file), rows)
    write_results(file, rows)
    unclassed = replace(rows, classes=np.ones(50, np.int64), visibilities=np.ones(50))
    assert_equal(read_results(file), unclassed)
    write_results(file, rows[:0])
    assert file.read_text() == ""


def test_written_rows_are_plain_numbers(file: Path) -> None:
    file.write_text("1,2,10.0,20.5,30,4e1,1,7,0.00000001")
    rows = read_ground_truth(file)
    write_ground_truth(file, rows)
    assert file.read_text() == "1,2,10,20.5,30,40,1,7,0.00000001\n"
    write_results(file, rows)
    assert file.read_text() == "1,2,10,20.5,30,40,1,-1,-1,-1\n"


def test_between_includes_both_ends(file: Path) -> None:
    file.write_text("".join(f"{frame},1,1,1,1,1,1\n" for frame in range(1, 7)))
    assert read_results(file).between(2, 4).frames.tolist() == [2, 3, 4]


def test_format_rows_is_what_read_results_reads(file: Path) -> None:
    tracks = Tracks(
        ids=np.array([3, 12]),
        boxes=np.array([[-1.234, 2, 8.766, 22.5], [1919.999, 0, 1930, 11]], np.float32),
        scores=np.array([0.5, 0.98766], np.float32),
        detections=np.array([1, 0]),
    )
    text = format_rows(7, tracks)
    assert text == "7,3,-1.23,2.00,10.00,20.50,0.5000,-1,-1,-1\n7,12,1920.00,0.00,10.00,11.00,0.9877,-1,-1,-1\n"
    file.write_text(text)
    assert read_results(file).ids.tolist() == [3, 12]


def test_format_rows_of_nobody_is_empty() -> None:
    nobody = Tracks(
        ids=np.zeros(0, np.int64),
        boxes=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        detections=np.zeros(0, np.int64),
    )
    assert format_rows(1, nobody) == ""


@pytest.mark.data
def test_published_files_are_read(mot_data: Path) -> None:
    pets = mot_data / "mot" / "PETS09-S2L1"
    assert len(read_ground_truth(pets / "gt" / "gt.txt")) == 4650
    assert read_seqinfo(pets / "seqinfo.ini").frame_rate == 7
    half = read_ground_truth(mot_data / "mot" / "MOT17-09-FRCNN" / "gt" / "gt_val_half.txt")
    assert ((half.classes == 1) & (half.scores == 1)).sum() == 2879


def test_ids_may_be_as_large_as_a_clock(file: Path) -> None:
    """insight-platform/Savant issue 959: DeepStream's ids do not fit 32 bits."""
    file.write_text("1,1699999999123,1,1,1,1,1\n1,4294967297,1,1,1,1,1\n2,9007199254740991,1,1,1,1,1\n")
    rows = read_results(file)
    assert rows.ids.tolist() == [1699999999123, 4294967297, 9007199254740991]
    write_results(file, rows)
    assert read_results(file).ids.tolist() == rows.ids.tolist()


def test_numbers_as_numpy_writes_them(file: Path) -> None:
    """np.savetxt's default format: ids and frames as 1.000000000000000000e+00."""
    np.savetxt(file, [[1, 2, 3.5, 4, 5, 6, 0.9, -1, -1, -1]], delimiter=",")
    rows = read_results(file)
    assert (rows.frames.tolist(), rows.ids.tolist(), rows.boxes.tolist()) == ([1], [2], [[3.5, 4, 5, 6]])
