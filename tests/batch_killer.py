"""A video that kills whoever works on it, for tests of `mot batch`: as soon as it is begun, its process is killed."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from client.serving.keeper import is_running

_HIDDEN = re.compile(r"\.(?P<name>[^.]+)\.(?P<pid>\d+)\.partial\.txt")


def begun(folder: Path) -> dict[str, int]:
    """Who works on what: the process of each video whose rows are being written, of several files the living one."""
    with suppress(FileNotFoundError):
        found = (_HIDDEN.fullmatch(path.name) for path in folder.iterdir())
        return {match["name"]: int(match["pid"]) for match in found if match and is_running(int(match["pid"]))}
    return {}


@contextmanager
def killing(folder: Path, name: str) -> Iterator[list[int]]:
    """Within the block, kill each process that begins this video; yields those that were."""
    over, killed = Event(), list[int]()

    def watch() -> None:
        while not over.wait(0.002):
            pid = begun(folder).get(name)
            if pid is not None and pid not in killed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
