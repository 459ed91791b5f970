"""Videos at addresses that fsspec knows (``s3://``, ``gs://``, ...), where it and the scheme's package are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from client.jobs.spec import JobError
from client.video.stream import SCHEMES


def is_remote(input: str) -> bool:
    """Whether an input has to be fetched before it can be read."""
    scheme, separator, _ = input.partition("://")
    return bool(separator) and scheme.lower() not in SCHEMES


def find(address: str, suffixes: Collection[str]) -> Iterator[str]:
    """The files that an address names: one, those that a pattern matches, or the videos below a folder.

    Raises:
        JobError: there is none, or it cannot be asked for.
    """
    system, path = _open(address)
    with _told(address):
        if any(mark in path for mark in "*?["):
            paths = [each for each in sorted(system.glob(path)) if _is_video(each, suffixes)]
        elif system.isdir(path):
            paths = [each for each in sorted(system.find(path)) if _is_video(each, suffixes)]
        else:
            system.info(path)  # raises where it is not there
            paths = [path]
    if not paths:
        raise JobError(f"{address}: holds no video (looked for {' '.join(sorted(suffixes))})")
    for each in paths:
        yield str(system.unstrip_protocol(each))


def file_name(address: str) -> str:
    """The file's name without its suffix."""
    return PurePosixPath(address.partition("://")[2].rstrip("/")).stem or "video"


def size(address: str) -> int:
    """Bytes.

    Raises:
        JobError: it cannot be asked for.
    """
    system, path = _open(address)
    with _told(address):
        return int(system.size(path) or 0)


def fingerprint(address: str) -> dict[str, Any]:
    """Address, size, and what the store says to tell a file from another one that has replaced it.

    Raises:
        JobError: it cannot be asked for.
    """
    system, path = _open(address)
    with _told(address):
        information = system.info(path)
        change = next((information[key] for key in ("ETag", "etag", "md5Hash", "mtime") if key in information), None)
        return {"address": address, "bytes": information.get("size"), "change": None if change is None else str(change)}


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """The file on this machine, within the block (in ``$TMPDIR``).

    Raises:
        JobError: it cannot be had.
    """
    system, path = _open(address)
    with TemporaryDirectory(prefix="mot-batch-") as folder:
        target = Path(folder, PurePosixPath(path).name or "video")
        with _told(address):
            system.get_file(path, str(target))
        yield target


def _open(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    scheme = address.partition("://")[0]
    try:
        import fsspec
    except ImportError as error:
        raise JobError(f"{scheme}://: needs fsspec: pip install 'fairmot-mit[batch]'") from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:  # an unknown scheme, and one whose package is missing
        raise JobError(f"{scheme}://: {error}") from error
    return system, str(path)


@contextmanager
def _told(address: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise JobError(f"{address}: no such file; check the address") from error
    except JobError:
        raise
    except Exception as error:  # each store's package has errors of its own
        raise JobError(
            f"{address}: cannot be read: {type(error).__name__}: {error}; check address and access"
        ) from error


def _is_video(path: str, suffixes: Collection[str]) -> bool:
    return PurePosixPath(path).suffix.lower() in suffixes
