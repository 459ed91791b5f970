"""client.streams: what is printed never takes the work with it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT

BEGIN = (
    "import sys; from pathlib import Path; from client.streams import lasting_streams\nwith lasting_streams():\n    "
)


def run(code: str, redirections: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line within the block, in a process of its own whose streams a shell has redirected."""
    command = f"{shlex.join([sys.executable, '-c', BEGIN + code])} {redirections}"
    return subprocess.run(
        ["/bin/bash", "-c", command], capture_output=True, check=False, cwd=ROOT, env=os.environ | environment
    )


def test_output_and_exit_status_are_as_without(tmp_path: Path) -> None:
    done = run("print('one'); print('two', file=sys.stderr); sys.exit(3)")
    assert (done.stdout, done.stderr, done.returncode) == (b"one\n", b"two\n", 3)
    assert run("pass").returncode == 0


@pytest.mark.parametrize("pipe", ["| head -n 1; exit ${PIPESTATUS[0]}", "2>&1 | head -n 1; exit ${PIPESTATUS[0]}"])
def test_a_reader_that_goes_away_stops_nothing(tmp_path: Path, pipe: str) -> None:
    """Textualize/rich issue 3400: the second line through a closed pipe ended the program."""
    lines = "[print('x' * 99, file=file) for _ in range(9999) for file in (sys.stdout, sys.stderr)]"
    code = f"{lines}; Path({str(tmp_path / 'a')!r}).touch()"
    done = run(code, pipe)
    assert (done.returncode, (tmp_path / "a").exists()) == (0, True)
    assert done.stdout == b"x" * 99 + b"\n"
    assert b"rror" not in done.stderr


def test_a_full_disk_behind_standard_output_is_said_at_the_end(tmp_path: Path) -> None:
    done = run(f"print('x', flush=True); print('y'); Path({str(tmp_path / 'a')!r}).touch()", "> /dev/full")
    assert (done.returncode, (tmp_path / "a").exists()) == (1, True)
    assert done.stderr == b"error: standard output cannot be written: No space left on device\n"


def test_closed_streams_lend_their_numbers_to_no_file(tmp_path: Path) -> None:
    """tqdm/tqdm issue 1593; and what C code writes to standard error would land in the first file that is opened."""
    code = f"f = Path({str(tmp_path / 'a')!r}).open('w'); print(1); print(2, file=sys.stderr); f.write(str(f.fileno()))"
    done = run(code, "<&- >&- 2>&-")
    assert (done.returncode, (tmp_path / "a").read_text()) == (0, "3")


def test_names_that_are_no_text_are_printed_as_they_are() -> None:
    """ahupp/python-magic pull request 144: names in Latin-1, which Python has as lone surrogates."""
    assert run("print('stra\\udcdfe')").stdout == b"stra\xdfe\n"


def test_letters_that_the_terminal_lacks_are_escaped() -> None:
    assert (
        run("print('m\\u00fcnchen \\u2013 \\u6771')", PYTHONIOENCODING="latin-1").stdout
        == b"m\xfcnchen \\u2013 \\u6771\n"
    )


def test_a_terminal_without_a_width_has_the_usual_one() -> None:
    """att/ast issue 1439, travis-ci issue 6896: COLUMNS is 0 there, and every table was empty."""
    code = "from rich.console import Console; print(Console().width)"
    assert run(code, COLUMNS="0").stdout == b"80\n"
    assert run(code, COLUMNS="20").stdout == b"20\n"
