"""What a batch remembers beside the records: which input has which name, and what went wrong with it.

``OUTPUT/batch.jsonl`` has a line of JSON for each; lines are only added, so that a run that is killed at any moment
loses at most the one that it was writing.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import itertools
import json
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from client.jobs.fingerprint import Settings
from client.jobs.spec import JobError
from mot.documents import parse_json

JOURNAL = "batch.jsonl"
_PARTIAL = ".partial"  # ends the names of results that are not whole


class Journal:
    """One batch's, from entry to exit; nobody else has it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._names: dict[str, str] = {}  # by input
        self._taken: set[str] = set()  # names as file systems compare them that know no capitals
        self._tries: dict[tuple[str, str], list[str]] = defaultdict(list)  # reasons, by name and settings
        self._file: io.FileIO | None = None

    def __enter__(self) -> Self:
        """Read what is there.

        Raises:
            JobError: the folder cannot be written, or another batch works in it.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b", buffering=0)  # what has no room shall not come again when it is closed
            self._lock(self._file)
            self._read(self._file)
        except OSError as error:
            self._close()
            raise JobError(f"{self._path}: cannot be written: {error.strerror}; check the output folder") from error
        except JobError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def name_for(self, input: str, wanted: str) -> str:
        """The name of an input's results: ever the same one, and no other input's.

        Args:
            wanted: the name, if it is free; else it gets a number.
        """
        if input not in self._names:
            stem = wanted
            while stem.endswith(_PARTIAL):
                stem = stem.removesuffix(_PARTIAL) or "video"
            numbered = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
            name = next(each for each in numbered if each.casefold() not in self._taken)
            self._write({"input": input, "name": name})
            self._take(input, name)
        return self._names[input]

    def tries(self, name: str, settings: Settings) -> list[str]:
        """Why each try with these settings has failed so far."""
        return list(self._tries[name, _digest(settings)])

    def failed(self, name: str, settings: Settings, reason: str) -> None:
        """One more try has failed."""
        digest = _digest(settings)
        self._write({"failed": name, "settings": digest, "reason": reason})
        self._tries[name, digest].append(reason)

    def forget(self, name: str, settings: Settings) -> None:
        """The tries until now count no more."""
        digest = _digest(settings)
        if self._tries.pop((name, digest), None):
            self._write({"again": name, "settings": digest})

    def _take(self, input: str, name: str) -> None:
        self._names[input] = name
        self._taken.add(name.casefold())

    def _lock(self, file: io.FileIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JobError(
                f"{self._path}: another `mot batch` works in this folder; wait for it, or choose another --output"
            ) from error
        except OSError:  # a file system without locks
            return

    def _read(self, file: io.FileIO) -> None:
        file.seek(0)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):  # a line that was cut off
            file.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._replay(parse_json(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise JobError(
                    f"{self._path}:{number}: is no line of a batch's journal; choose another folder with --output"
                ) from error

    def _replay(self, line: dict[str, Any]) -> None:
        if not all(isinstance(value, str) for value in line.values()):
            raise TypeError("all values are texts")
        if "input" in line:
            self._take(line["input"], line["name"])
        elif "failed" in line:
            self._tries[line["failed"], line["settings"]].append(line["reason"])
        else:
            self._tries.pop((line["again"], line["settings"]), None)

    def _write(self, line: dict[str, Any]) -> None:
        assert self._file is not None, "outside of the with block"
        data = json.dumps(line).encode("ascii") + b"\n"
        end = self._file.seek(0, io.SEEK_END)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
            raise JobError(f"{self._path}: cannot be written: {error.strerror}; check the output folder") from error

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()  # and with it the lock
        self._file = None


def _digest(settings: Settings) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode("ascii")).hexdigest()[:16]
