from __future__ import annotations

from pathlib import Path

from training.scoreboard import COLUMNS, MEAN, MEASURES, Scoreboard, read_rows, with_mean


def scores(hota: float, other: float = 50.0) -> dict[str, dict[str, float]]:
    values = dict.fromkeys(MEASURES, other)
    return with_mean({"a": values | {"HOTA": hota}, "b": values | {"HOTA": hota + 10}})


def test_the_mean_is_over_scenes() -> None:
    assert scores(20)[MEAN]["HOTA"] == 25
    assert scores(20, other=7)[MEAN]["MOTA"] == 7


def test_rows_are_read_back(tmp_path: Path) -> None:
    board = Scoreboard(tmp_path, 0)
    board.add(10, 1, scores(20.00049))
    board.add(20, 2.5, scores(30))
    rows = read_rows(tmp_path / "validation.csv")
    assert [(row["step"], row["epoch"], row["scene"], row["HOTA"]) for row in rows] == [
        ("10", "1.000", "a", "20.000"),
        ("10", "1.000", "b", "30.000"),
        ("10", "1.000", "mean", "25.000"),
        ("20", "2.500", "a", "30.000"),
        ("20", "2.500", "b", "40.000"),
        ("20", "2.500", "mean", "35.000"),
    ]
    assert tuple(rows[0]) == COLUMNS
    assert board.has(10, ["a", "b"])
    assert not board.has(10, ["a"])
    assert not board.has(15, ["a", "b"])


def test_a_resumed_run_forgets_what_lies_beyond_its_step(tmp_path: Path) -> None:
    board = Scoreboard(tmp_path, 0)
    board.add(10, 1, scores(20))
    board.add(20, 2, scores(30))
    resumed = Scoreboard(tmp_path, 10)
    assert not resumed.has(20, ["a", "b"])
    assert resumed.is_best(scores(25)[MEAN])
    resumed.add(20, 2, scores(25))
    assert [row["HOTA"] for row in read_rows(tmp_path / "validation.csv") if row["scene"] == MEAN] == [
        "25.000",
        "30.000",
    ]


def test_the_best_is_the_highest_and_the_earliest_of_equals(tmp_path: Path) -> None:
    board = Scoreboard(tmp_path, 0)
    assert board.is_best(scores(0)[MEAN])
    board.add(1, 1, scores(20))
    assert not board.is_best(scores(20)[MEAN])
    assert not board.is_best(scores(20.0003)[MEAN])  # written, they are equal
    assert not board.is_best(scores(10, other=99)[MEAN])
    assert board.is_best(scores(20.001)[MEAN])


def test_a_step_that_is_validated_again_replaces_its_rows(tmp_path: Path) -> None:
    board = Scoreboard(tmp_path, 0)
    board.add(1, 1, scores(20))
    board.add(1, 1, scores(30))
    assert len(read_rows(tmp_path / "validation.csv")) == 3


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "gone.csv") == []
    assert not Scoreboard(tmp_path, 5).has(5, ["a"])


def test_no_number_is_never_the_best(tmp_path: Path) -> None:
    assert not Scoreboard(tmp_path, 0).is_best(scores(float("nan"))[MEAN])
