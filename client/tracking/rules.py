"""A tracker's settings as one video needs them: here, and in :meth:`TrackerConfig.patience`, times become frames."""

from __future__ import annotations

from typing import NamedTuple

from client.tracking.config import TrackerConfig

STILL = 0.4  # widths per second; people who stand are slower


class Rules(NamedTuple):
    """How long tracks last and which are shown; compiled steps are given its parts, as those of a Moment."""

    patience: float  # frames that a lost track is remembered
    double: float  # 1 - IoU below which a visible and a lost track are the same person
    coast: float  # frames that a lost track is still shown where it is expected
    coast_still: float  # the same for those who stand, where that is longer: they are likely there yet
    still: float  # widths per frame; people who stand are slower
    least_area: float  # square pixels; boxes shown are larger
    widest: float  # width / height; boxes shown are not wider
    measured: bool  # show the last detection's box, not the filters'


RuleParts = tuple[float, float, float, float, float, float, float, bool]


def rules_of(config: TrackerConfig, frame_rate: float, *, measured: bool) -> Rules:
    """The rules for a video of ``frame_rate`` frames per second, nominally."""
    # All are made floats: a whole number would have the compiled steps compiled once more.
    return Rules(
        patience=float(config.patience(frame_rate)),
        double=float(config.duplicate_thres),
        coast=float(config.coast),
        coast_still=float(config.coast_still),
        still=STILL / frame_rate,
        least_area=float(config.min_box_area),
        widest=float(config.max_aspect),
        measured=measured,
    )
