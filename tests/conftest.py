"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.cli import main
from tests.command import Outcome
from tests.full_disk import disk

ROOT = Path(__file__).resolve().parents[1]

# nohup and a shell's background leave a process deaf to these, and all that it starts; here they are what is tested.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def mot_data() -> Path:
    """Folder of the research data; the test is skipped where it is missing."""
    folder = Path(os.environ.get("MOT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"research data not found at {folder}; set MOT_DATA")
    return folder


@pytest.fixture(scope="session")
def mot_cases() -> Path:
    """Folder of small inputs that once went wrong; the test is skipped where it is missing."""
    folder = Path(os.environ.get("MOT_CASES", ROOT.parent / "shared" / "cases"))
    if not folder.is_dir():
        pytest.skip(f"cases not found at {folder}; set MOT_CASES")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB; needs the right to mount."""
    with disk(tmp_path / "disk", "256k") as folder:
        yield folder


@pytest.fixture
def mot(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """The command, run in this process."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main(list(map(str, arguments)))
        signal.signal(signal.SIGTERM, before)
        captured = capsys.readouterr()
        return Outcome(int(left.value.code or 0), captured.out, captured.err)

    return run
