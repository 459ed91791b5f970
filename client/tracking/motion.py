"""Constant-velocity Kalman filters, one for each coordinate of each track's box.

In all models used here noise is diagonal and a velocity moves only its own coordinate, so the usual 8x8
covariance falls apart into four 2x2 blocks that never mix. Each track's filters are therefore kept as a
(5, 4) array, whose columns are the four coordinates and whose rows are

    position, velocity, variance of the position, covariance of both, variance of the velocity,

with the frame as the unit of time, and every step is a little arithmetic instead of matrix products.

Models and constants:

- :data:`XYAH`, centre, aspect (width / height) and height: Wojke et al., "Simple Online and Realtime Tracking
  with a Deep Association Metric", 2017, sec. 2.1; as in FairMOT and ByteTrack.
- :data:`XYWH`, centre, width and height: Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian
  Tracking", 2022, sec. 3.1.
- :data:`XYSR`, centre, area and aspect: Bewley et al., "Simple Online and Realtime Tracking", 2016, as in
  OC-SORT; its aspect has no velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from client.tracking.compiled import compiled
from client.tracking.records import LOST, TENTATIVE, Array, Table

# 95 % quantile of the chi-square distribution with four degrees of freedom.
GATE = 9.4877

_XYAH, _XYWH, _XYSR = 0, 1, 2

# Standard deviations of each coordinate: numbers, or shares of the coordinate ``unit`` where that is not -1.
_NOISE = np.dtype(
    [
        ("process", np.float64),  # of the position, per frame
        ("velocity", np.float64),  # of the velocity, per frame
        ("measured", np.float64),  # of a detection
        ("start", np.float64),  # of the position at first
        ("start_velocity", np.float64),  # of the velocity at first
        ("unit", np.int64),
        ("rests", np.int64),  # 1: a lost track's coordinate does not move: a wrong trend would soon gate it out
    ]
)


@dataclass(frozen=True, eq=False)
class MotionModel:
    """What the filters follow, and how much they trust it."""

    form: int  # of a measurement
    noise: Table  # (4,)


def _model(form: int, *rows: tuple[float, float, float, float, float, int, int]) -> MotionModel:
    return MotionModel(form, np.array(list(rows), _NOISE))


def _by_size(unit: int, rests: int) -> tuple[float, float, float, float, float, int, int]:
    """Noise in proportion to another coordinate."""
    return (1 / 20, 1 / 160, 1 / 20, 2 / 20, 10 / 160, unit, rests)


_WIDTH, _HEIGHT = 2, 3
XYAH = _model(
    _XYAH, _by_size(_HEIGHT, 0), _by_size(_HEIGHT, 0), (1e-2, 1e-5, 1e-1, 1e-2, 1e-5, -1, 0), _by_size(_HEIGHT, 1)
)
# People keep their place and size better than DeepSORT's constants have it, and change their speed more. Found on
# validation data, where numbers a third larger or smaller do about as well.
STEADY_XYAH = _model(
    _XYAH,
    (1 / 40, 1 / 80, 1 / 20, 2 / 20, 10 / 160, _HEIGHT, 0),
    (1 / 40, 1 / 80, 1 / 20, 2 / 20, 10 / 160, _HEIGHT, 0),
    (1e-2, 1e-5, 1e-1, 1e-2, 1e-5, -1, 0),
    (1 / 80, 1 / 640, 1 / 20, 2 / 20, 10 / 160, _HEIGHT, 1),
)
XYWH = _model(_XYWH, _by_size(_WIDTH, 0), _by_size(_HEIGHT, 0), _by_size(_WIDTH, 1), _by_size(_HEIGHT, 1))
_PLACE = (1.0, 0.1, 1.0, 10**0.5, 100.0, -1, 0)
XYSR = _model(_XYSR, _PLACE, _PLACE, (1.0, 0.01, 10**0.5, 10**0.5, 100.0, -1, 0), (1.0, 0, 10**0.5, 10**0.5, 0, -1, 0))

LEAST_RATE = 7.0  # frames per second


def at_rate(model: MotionModel, frame_rate: float) -> MotionModel:
    """The model for videos of few frames per second, in which people do more between two of them.

    The constants above are for a frame, and hold from 7 to 30 frames per second. Below, they are those of 7 for the
    same time: a velocity per frame grows with the frame, its random walk with that and the root of it.
    """
    longer = max(1.0, LEAST_RATE / frame_rate)
    noise = model.noise.copy()
    noise["process"] *= longer**0.5
    noise["velocity"] *= longer**1.5
    noise["start_velocity"] *= longer
    return MotionModel(model.form, noise)


@compiled
def measure(box: Array, form: int, out: Array) -> None:
    """A box with an area, (4,) xyxy, in a model's form."""
    width, height = box[2] - box[0], box[3] - box[1]
    out[0], out[1] = box[0] + width / 2, box[1] + height / 2
    if form == _XYAH:
        out[2], out[3] = width / height, height
    elif form == _XYWH:
        out[2], out[3] = width, height
    else:
        out[2], out[3] = width * height, width / height


