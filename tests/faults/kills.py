"""SIGKILL at random moments of a run, and what must be there afterwards."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.jobs.record import Record
from tests.faults.results import pictures
from tests.faults.surroundings import Surroundings

_LONGEST_S = 120.0  # for what must come about by itself
_SEED = os.environ.get("MOT_FAULTS_SEED", "17")


class Moment:
    """When to kill: so long after something has come about; it differs from round to round and is always the same."""

    def __init__(self, what: str, number: int, longest_s: float) -> None:
        """``longest_s``: about what the victim takes when nobody disturbs it, so that its last breath is hit, too."""
        self.random = random.Random(f"{_SEED} {what} {number}")
        self.seconds = self.random.uniform(0, longest_s)
        self._what = f"{what}, round {number} of seed {_SEED}: killed after {self.seconds:.3f} s"

    def kill(self, pids: Callable[[], Iterable[int]]) -> None:
        """Those that are there then; it may be over already."""
        time.sleep(self.seconds)
        for pid in pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What fails within the block says after which kill."""
        try:
            yield
        except BaseException as error:
            error.add_note(self._what)
            raise


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.002)


def wait_alone(surroundings: Surroundings) -> None:
    """Whoever was started by what was killed ends by itself."""
    wait_for(lambda: not surroundings.processes(), "the end of all processes")


def assert_whole_or_absent(output: Path, name: str, undisturbed: str, count: int) -> None:
    """Results that have their names are whole, and nothing says that they are done before they are.

    Who still worked when another was killed may have stopped in order, or have named what failed.
    """
    rows, video = output / f"{name}.txt", output / f"{name}.mp4"
    if rows.exists():
        assert rows.read_text() == undisturbed
    if video.exists():
        assert pictures(video) == count
    record = Record.read(output, name)
    if record is not None:
        assert record.state == "done" and record.frames == count and rows.exists()
    partial = Record.read(output, name, done=False)
    assert partial is None or partial.state in {"running", "stopped"} or (partial.state == "failed" and partial.error)
