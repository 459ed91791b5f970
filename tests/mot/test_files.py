"""mot.files: a file appears whole or not at all."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from mot.files import lines_of, no_text, text_of, user_cache, whole_file


def test_the_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "video.mp4"
    with whole_file(target) as temporary:
        assert temporary.suffix == ".mp4" and temporary.parent == target.parent
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_old_file_stays_when_the_block_fails(tmp_path: Path, stop: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(stop)), whole_file(target) as temporary:
        temporary.write_text("half")
        raise stop
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_appears_when_nothing_is_written_and_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError), whole_file(tmp_path / "a.txt"):
        raise ValueError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("/var/cache/me", "/var/cache/me/fairmot-mit"),
        ("", "/home/me/.cache/fairmot-mit"),
        (None, "/home/me/.cache/fairmot-mit"),
        ("relative", "/home/me/.cache/fairmot-mit"),
    ],
)
def test_user_cache(monkeypatch: pytest.MonkeyPatch, given: str | None, folder: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    if given is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert user_cache() == Path(folder)


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_leftovers_of_a_killed_process_are_removed_by_whoever_writes_the_same_file(tmp_path: Path) -> None:
    dead, alive = gone(), os.getppid()
    names = [f".a.{dead}.partial.txt", f".a.{alive}.partial.txt", f".b.{dead}.partial.txt", f".a.{dead}.partial.mp4"]
    for name in (*names, ".a.partial.txt", "a.1.partial.txt"):
        (tmp_path / name).touch()
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.touch()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.txt", *names[1:], ".a.partial.txt", "a.1.partial.txt"}  # others may write in another container


def test_old_leftovers_of_any_file_are_removed(tmp_path: Path) -> None:
    dead, yesterday = gone(), time.time() - 90_000
    for name in (f".b.{dead}.partial.txt", f".c.{os.getppid()}.partial.txt"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (yesterday, yesterday))
    with whole_file(tmp_path / "a.txt") as temporary:
        temporary.touch()
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", f".c.{os.getppid()}.partial.txt"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_as_windows_writes_it(encoding: str) -> None:
    assert text_of("Straße\r\n".encode(encoding)) == "Straße\r\n"


@pytest.mark.parametrize(("data", "encoding"), [(b"Stra\xdfe", "UTF-8"), (b"\xff\xfe1", "UTF-16")])
def test_no_text_names_the_remedy(data: bytes, encoding: str) -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        text_of(data)
    assert no_text(caught.value).endswith(f"is not {encoding}); if it is one, save it as UTF-8")


def test_only_line_ends_part_lines() -> None:
    """datalad issue 3523, jsonlines issue 53: str.splitlines parts at what JSON and names may hold."""
    assert lines_of("a\u2028b\x85c\x0cd\r\ne\rf\n") == ["a\u2028b\x85c\x0cd", "e", "f", ""]
