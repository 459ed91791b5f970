"""What a job's result depends on, in JSON's values: by this a second run knows whether a result is the one wanted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import mot
from client.jobs.spec import JobError, JobSpec
from client.serving.network import Network, NetworkConfig
from client.video.images import EXTENSIONS, image_folder
from client.video.stream import without_credentials

Settings = Mapping[str, Any]
_PARTS, _PART = 16, 1 << 12  # of an image, bytes
_ENDS = 1 << 20  # bytes of a file's beginning and end that are read: an hour of video is not


def settings_of(job: JobSpec, network: Callable[[], Network]) -> dict[str, Any]:
    """All that the job's rows depend on, and whether its video is to show heads: one that does is no substitute.

    Args:
        network: opens the job's; called where it is a server elsewhere, which alone knows its model.

    Raises:
        MotError: the input, the detections or the model is not there.
    """
    given = job.detections is not None
    return {
        "version": mot.__version__,
        "input": input_fingerprint(job.input),
        "frames": [job.start, job.end],
        "length": job.length,
        "frame_rate": job.frame_rate,
        "results": list(job.results or (job.name,)),
        "model": None if given else model_fingerprint(job.network, network),
        "detections": {"sha256": _digest(job.detections)} if job.detections else None,
        "tracker": job.tracker.name,
        "parameters": dict(job.tracker.settings),
        **({"anonymise": True} if job.anonymise and job.video else {}),
    }


def input_fingerprint(input: str) -> dict[str, Any]:
    """Of a file its size and its ends, of a folder its images and seqinfo.ini; of a camera or stream, its address.

    Raises:
        MotError: a file cannot be read, or ``seqinfo.ini`` is malformed.
    """
    path = Path(input)
    if "://" in input or not path.exists():
        return {"address": without_credentials(input) if "://" in input else input}
    try:
        if not path.is_dir():
            return {"bytes": path.stat().st_size, "sha256": _ends(path)}
        folder = image_folder(path)
        images = sorted(each for each in folder.path.glob("*") if _is_image(each))
        digest = hashlib.sha256()
        for each in images:
            digest.update(f"{each.name} {each.stat().st_size} ".encode(errors="surrogateescape") + _sample(each))
        if folder.info is not None:
            digest.update(folder.info.read_bytes())
    except OSError as error:
        raise JobError(f"{error.filename}: cannot be read: {error.strerror}; check the path") from error
    return {"images": len(images), "sha256": digest.hexdigest()}


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def model_fingerprint(config: NetworkConfig, network: Callable[[], Network]) -> dict[str, str]:
    """The model file's digest, or what a server elsewhere says of its model.

    Raises:
        MotError: there is no such file or server.
    """
    if config.runs_elsewhere:
        return network().detector.identity
    path = config.model_file()
    try:
        return {"sha256": _model_digest(path, path.stat().st_mtime_ns)}
    except FileNotFoundError as error:
        raise JobError(f"{path}: cannot be read: {error.strerror}; check the path") from error


def differences(old: Settings, new: Settings, prefix: str = "") -> list[str]:
    """``parameters.conf_thres: 0.5 -> 0.6`` for each setting that has changed."""
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key}: {_short(before)} -> {_short(after)}")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _sample(image: Path) -> bytes:
    """All of a small image, parts of a large one, spread over it: uncompressed images are all of one size."""
    size = image.stat().st_size
    with image.open("rb") as file:
        if size <= _PARTS * _PART:
            return file.read()
        parts = []
        for number in range(_PARTS):
            file.seek((size - _PART) * number // (_PARTS - 1))
            parts.append(file.read(_PART))
    return b"".join(parts)


@lru_cache(maxsize=16)
def _model_digest(path: Path, changed: int) -> str:
    """``changed``: when the file was, so that another one is read again; thousands of jobs have one model."""
    return _digest(path)


def _ends(path: Path) -> str:
    digest = hashlib.sha256()
    if not path.is_file():  # a pipe can be read only once
        return digest.hexdigest()
    with path.open("rb") as file:
        digest.update(file.read(_ENDS))
        file.seek(max(file.tell(), path.stat().st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise JobError(f"{path}: cannot be read: {error.strerror}; check the path") from error
