"""The defaults that suit a model, in a tracker's own settings: papers' thresholds suit papers' detectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from client.tracking.config import TrackerConfig
from client.tracking.fairmot import FairMotConfig
from client.tracking.ocsort import OcSortConfig
from client.tracking.setting import settings_of

Preset = Literal["model", "paper"]  # whose thresholds are a tracker's defaults

# What FairMOT matches is all that starts tracks, and what OC-SORT uses, too: a model whose scores are low needs the
# passes over weak detections that both papers have as a variant.
_WEAK_TOO: Mapping[type[TrackerConfig], Mapping[str, bool]] = {OcSortConfig: {"use_byte": True}}


def defaults_for(config: type[TrackerConfig], thresholds: Mapping[str, float]) -> dict[str, float | bool]:
    """Settings that differ from the tracker's own for a model with these thresholds.

    Args:
        thresholds: of :class:`mot.contract.ModelSpec`, by name; there may be none.
    """
    known = {one.name for one in settings_of(config)}
    found: dict[str, float | bool] = {name: score for name, score in thresholds.items() if name in known}
    if found:
        found |= _WEAK_TOO.get(config, {})
    if config is FairMotConfig and "high_thres" in found:
        found["low_thres"] = found["high_thres"]  # it has no pass over weak detections; fairmot_byte does
    return found
