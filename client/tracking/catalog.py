"""The trackers by name, and their settings from text."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from client.tracking.botsort import BotSortConfig
from client.tracking.byte import ByteConfig
from client.tracking.config import TrackerConfig
from client.tracking.fairmot import FairMotByteConfig, FairMotConfig
from client.tracking.ocsort import OcSortConfig
from client.tracking.overlap_reid import OverlapReidConfig
from client.tracking.setting import settings_of
from client.tracking.tracker import Tracker, TrackerError

DEFAULT = "overlap_reid"
TRACKERS: dict[str, type[TrackerConfig]] = {
    DEFAULT: OverlapReidConfig,
    "fairmot": FairMotConfig,
    "fairmot_byte": FairMotByteConfig,
    "byte": ByteConfig,
    "ocsort": OcSortConfig,
    "botsort": BotSortConfig,
}
_BOOLEANS = {"true": True, "false": False}


def tracker_config(name: str = DEFAULT, settings: Iterable[str] = ()) -> TrackerConfig:
    """Settings of a tracker, its defaults changed by texts like ``match_thres=0.7``; the last one counts.

    Raises:
        TrackerError: there is no such tracker or setting, or it cannot have this value.
    """
    values: dict[str, Any] = settings_from(name, settings)
    return TRACKERS[name](**values)


def settings_from(name: str, settings: Iterable[str]) -> dict[str, bool | int | float | None]:
    """The values of texts like ``match_thres=0.7``, which a tracker need not allow.

    Raises:
        TrackerError: there is no such tracker or setting, or the value is of another kind.
    """
    if name not in TRACKERS:
        raise TrackerError(f"there is no tracker {name!r}; choose one of {', '.join(TRACKERS)}")
    kinds = {one.name: one.kind for one in settings_of(TRACKERS[name])}
    values: dict[str, bool | int | float | None] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or key not in kinds:
            keys = ", ".join(kinds)
            raise TrackerError(f"{setting!r} is no setting of {name}; expected KEY=VALUE with one of {keys}")
        values[key] = _value(key, text, kinds[key])
    return values


def _value(key: str, text: str, kind: object) -> bool | int | float | None:
    """The text as a setting's type; an optional number may be ``none``."""
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if type(None) in options and text.lower() == "none":
        return None
    if bool in options:
        if text.lower() not in _BOOLEANS:
            raise TrackerError(f"{key} is {text!r}, but must be true or false")
        return _BOOLEANS[text.lower()]
    try:
        return int(text) if int in options else float(text)
    except ValueError:
        expected = "a whole number" if int in options else "a number"
        raise TrackerError(f"{key} is {text!r}, but must be {expected}") from None


def make_tracker(name: str = DEFAULT, *, frame_rate: float = 30, **settings: object) -> Tracker:
    """A tracker for one video, over detections of one's own.

    Args:
        name: one of :data:`TRACKERS`.
        frame_rate: of the video, frames per second, nominally.
        settings: of the tracker, by name, e.g. ``conf_thres=0.6``; the others are its defaults.

    Raises:
        TrackerError: there is no such tracker or setting, or it cannot have this value.
    """
    config = tracker_config(name)
    known = [one.name for one in settings_of(type(config))]
    if unknown := settings.keys() - set(known):
        raise TrackerError(f"{name} has no setting {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return replace(config, **settings).tracker(frame_rate)  # type: ignore[arg-type]