@compiled
def locate(motion: Array, form: int, box: Array) -> None:
    """Write the box, (4,) xyxy, at which a track's filters stand."""
    if form == _XYAH:
        height = motion[0, 3]
        width = motion[0, 2] * height
    elif form == _XYWH:
        width, height = motion[0, 2], motion[0, 3]
    else:
        width = np.sqrt(max(motion[0, 2] * motion[0, 3], 0.0))
        height = motion[0, 2] / width if width > 0 else 0.0
    box[0], box[1] = motion[0, 0] - width / 2, motion[0, 1] - height / 2
    box[2], box[3] = motion[0, 0] + width / 2, motion[0, 1] + height / 2


@compiled
def variance(motion: Array, weight: float, unit: int) -> float:
    """Noise as a variance: ``weight`` is a deviation, or the share of a coordinate that is one."""
    deviation = weight if unit < 0 else weight * motion[0, unit]
    return deviation * deviation


@compiled
def start(motion: Array, measured: Array, noise: Table) -> None:
    """Begin a track's filters at rest on a measurement."""
    for k in range(4):
        motion[0, k], motion[1, k], motion[3, k] = measured[k], 0, 0
    for k in range(4):
        motion[2, k] = variance(motion, noise[k]["start"], noise[k]["unit"])
        motion[4, k] = variance(motion, noise[k]["start_velocity"], noise[k]["unit"])


@compiled
def advance(motion: Array, noise: Table, dt: float) -> None:
    """Predict a track's filters ``dt`` frames ahead; noise adds up with time."""
    # The noise belongs to the size before the step, so the sizes move last.
    for k in range(4):
        unit = noise[k]["unit"]
        motion[2, k] += dt * (2 * motion[3, k] + dt * motion[4, k]) + dt * variance(motion, noise[k]["process"], unit)
        motion[3, k] += dt * motion[4, k]
        motion[4, k] += dt * variance(motion, noise[k]["velocity"], unit)
    for k in range(4):
        motion[0, k] += dt * motion[1, k]


@compiled
def correct(motion: Array, measured: Array, noise: Table) -> None:
    """Update a track's filters by a measurement."""
    spread = np.empty(4)
    spreads(motion, noise, spread)
    for k in range(4):
        innovation = measured[k] - motion[0, k]
        gain, velocity_gain = motion[2, k] / spread[k], motion[3, k] / spread[k]
        motion[0, k] += gain * innovation
        motion[1, k] += velocity_gain * innovation
        motion[4, k] -= velocity_gain * motion[3, k]
        motion[2, k] -= gain * motion[2, k]
        motion[3, k] -= gain * motion[3, k]


@compiled
def spreads(motion: Array, noise: Table, out: Array) -> None:
    """Variance of each coordinate of a measurement, (4,): the filter's own plus the detector's noise."""
    for k in range(4):
        out[k] = motion[2, k] + variance(motion, noise[k]["measured"], noise[k]["unit"])


@compiled
def squared_mahalanobis(motion: Array, precision: Array, measured: Array) -> float:
    """How unlikely a measurement is under a track's filters, given 1 / :func:`spreads` of these."""
    total = 0.0
    for k in range(4):
        innovation = measured[k] - motion[0, k]
        total += innovation * innovation * precision[k]
    return total


@compiled
def predict(tracks: Table, form: int, noise: Table, dt: float, tentative_too: bool) -> None:
    """Move all tracks ``dt`` frames ahead, people seen once only where wanted."""
    for track in tracks:
        if track["state"] == TENTATIVE and not tentative_too:
            continue
        motion = track["motion"]
        if track["state"] >= LOST:
            for k in range(4):
                if noise[k]["rests"]:
                    motion[1, k] = 0
        if form == _XYSR and motion[0, 2] + dt * motion[1, 2] <= 0:
            motion[1, 2] = 0
        advance(motion, noise, dt)
        locate(motion, form, track["box"])


@compiled
def shift(tracks: Table, form: int, affine: Array) -> None:
    """Move all tracks as the camera has moved the picture: (2, 3), new = A @ (x, y, 1).

    As BoT-SORT, sec. 3.2, but that sizes grow by the transform's scale alone, and that what a rotation mixes
    into the covariance of x and y, which these filters do not have, is left out.
    """
    scale = np.sqrt(abs(affine[0, 0] * affine[1, 1] - affine[0, 1] * affine[1, 0]))
    for track in tracks:
        motion = track["motion"]
        for row in range(5):
            x, y = motion[row, 0], motion[row, 1]
            for k in range(2):
                a, b = affine[k, 0], affine[k, 1]
                if row < 2:  # means
                    motion[row, k] = a * x + b * y + (affine[k, 2] if row == 0 else 0.0)
                else:
                    motion[row, k] = a * a * x + b * b * y
        for k in range(2, 4):
            power = (0 if k == 2 else 1) if form == _XYAH else (1 if form == _XYWH else (2 if k == 2 else 0))
            factor = scale**power
            for row in range(5):
                motion[row, k] *= factor if row < 2 else factor * factor
        locate(motion, form, track["box"])
