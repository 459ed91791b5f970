"""FairMOT's and ByteTrack's association, plainly: one object a track, full matrices, scipy.

Written from the papers and the published code's constants and order, to check the compiled steps. Three slips of
the published code are left out, because they are not wanted: a lost track that expires is matched for one frame
more, one found in just that frame vanishes later, and a score equal to a threshold counts on neither side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from mot.detections import Detections

GATE = 9.4877


class Kalman:
    """State (cx, cy, w/h, h and their velocities), one frame a step."""

    F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
    H = np.eye(4, 8)

    def __init__(self, box: np.ndarray) -> None:
        h = box[3]
        self.x = np.concatenate([box, np.zeros(4)])
        deviations = [h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]
        self.P = np.diag(np.square(deviations))

    def predict(self) -> None:
        h = self.x[3]
        deviations = [h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + np.diag(np.square(deviations))

    def project(self) -> tuple[np.ndarray, np.ndarray]:
        h = self.x[3]
        return self.H @ self.x, self.H @ self.P @ self.H.T + np.diag(np.square([h / 20, h / 20, 1e-1, h / 20]))

    def update(self, box: np.ndarray) -> None:
        mean, S = self.project()  # noqa: N806
        K = self.P @ self.H.T @ np.linalg.inv(S)  # noqa: N806
        self.x = self.x + K @ (box - mean)
        self.P = self.P - K @ S @ K.T

    def distance(self, box: np.ndarray) -> float:
        mean, S = self.project()  # noqa: N806
        return float((box - mean) @ np.linalg.inv(S) @ (box - mean))


@dataclass(eq=False)
class Found:
    row: int
    box: np.ndarray  # xyxy
    score: float
    embedding: np.ndarray

    @property
    def measured(self) -> np.ndarray:
        w, h = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return np.array([self.box[0] + w / 2, self.box[1] + h / 2, w / h, h])


@dataclass(eq=False)
class Track:
    kalman: Kalman
    embedding: np.ndarray
    name: int
    first: int
    last: int
    score: float
    row: int
    state: str = "tracked"
    activated: bool = False

    @property
    def box(self) -> np.ndarray:
        cx, cy, a, h = self.kalman.x[:4]
        return np.array([cx - a * h / 2, cy - h / 2, cx + a * h / 2, cy + h / 2])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """IoU with the extra pixel of cython_bbox."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return float(w * h / (area[0] + area[1] - w * h))


def iou_distance(track: Track, found: Found) -> float:
    return 1 - overlap(track.box, found.box)


def fused_distance(track: Track, found: Found) -> float:
    return 1 - overlap(track.box, found.box) * found.score


def embedding_distance(track: Track, found: Found) -> float:
    motion = track.kalman.distance(found.measured)
    if motion > GATE:
        return np.inf
    return 0.98 * max(0.0, 1 - float(track.embedding @ found.embedding)) + 0.02 * motion


Distance = Callable[[Track, Found], float]


