"""What made a result: a small JSON beside it, by which a second run knows what is finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mot
from client.challenge.task import ChallengeError, Task
from client.jobs.job import JobSummary
from client.serving.network import EngineConfig, open_engine
from client.tracking import TRACKERS, TrackerConfig
from mot.contract import MODEL_NAME
from mot.files import whole_file

Settings = dict[str, Any]  # JSON values: what a result depends on


@dataclass(frozen=True, kw_only=True)
class Record:
    """One result and its settings."""

    settings: Settings
    length: int  # frames of the whole sequence
    counts: Mapping[str, float] | None = None  # frames, boxes, ids, frames_per_second; None: not finished


def record_path(out: Path, task_name: str) -> Path:
    return out / f"{task_name}.json"


def read_record(path: Path) -> Record | None:
    """The record, or None where there is none.

    Raises:
        ChallengeError: the file is not one.
    """
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ChallengeError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except (ValueError, TypeError) as error:
        raise ChallengeError(f"{path}: is no record of `mot challenge`; remove it, or choose another --out") from error


def write_record(path: Path, record: Record) -> None:
    """Write the record; it appears whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")


def counts_of(summary: JobSummary) -> dict[str, float]:
    """What the record keeps of a summary."""
    return {
        "frames": summary.frames,
        "boxes": summary.boxes,
        "ids": summary.ids,
        "frames_per_second": round(summary.frames_per_second, 2),
    }


def model_settings(config: EngineConfig) -> Settings:
    """Which network finds people: the file's digest, or what a server elsewhere says of its model.

    Raises:
        MotError: there is no such file or server.
    """
    if config.url is not None:
        with open_engine(config) as engine:
            return dict(engine.detector.spec.to_metadata())
    return {"sha256": _digest(config.model_repository / MODEL_NAME / "1" / "model.onnx")}


def task_settings(task: Task, model: Settings | None, tracker: TrackerConfig) -> Settings:
    """All that a task's result depends on."""
    name = next(name for name, kind in TRACKERS.items() if kind is type(tracker))
    return {
        "version": mot.__version__,
        "frames": [task.first, task.last],
        "frame_rate": task.frame_rate,
        "results": list(task.results),
        "model": model,
        "detections": None if task.detections is None else {"sha256": _digest(task.detections)},
        "tracker": name,
        "parameters": asdict(tracker),
    }


def differences(old: Settings, new: Settings, prefix: str = "") -> list[str]:
    """``parameters.conf_thres: 0.5 -> 0.6`` for each setting that has changed."""
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key}: {_short(before)} -> {_short(after)}")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ChallengeError(f"{path}: cannot be read: {error.strerror}; check the path") from error
