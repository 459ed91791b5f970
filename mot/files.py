"""Files that appear whole or not at all, texts as they come, and the folder of what can be fetched again."""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

_HIDDEN = re.compile(r"\.(?P<stem>.+)\.(?P<pid>\d+)\.partial(?P<suffix>\.[^.]*)?", re.DOTALL)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # numbers of errors: the disk is full, or what one may have of it
_OLD_S = 86_400.0  # nobody writes for a day without writing


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds, else remove it.

    The temporary name keeps the suffix, because writers choose the format by it.
    """
    temporary = hidden_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_bytes(path: Path) -> bytes:
    """The file's content.

    Raises:
        OSError: it cannot be read, or its name is none, as a file of JSON that names it may have it: with a NUL, say.
            Devices are no files: some have no end.
    """
    try:
        mode = path.stat().st_mode
        if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and str(path) != os.devnull:
            raise OSError(errno.EINVAL, "is a device, not a file", str(path))
        return path.read_bytes()
    except ValueError as error:
        raise OSError(errno.EINVAL, f"no name of a file ({error})", str(path)) from error


def text_of(data: bytes) -> str:
    """A file's text: UTF-8, or UTF-16 where its byte order mark says so (Windows' PowerShell writes it).

    Raises:
        UnicodeDecodeError: it is something else; :func:`no_text` says so to people.
    """
    return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def lines_of(text: str) -> list[str]:
    """The lines of a text whose lines may hold whatever a name may: only line ends part them.

    ``str.splitlines`` parts at form feeds, U+0085 and U+2028, too, which JSON and file names may hold.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def no_text(error: UnicodeDecodeError) -> str:
    """Why a file is no text, and what helps."""
    encoding = error.encoding.upper().removesuffix("-SIG").removesuffix("-LE").removesuffix("-BE")
    return f"not a text file (byte {error.start} is not {encoding}); if it is one, save it as UTF-8"


def user_cache() -> Path:
    """This user's folder for what can be fetched again, whatever the current folder; it may not exist yet.

    ``$XDG_CACHE_HOME/fairmot-mit``, by default ``~/.cache/fairmot-mit`` (XDG Base Directory Specification 0.8,
    by which a path that is not absolute does not count).
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "fairmot-mit"


def hidden_beside(path: Path) -> Path:
    """A temporary name beside ``path``, whose folder is made.

    What killed processes have left of the same file is removed, and what is older than a day of others. Not more,
    because machines that share a folder see nothing of each other's processes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in _leftovers(path.parent.absolute()):
        found = _HIDDEN.fullmatch(leftover.name)
        assert found
        same = (found["stem"], found["suffix"] or "") == (path.stem, path.suffix)
        if (same or _is_old(leftover)) and not _is_running(int(found["pid"])):
            leftover.unlink(missing_ok=True)
    return path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")


@lru_cache(maxsize=4096)
def _leftovers(folder: Path) -> tuple[Path, ...]:
    """Temporary files whose processes are gone; looked for once, as a folder may hold a million files."""
    with suppress(OSError), os.scandir(folder) as entries:
        hidden = [(folder / entry.name, found) for entry in entries if (found := _HIDDEN.fullmatch(entry.name))]
        return tuple(path for path, found in hidden if not _is_running(int(found["pid"])))
    return ()


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _OLD_S
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True
