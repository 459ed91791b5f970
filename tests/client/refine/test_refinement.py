from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from client.outputs.embeddings import embeddings_path
from client.refine.refinement import RefineConfig, refine_file
from mot.errors import MotError
from mot.sequence import MotRows, read_results, write_results
from tests.client.refine.rows import results, rows, walk
from tests.command import Outcome

ONE_PERSON = rows([*walk(1, range(1, 10)), *walk(4, range(20, 25))])
EMBEDDING = np.array([1.0, 0], np.float32)


def refined(folder: Path, given_rows: MotRows, config: RefineConfig) -> MotRows:
    """Through files; everybody has the same embedding."""
    write_results(folder / "a.txt", given_rows)
    ids = np.unique(given_rows.ids)
    np.savez(embeddings_path(folder / "a.txt"), ids=ids, embeddings=np.tile(EMBEDDING, (len(ids), 1)))
    before, after = refine_file(folder / "a.txt", folder / "out/a.txt", config)
    assert len(before) == len(given_rows)
    found = read_results(folder / "out/a.txt")  # with the reader's checks: sizes, finite numbers, ids once in a frame
    assert found.boxes.tolist() == after.boxes.tolist()
    assert found.ids.tolist() == after.ids.tolist()
    return found


def test_joined_tracks_are_long_enough_and_filled(tmp_path: Path) -> None:
    found = refined(tmp_path, ONE_PERSON, RefineConfig(link_gap=30, min_length=10))
    assert found.frames.tolist() == list(range(1, 25))
    assert set(found.ids.tolist()) == {1}
    assert len(refined(tmp_path, ONE_PERSON, RefineConfig(min_length=10))) == 0


@given(results())
def test_what_comes_out_is_a_result(tmp_path_factory: pytest.TempPathFactory, given_rows: MotRows) -> None:
    config = RefineConfig(link_gap=10, link_distance=2, min_length=2, max_gap=5, sigma=2)
    found = refined(tmp_path_factory.mktemp("refined"), given_rows, config)
    assert found.frames.tolist() == sorted(found.frames.tolist())
    for track in set(found.ids.tolist()):
        frames = found.frames[found.ids == track]
        assert {frames.min(), frames.max()} <= set(given_rows.frames.tolist())


def test_a_folder_of_results(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    for name in ("a", "b", "c.partial"):
        write_results(tmp_path / f"in/{name}.txt", ONE_PERSON)
    done = mot("refine", tmp_path / "in", "--output", tmp_path / "out")
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


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    write_results(tmp_path / "a.txt", ONE_PERSON)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MotError, match=r"a.txt: cannot be written: .*; choose another"):
        refine_file(tmp_path / "a.txt", tmp_path / "taken/a.txt", RefineConfig())


def test_one_result_may_get_a_name(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_results(tmp_path / f"in/{name}.txt", ONE_PERSON)
    assert mot("refine", tmp_path / "in/a.txt", "-o", tmp_path / "out/street.txt").status == 0
    assert len(read_results(tmp_path / "out/street.txt")) == len(ONE_PERSON)
    done = mot("refine", tmp_path / "in", "-o", tmp_path / "out/both.txt")
    assert done.status == 2
    assert "for 2 results" in " ".join(done.err.split())


def test_the_former_name_of_the_option_still_works(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_results(tmp_path / "a.txt", ONE_PERSON)
    assert mot("refine", tmp_path / "a.txt", "--out", tmp_path / "out").status == 0
    assert len(read_results(tmp_path / "out/a.txt")) == len(ONE_PERSON)
    assert "--out " not in mot("refine", "--help").out


def test_linking_without_embeddings(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    write_results(tmp_path / "a.txt", ONE_PERSON)
    done = mot("refine", tmp_path / "a.txt", "--output", tmp_path / "out", "--link-gap", "30")
    assert done.status == 1
    assert "a.embeddings.npz: no such file" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("given_paths", "complaint"), [(["in"], "no .txt"), (["a.txt", "b/a.txt"], "a.txt has the same name")]
)
def test_files_that_do_not_go(
    mot: Callable[..., Outcome], tmp_path: Path, given_paths: list[str], complaint: str
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_results(tmp_path / name, ONE_PERSON)
    done = mot("refine", *(tmp_path / path for path in given_paths), "--output", tmp_path / "out")
    assert done.status == 1
    assert complaint in " ".join(done.err.split())
