from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from client.refine.refinement import RefineConfig, refine, refine_file
from mot.errors import MotError
from mot.sequence import MotRows, read_results, write_results
from tests.command import Outcome
from tests.refine.rows import results, rows, walk

ONE_PERSON = rows([*walk(1, range(1, 10)), *walk(4, range(20, 25))])
LOOK = np.array([1.0, 0], np.float32)


def test_joined_tracks_are_long_enough_and_filled() -> None:
    config = RefineConfig(link_gap=30, min_length=10)
    refined = refine(ONE_PERSON, config, {1: LOOK, 4: LOOK})
    assert refined.frames.tolist() == list(range(1, 25))
    assert set(refined.ids.tolist()) == {1}
    assert len(refine(ONE_PERSON, RefineConfig(min_length=10))) == 0


@given(results())
def test_what_comes_out_is_a_result(tmp_path_factory: pytest.TempPathFactory, given_rows: MotRows) -> None:
    """The reader's checks: positive sizes, finite numbers, no id twice in a frame."""
    path = tmp_path_factory.mktemp("refined") / "a.txt"
    config = RefineConfig(link_gap=10, link_distance=2, min_length=2, max_gap=5, sigma=2)
    refined = refine(given_rows, config, dict.fromkeys(range(1, 5), LOOK))
    write_results(path, refined)
    assert read_results(path).boxes.tolist() == refined.boxes.tolist()


def test_a_folder_of_results(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    for name in ("a", "b", "c.partial"):
        write_results(tmp_path / f"in/{name}.txt", ONE_PERSON)
    done = mot("refine", tmp_path / "in", "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.txt", "b.txt"]
    assert len(read_results(tmp_path / "out/a.txt")) == len(ONE_PERSON)  # ids 1 and 4 have no gap of their own


def test_an_empty_result(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    refine_file(tmp_path / "a.txt", tmp_path / "out/a.txt", RefineConfig(sigma=2))
    assert (tmp_path / "out/a.txt").read_text() == ""


def test_a_bad_line_is_named_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,1,0,0,10,20,nan,-1,-1,-1\n")
    with pytest.raises(MotError, match=r"a.txt:1: score or mark is nan"):
        refine_file(tmp_path / "a.txt", tmp_path / "out/a.txt", RefineConfig())
    assert not (tmp_path / "out").exists()


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    write_results(tmp_path / "a.txt", ONE_PERSON)
    with pytest.raises(MotError, match="replace its own input"):
        refine_file(tmp_path / "a.txt", tmp_path / "a.txt", RefineConfig())


def test_linking_without_embeddings(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_results(tmp_path / "a.txt", ONE_PERSON)
    done = mot("refine", tmp_path / "a.txt", "--out", tmp_path / "out", "--link-gap", "30")
    assert done.status == 1
    assert "a.embeddings.npz: no such file" in " ".join(done.err.split())


@pytest.mark.parametrize(("given_paths", "complaint"), [(["in"], "no .txt"), (["a.txt", "b/a.txt"], "another file")])
def test_files_that_do_not_go(
    mot: Callable[..., Outcome], tmp_path: Path, given_paths: list[str], complaint: str
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_results(tmp_path / name, ONE_PERSON)
    done = mot("refine", *(tmp_path / path for path in given_paths), "--out", tmp_path / "out")
    assert done.status == 1
    assert complaint in " ".join(done.err.split())
