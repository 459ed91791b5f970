"""A process that ends with us, however we end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from client.launcher import ending_with_us


class Keeper(Thread):
    """Starts a process and lives as long as it: the kernel takes the end of this thread for that of the parent.

    The process has a group of its own, of which nothing is left when it has ended.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> None:
        super().__init__(name="triton-keeper", daemon=True)
        self._command = ending_with_us(command)
        self._environment, self._log = environment, log
        self._process: Future[subprocess.Popen[bytes]] = Future()

    def process(self) -> subprocess.Popen[bytes]:
        """Start it, in a process group of its own.

        Raises:
            OSError: it cannot be started.
        """
        self.start()
        return self._process.result()

    def run(self) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                process_group=0,  # a terminal's Ctrl-C is ours to handle
            )
        except OSError as error:
            self._process.set_exception(error)
            return
        self._process.set_result(process)
        with suppress(ChildProcessError):  # others have asked for its status already
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def children(pid: int) -> list[int]:
    """The processes that a process has started, from whatever thread; none where it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path("/proc", str(pid), "task").iterdir():
            with suppress(OSError):  # the thread has ended
                found += map(int, (task / "children").read_text().split())
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended: a zombie has."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
