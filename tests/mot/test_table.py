"""mot.table: numbers in lines; what TrackEval overlooks is in tests/client/evaluation/test_official_reader.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from mot.table import SequenceError, read_table, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_is_no_text(tmp_path: Path, encoding: str) -> None:
    text = "\ufeffname\nStraße\n" if encoding == "utf-16-le" else "name\nStraße\n"
    (tmp_path / "map.txt").write_text(text, encoding)
    assert read_text(tmp_path / "map.txt") == "name\nStraße\n"


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"1,2\xff")
    with pytest.raises(SequenceError, match=r"a\.txt: not a text file \(byte 3 is not UTF-8\)"):
        read_text(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe1")
    with pytest.raises(SequenceError, match="is not UTF-16"):
        read_text(tmp_path / "a.txt")


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n1,2,3,4,5,6,7\n\n8,9,10,11,12,13,14\n")
    values, lines = read_table(tmp_path / "a.txt", "a,b")
    assert values.shape == (2, 7) and lines == [2, 4]


def test_without_a_listener_other_forms_are_refused(tmp_path: Path) -> None:
    for text in ("1 2 3 4 5 6 7\n", "1,2,3,4,5,6,7,\n", "1,2,3,4,5,6,7,8,9,10,11\n"):
        (tmp_path / "a.txt").write_text(text)
        with pytest.raises(SequenceError, match=r"a\.txt:1: "):
            read_table(tmp_path / "a.txt", "a,b")


def test_a_listener_hears_each_kind_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1;2;3;4;5;6;7;8;\n1;2;3;4;5;6;7;\n1;2;3;4;5;6;7;8;9;10;11;\n")
    heard: list[str] = []
    values, _ = read_table(tmp_path / "a.txt", "a,b", remark=heard.append)
    assert values.shape == (3, 7)
    assert [one.removeprefix(f"{tmp_path}/a.txt: ").split(";")[0] for one in heard] == [
        "columns are separated by semicolons, not by commas",
        "lines end with a separator",
        "lines have 7 to 11 columns",
        "lines have up to 11 columns",
    ]


def test_an_empty_file_has_seven_columns_and_no_remark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    heard: list[str] = []
    values, lines = read_table(tmp_path / "a.txt", "a,b", remark=heard.append)
    assert values.shape == (0, 7) and lines == [] and heard == []