@dataclass
class Published:
    """One of the two trackers; :func:`fairmot` and :func:`byte_track` make them."""

    high: float
    low: float
    start: float
    buffer: int
    stages: list[tuple[str, Distance, float]]  # whom ("pool" or "tracked"), how, limit
    low_limit: float
    tentative: Distance
    tracks: list[Track] = field(default_factory=list)
    frame: int = 0
    names: int = 0

    def update(self, detections: Detections) -> list[Track]:
        self.frame += 1
        embeddings = np.zeros((len(detections), 0)) if detections.embeddings is None else detections.embeddings
        found = [
            Found(row, box.astype(np.float64), float(score), embedding.astype(np.float64))
            for row, (box, score, embedding) in enumerate(
                zip(detections.boxes, detections.scores, embeddings, strict=True)
            )
        ]
        high = [one for one in found if one.score >= self.high]
        low = [one for one in found if self.low <= one.score < self.high]
        unconfirmed = [track for track in self.tracks if not track.activated]
        pool = [track for track in self.tracks if track.activated]
        for track in pool:
            if track.state != "tracked":
                track.kalman.x[7] = 0
            track.kalman.predict()
        for whom, distance, limit in self.stages:
            if whom == "tracked":
                pool = [track for track in pool if track.state == "tracked"]
            pool, high = self._match(pool, high, distance, limit)
        pool = [track for track in pool if track.state == "tracked"]
        pool, _ = self._match(pool, low, iou_distance, self.low_limit, learn=False)
        for track in pool:
            track.state = "lost"
        unconfirmed, high = self._match(unconfirmed, high, self.tentative, 0.7)
        for track in unconfirmed:
            self.tracks.remove(track)
        for one in high:
            if one.score >= self.start:
                self.names += 1
                self.tracks.append(
                    Track(
                        kalman=Kalman(one.measured),
                        embedding=one.embedding,
                        name=self.names,
                        first=self.frame,
                        last=self.frame,
                        score=one.score,
                        row=one.row,
                        activated=self.frame == 1,
                    )
                )
        self.tracks = [t for t in self.tracks if t.state == "tracked" or self.frame - t.last <= self.buffer]
        self._drop_doubles()
        return [
            track
            for track in self.tracks
            if track.state == "tracked" and track.activated and self._is_person(track.box)
        ]

    def _match(
        self, tracks: list[Track], found: list[Found], distance: Distance, limit: float, learn: bool = True
    ) -> tuple[list[Track], list[Found]]:
        if not tracks or not found:
            return tracks, found
        cost = np.array([[distance(track, one) for one in found] for track in tracks])
        pairs = [
            (r, c) for r, c in zip(*linear_sum_assignment(np.minimum(cost, limit)), strict=True) if cost[r, c] < limit
        ]
        for r, c in pairs:
            track, one = tracks[r], found[c]
            track.kalman.update(one.measured)
            track.state, track.activated, track.last = "tracked", True, self.frame
            track.score, track.row = one.score, one.row
            if learn:
                mixed = 0.9 * track.embedding + 0.1 * one.embedding
                track.embedding = mixed / max(float(np.linalg.norm(mixed)), 1e-12)
        taken_tracks, taken_found = {r for r, _ in pairs}, {c for _, c in pairs}
        return (
            [track for r, track in enumerate(tracks) if r not in taken_tracks],
            [one for c, one in enumerate(found) if c not in taken_found],
        )

    def _drop_doubles(self) -> None:
        tracked = [track for track in self.tracks if track.state == "tracked"]
        lost = [track for track in self.tracks if track.state == "lost"]
        doomed = set()
        for a in tracked:
            for b in lost:
                if 1 - overlap(a.box, b.box) < 0.15:
                    doomed.add(id(b) if a.last - a.first > b.last - b.first else id(a))
        self.tracks = [track for track in self.tracks if id(track) not in doomed]

    @staticmethod
    def _is_person(box: np.ndarray) -> bool:
        w, h = box[2] - box[0], box[3] - box[1]
        return bool(w * h > 100 and w / h <= 1.6)


def fairmot(frame_rate: float = 30, byte: bool = False) -> Published:
    return Published(
        high=float(np.float32(0.4)),
        low=float(np.float32(0.2 if byte else 0.4)),
        start=0.5 if byte else float(np.float32(0.4)),
        buffer=int(frame_rate / 30 * 30),
        stages=[("pool", embedding_distance, 0.4), ("tracked", iou_distance, 0.5)],
        low_limit=0.4,
        tentative=iou_distance,
    )


def byte_track(frame_rate: float = 30, high: float = 0.6, start: float = 0.7) -> Published:
    return Published(
        high=float(np.float32(high)),
        low=float(np.float32(0.1)),
        start=float(np.float32(start)),
        buffer=int(frame_rate / 30 * 30),
        stages=[("pool", fused_distance, 0.9)],
        low_limit=0.5,
        tentative=fused_distance,
    )
