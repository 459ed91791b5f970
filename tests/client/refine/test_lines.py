from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.refine.gaps import fill_gaps
from client.refine.lines import read_lines, refined_lines
from client.refine.refinement import RefineConfig, refine_file
from mot.sequence import MotRows, read_results, write_results
from tests.client.refine.rows import results, rows, walk

ODD = "1,7,10.50,20.0,+3e1,40,0.90000,5,6,7\n"
LATER = "3,7,12.50,20.0,30,40,0.7,5,6,7\n"


def refined(path: Path, text: str, config: RefineConfig) -> str:
    path.write_text(text)
    refine_file(path, path.parent / "out" / path.name, config)
    return (path.parent / "out" / path.name).read_text()


def test_rows_that_stay_keep_their_bytes(tmp_path: Path) -> None:
    text = refined(tmp_path / "a.txt", f"\n{ODD}\n{LATER}", RefineConfig(sigma=0))
    assert text == f"{ODD}2,7,11.50,20.00,30.00,40.00,0.8000,-1,-1,-1\n{LATER}"


def test_rows_of_seven_columns_get_seven(tmp_path: Path) -> None:
    text = refined(tmp_path / "a.txt", "1,7,10,20,30,40,1\n3,7,10,20,30,40,1\n", RefineConfig(sigma=0))
    assert text.splitlines()[1] == "2,7,10.00,20.00,30.00,40.00,1.0000"


def test_another_id_changes_that_cell_alone() -> None:
    given_rows = rows([(1, 3, 10.5, 20, 30, 40)])
    assert list(refined_lines([ODD.strip()], given_rows, given_rows)) == [ODD.replace("1,7,", "1,3,")]


def test_another_box_leaves_score_and_the_rest(tmp_path: Path) -> None:
    text = "".join(f"{frame},1,{left},0,10.0,20,0.50,-1,-1,8\n" for frame, left in ((1, 0), (2, 8), (3, 2)))
    changed = refined(tmp_path / "a.txt", text, RefineConfig(sigma=2))
    assert changed != text
    assert all(line.endswith(",10.00,20.00,0.50,-1,-1,8") for line in changed.splitlines())


@given(results(), st.integers(0, 1))
def test_nothing_to_do_changes_no_line(
    tmp_path_factory: pytest.TempPathFactory, given_rows: MotRows, min_length: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    write_results(path, given_rows)
    config = RefineConfig(sigma=0, max_gap=0, min_length=min_length)
    lines = path.read_text().splitlines()
    assert sorted(refined(path, path.read_text(), config).splitlines()) == sorted(lines)


@given(results())
def test_what_is_written_is_what_was_made(tmp_path_factory: pytest.TempPathFactory, given_rows: MotRows) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    write_results(path, given_rows)
    filled = fill_gaps(given_rows, 5)
    path.write_text("".join(refined_lines(read_lines(path), given_rows, filled)))
    found = read_results(path)
    assert found.boxes.tolist() == filled.boxes.tolist()
    assert found.ids.tolist() == filled.ids.tolist()


def test_no_rows() -> None:
    assert list(refined_lines([], rows([]), rows([]))) == []
    assert list(refined_lines(["1,1,0,0,1,1,1"], rows(walk(1, [1])), rows([]))) == []
