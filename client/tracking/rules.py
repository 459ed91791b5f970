"""A tracker's settings as one video needs them: here, and in :meth:`TrackerConfig.patience`, times become frames."""

from __future__ import annotations

from typing import NamedTuple

from client.tracking.config import TrackerConfig

_STEADY = 5  # frames per second; where there are fewer, people may well be first seen inside another
STILL = 0.4  # widths per second; people who stand are slower


class Rules(NamedTuple):
    """How long tracks last and which are shown; compiled steps are given its parts, as those of a Moment."""

    patience: float  # frames that a lost track is remembered
    memory: float  # the same of one that is away
    double: float  # 1 - IoU below which a visible and a lost track are the same person
    visible_double: float  # the same of two visible ones
    newborn: float  # the same, where one is not confirmed yet
    coast: float  # frames that a lost track is still shown where it is expected
    coast_still: float  # the same for those who stand, where that is longer: they are likely there yet
    coast_hidden: float  # the same for those behind somebody else
    still: float  # widths per frame; people who stand are slower
    least_area: float  # square pixels; boxes shown are larger
    widest: float  # width / height; boxes shown are not wider
    measured: bool  # show the last detection's box, not the filters'


RuleParts = tuple[float, float, float, float, float, float, float, float, float, float, float, bool]


def rules_of(config: TrackerConfig, frame_rate: float, *, measured: bool) -> Rules:
    """The rules for a video of ``frame_rate`` frames per second, nominally."""
    # All are made floats: a whole number would have the compiled steps compiled once more.
    return Rules(
        patience=float(config.patience(frame_rate)),
        memory=float(config.memory(frame_rate)),
        double=float(config.duplicate_thres),
        visible_double=float(config.visible_double_thres),
        newborn=float(config.newborn_thres) if frame_rate >= _STEADY else 0.0,
        coast=_frames(config.coast, frame_rate),
        coast_still=_frames(config.coast_still, frame_rate),
        coast_hidden=_frames(config.coast_hidden, frame_rate),
        still=STILL / frame_rate,
        least_area=float(config.min_box_area),
        widest=float(config.max_aspect),
        measured=measured,
    )


def _frames(seconds: float, frame_rate: float) -> float:
    """A time in frames; a little more, so that three tenths at 10 frames per second are three whole ones."""
    return float(seconds * frame_rate) + 1e-6
