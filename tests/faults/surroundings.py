"""What a test must not leave behind outside of its own folder: processes, ports, shared memory, temporary files.

Other tests and programs may run on the same machine, so only what belongs to this test counts: its processes, however
distant, have a mark in their environment, and its temporary folder is its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

_MARK = "MOT_FAULTS_MARK"
_SHARED_MEMORY = Path("/dev/shm")
_OURS = "mot-triton-"  # how the embedded server's folder and its shared memory are called
_KINDS = ("mot-", "triton_")  # what else there may be of ours, and of Triton itself
_NOTED = "environments"  # in that folder: what the server has made elsewhere
_LISTENS = "0A"  # in /proc/net/tcp
_SETTLED_WITHIN_S = 30.0  # processes end, and are tidied up after, a moment later


class Surroundings:
    """The machine as a test finds it."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        # A short path: sockets of Unix have at most 107 bytes.
        self.temporary = Path(tempfile.mkdtemp(prefix="mot-faults-"))
        self._shared_memory = _shared_memory()
        self._ports = _listening(os.getpid())
        self._seen: set[str] = set()  # names of servers' folders
        self._made: set[Path] = set()
        self._over = Event()
        self._watcher = Thread(target=self._watch, daemon=True)

    def check(self) -> None:
        """Wait until nothing is left of what the test has started; a test may check in its middle, too.

        Raises:
            AssertionError: something is; what is in the temporary folder, shared memory and /tmp stays to be seen.
        """
        deadline = time.monotonic() + _SETTLED_WITHIN_S
        while left := self.left():
            assert time.monotonic() < deadline, "left behind: " + "; ".join(left)
            time.sleep(0.1)

    def left(self) -> list[str]:
        """All that is there and should not be, in words."""
        self._look()
        memory = sorted(_shared_memory() - self._shared_memory)
        return [
            *(f"process {pid} ({_command_line(pid)})" for pid in self.processes()),
            *(f"a port of this process, {port}" for port in sorted(_listening(os.getpid()) - self._ports)),
            *(f"{_SHARED_MEMORY / name}" for name in memory if self._is_mine(name)),
            *map(str, sorted(self.temporary.iterdir())),
            *map(str, sorted(path for path in self._made if path.exists())),
        ]

    def processes(self) -> list[int]:
        """Running processes that this test has started, or that those have; this one is none of them."""
        wanted = f"{_MARK}={self.mark}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != os.getpid():
                with suppress(OSError):  # it has ended, or is another user's
                    if wanted in (folder / "environ").read_bytes().split(b"\0"):
                        found.append(int(folder.name))
        return sorted(found)

    def _is_mine(self, name: str) -> bool:
        """Whether a region of shared memory is; one of unknown origin is where nobody uses it any more."""
        if name.startswith(_OURS):
            return any(name.startswith(f"{folder}-") for folder in self._seen)
        region = _SHARED_MEMORY / name
        return name.startswith(_KINDS) and region.is_file() and not _is_in_use(region)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._look()

    def _look(self) -> None:
        """Note the servers that there are: when they are gone, their folder no longer says what was theirs."""
        for folder in self.temporary.glob(f"{_OURS}*"):
            self._seen.add(folder.name)
            with suppress(OSError):
                self._made |= {Path(line) for line in (folder / _NOTED).read_text().splitlines()}

    @contextmanager
    def entered(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Within the block, what is started bears the mark and has the temporary folder."""
        monkeypatch.setenv(_MARK, self.mark)
        monkeypatch.setenv("TMPDIR", str(self.temporary))
        monkeypatch.setattr(tempfile, "tempdir", str(self.temporary))
        self._watcher.start()
        try:
            yield
        finally:
            self._over.set()
            self._watcher.join()

    def remove(self) -> None:
        shutil.rmtree(self.temporary, ignore_errors=True)


def _shared_memory() -> set[str]:
    return {path.name for path in _SHARED_MEMORY.iterdir()}


def _is_in_use(region: Path) -> bool:
    """Whether a process has it mapped, or the region is gone meanwhile."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if str(region) in (folder / "maps").read_text(errors="replace"):
                    return True
    return not region.exists()


def _listening(pid: int) -> set[int]:
    """TCP ports on which a process listens."""
    sockets = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            sockets.add(str(file.readlink()))
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in sockets:
                found.add(int(fields[1].rpartition(":")[2], 16))
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return "ended"
