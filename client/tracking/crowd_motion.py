"""How the camera has moved, seen by the people: what all of them are off from where they were expected.

For detections without images. One person who turns says little, the median of many says where the camera went.
It is noisy, too, and a shake that is none would hurt where the camera stands, so it is believed only as far as
it varies more than chance explains (Wiener's filter, on each axis): almost not at all where the camera stands,
almost wholly where it pans.
"""

from __future__ import annotations

import numpy as np

from client.tracking.compiled import compiled
from client.tracking.records import Array, Rows, Table

_LEAST = 4  # people without whom nothing is estimated
_NEAR = 0.5  # distance of centres in heights, plus the logarithm of the heights' ratio
# Standard deviation of a median of normal numbers: 1.4826 * (median absolute deviation) * sqrt(pi / 2 / N)
_MEDIAN_DEVIATION = 1.4826 * np.sqrt(np.pi / 2)


class CrowdMotion:
    """One for each video."""

    def __init__(self, memory: float) -> None:
        """``memory``: frames over which the variances are averaged; 0: the camera is held to stand still."""
        self._weight = 1 / memory if memory else 0.0
        # (2, 2): x and y, px^2; averages of the median's square, and of what chance makes of it.
        self._power = np.zeros((2, 2))

    def update(self, tracks: Table, found: Table, rows: Rows, columns: Rows) -> Array:
        """The next frame, of tracks (``rows``) where they are expected and detections (``columns``).

        Returns:
            (2, 3): where a still point is now, A @ (x, y, 1), pixels; the identity where too few people are seen.
        """
        affine = np.eye(2, 3)
        if self._weight and min(len(rows), len(columns)) >= _LEAST:
            _estimate(_offsets(tracks, found, rows, columns), self._power, self._weight, affine)
        return affine


@compiled
def _offsets(tracks: Table, found: Table, rows: Rows, columns: Rows) -> Array:
    """(2, N): from tracks to detections that are each other's nearest, x and y, pixels."""
    nearest, distances = np.full(len(rows), -1), np.full(len(rows), _NEAR)
    taken, least = np.full(len(columns), -1), np.full(len(columns), _NEAR)
    for i in range(len(rows)):
        box = tracks[rows[i]]["box"]
        height = max(box[3] - box[1], 1.0)
        for j in range(len(columns)):
            other = found[columns[j]]["box"]
            x, y = _offset(box, other)
            if max(abs(x), abs(y)) >= _NEAR * height:
                continue  # as most are; what follows is slow
            distance = np.sqrt(x * x + y * y) / height + abs(np.log((other[3] - other[1]) / height))
            if distance < distances[i]:
                nearest[i], distances[i] = j, distance
            if distance < least[j]:
                taken[j], least[j] = i, distance
    offsets, count = np.empty((2, len(rows))), 0
    for i in range(len(rows)):
        if nearest[i] >= 0 and taken[nearest[i]] == i:
            x, y = _offset(tracks[rows[i]]["box"], found[columns[nearest[i]]]["box"])
            offsets[0, count], offsets[1, count] = x, y
            count += 1
    return offsets[:, :count]


@compiled
def _offset(a: Array, b: Array) -> tuple[float, float]:
    """From the centre of one box to that of another, x and y."""
    return (b[0] + b[2] - a[0] - a[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2


@compiled
def _median(values: Array) -> float:
    """Of a few numbers, at least one; Numba takes seconds to compile NumPy's."""
    ordered = values.copy()
    for k in range(1, len(ordered)):
        place, value = k, ordered[k]
        while place and ordered[place - 1] > value:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = value
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


@compiled
def _estimate(offsets: Array, power: Array, weight: float, affine: Array) -> None:
    """Write the camera's motion into ``affine``, and average ``power``."""
    count = offsets.shape[1]
    if count < _LEAST:
        return
    for axis in range(2):
        median = _median(offsets[axis])
        deviation = _MEDIAN_DEVIATION * _median(np.abs(offsets[axis] - median))
        power[0, axis] += weight * (median * median - power[0, axis])
        power[1, axis] += weight * (deviation * deviation / count - power[1, axis])
        if power[0, axis] > power[1, axis]:
            affine[axis, 2] = median * (1 - power[1, axis] / power[0, axis])
