"""client.batch.journal: names and failures, whatever happens to the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from client.batch.journal import JOURNAL, Journal
from client.jobs.spec import JobError

SETTINGS = {"version": "1", "input": {"bytes": 3}}


def test_an_input_keeps_its_name_whatever_comes_before_it(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert [journal.name_for(input, "a") for input in ("/x/a.mp4", "/y/a.mp4", "/x/a.mp4")] == ["a", "a-2", "a"]
    with Journal(tmp_path) as journal:
        assert journal.name_for("/w/a.mp4", "a") == "a-3"
        assert journal.name_for("/y/a.mp4", "a") == "a-2"
        assert journal.name_for("/x/a.mp4", "a") == "a"


def test_names_that_some_file_systems_take_for_one(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        assert [journal.name_for(f"/{name}.mp4", name) for name in ("Straße", "STRASSE", "a-2", "a")] == [
            "Straße",
            "STRASSE-2",
            "a-2",
            "a",
        ]
        assert journal.name_for("/b/a.mp4", "a") == "a-3"


def test_no_name_is_that_of_an_unfinished_result(tmp_path: Path) -> None:
    """a.partial.txt is what is kept of a when a run is stopped."""
    with Journal(tmp_path) as journal:
        assert journal.name_for("/a.mp4", "a") == "a"
        assert journal.name_for("/a.partial.mp4", "a.partial") == "a-2"


def test_names_that_are_no_text(tmp_path: Path) -> None:
    odd = b"\xff.mp4".decode(errors="surrogateescape")
    with Journal(tmp_path) as journal:
        name = journal.name_for(odd, odd[:1])
    with Journal(tmp_path) as journal:
        assert journal.name_for(odd, "other") == name == odd[:1]


def test_failures_count_for_their_settings_alone(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.failed("a", SETTINGS, "first")
        journal.failed("a", SETTINGS, "second")
    with Journal(tmp_path) as journal:
        assert journal.tries("a", SETTINGS) == ["first", "second"]
        assert journal.tries("a", {**SETTINGS, "version": "2"}) == journal.tries("b", SETTINGS) == []
        journal.forget("a", SETTINGS)
        assert journal.tries("a", SETTINGS) == []
    with Journal(tmp_path) as journal:
        assert journal.tries("a", SETTINGS) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.name_for("/x/a.mp4", "a")
        journal.name_for("/y/a.mp4", "a")
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-5])
    with Journal(tmp_path) as journal:
        assert journal.name_for("/z/a.mp4", "a") == "a-2"
    with Journal(tmp_path) as journal:
        assert journal.name_for("/z/a.mp4", "a") == "a-2"


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"frames": 3}\n')
    with pytest.raises(JobError, match=r"batch\.jsonl:1: is no line of a batch's journal"), Journal(tmp_path):
        pass


@pytest.mark.parametrize("line", ['{"input": "4", "name": 1e9}', "[" * 60_000, "[1]"])
def test_a_line_that_is_none_of_ours(tmp_path: Path, line: str) -> None:
    """Found by fuzzing: AttributeError, RecursionError."""
    (tmp_path / JOURNAL).write_text(line + "\n")
    with pytest.raises(JobError, match=rf"{JOURNAL}:1: is no line of a batch's journal"), Journal(tmp_path):
        pass


def test_two_at_once_are_refused_and_a_killed_one_is_no_hindrance(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from client.batch.journal import Journal\n"
        "with Journal(Path(sys.argv[1])): print('in', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with other:
        try:
            assert other.stdout and other.stdout.readline() == "in\n"
            with pytest.raises(JobError, match="another `mot batch` works in this folder"), Journal(tmp_path):
                pass
        finally:
            other.kill()
    with Journal(tmp_path) as journal:
        assert journal.name_for("/a.mp4", "a") == "a"


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match="cannot be written"), Journal(tmp_path / "file"):
        pass
