"""Constant-velocity Kalman filters for all tracks at once.

A track's state is its box as centre x, centre y, aspect (width / height) and height, each with a velocity
per frame. All noise of this model is diagonal and a velocity moves only its own coordinate, so the usual
8x8 covariance falls apart into four 2x2 blocks that never mix. Each filter is therefore kept as a
(5, 4) array, whose columns are the four coordinates and whose rows are

    position, velocity, variance of the position, covariance of both, variance of the velocity,

and every step is a few element-wise operations instead of matrix products and triangular solves.

Model and constants: Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric",
2017, sec. 2.1, as in FairMOT's ``lib/tracking_utils/kalman_filter.py``. Pixels, original image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# 95 % quantile of the chi-square distribution with four degrees of freedom.
GATE = 9.4877

# Standard deviations of a position and of a velocity per pixel of box height.
_POSITION = 1 / 20
_VELOCITY = 1 / 160
_HEIGHT = 3  # column


def initiate(boxes: Array) -> Array:
    """Start filters at rest: (N, 4) xyah -> (N, 5, 4)."""
    motion = np.zeros((len(boxes), 5, 4))
    motion[:, 0] = boxes
    motion[:, 2] = _variance(boxes, 2 * _POSITION, aspect=1e-2)
    motion[:, 4] = _variance(boxes, 10 * _VELOCITY, aspect=1e-5)
    return motion


def predict(motion: Array) -> Array:
    """One frame later: (N, 5, 4) -> (N, 5, 4)."""
    position, velocity, variance, covariance, velocity_variance = _rows(motion)
    return np.stack(
        [
            position + velocity,
            velocity,
            variance + 2 * covariance + velocity_variance + _variance(position, _POSITION, aspect=1e-2),
            covariance + velocity_variance,
            velocity_variance + _variance(position, _VELOCITY, aspect=1e-5),
        ],
        axis=1,
    )


def update(motion: Array, boxes: Array) -> Array:
    """Correct each filter by its measurement: (N, 5, 4), (N, 4) xyah -> (N, 5, 4)."""
    position, velocity, variance, covariance, velocity_variance = _rows(motion)
    innovation = boxes - position
    innovation_variance = _innovation_variance(motion)
    gain, velocity_gain = variance / innovation_variance, covariance / innovation_variance
    return np.stack(
        [
            position + gain * innovation,
            velocity + velocity_gain * innovation,
            variance - gain * variance,
            covariance - gain * covariance,
            velocity_variance - velocity_gain * covariance,
        ],
        axis=1,
    )


def squared_mahalanobis(motion: Array, boxes: Array) -> Array:
    """How unlikely each measurement is under each filter: (N, 5, 4), (M, 4) xyah -> (N, M)."""
    innovation = boxes[None] - motion[:, None, 0]  # (N, M, 4)
    distance: Array = (innovation**2 / _innovation_variance(motion)[:, None]).sum(axis=2)
    return distance


def _rows(motion: Array) -> tuple[Array, ...]:
    return tuple(motion[:, row] for row in range(5))


def _innovation_variance(motion: Array) -> Array:
    """Variance of a measurement, (N, 4): the state's own plus the detector's noise."""
    variance: Array = motion[:, 2] + _variance(motion[:, 0], _POSITION, aspect=1e-1)
    return variance


def _variance(boxes: Array, weight: float, aspect: float) -> Array:
    """(N, 4): noise proportional to the height, in pixels, but constant for the aspect; ``aspect`` is its deviation."""
    deviation = np.repeat(weight * boxes[:, _HEIGHT, None], 4, axis=1)
    deviation[:, 2] = aspect
    return deviation**2
