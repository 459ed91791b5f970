"""Detections of made-up scenes, and what trackers say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from client.tracking import Tracker
from mot.detections import Detections, Tracks

Person = tuple[float, float, float, int]  # left, top, score, whose embedding
WIDTH, HEIGHT, EMBEDDING_DIM = 40.0, 100.0, 8


def frame(*people: Person, embedding_dim: int = EMBEDDING_DIM) -> Detections:
    """One frame; embeddings of different people are orthogonal."""
    left, top, score, who = np.array(people, np.float64).reshape(-1, 4).T
    return Detections(
        boxes=np.stack([left, top, left + WIDTH, top + HEIGHT], axis=1).astype(np.float32),
        scores=score.astype(np.float32),
        embeddings=np.eye(EMBEDDING_DIM, dtype=np.float32)[who.astype(int)][:, :embedding_dim]
        if embedding_dim
        else None,
    )


def random_scene(seed: int, frames: int, people: int, *, space: float = 400, seen: float = 0.8) -> list[Detections]:
    """People who walk, vanish, come back, change score and look a little different in each frame."""
    rng = np.random.default_rng(seed)
    corner, speed = rng.uniform(0, space, (people, 2)), rng.uniform(-6, 6, (people, 2))
    shape = rng.uniform([30, 80], [50, 120], (people, 2))
    means = rng.normal(size=(people, EMBEDDING_DIM))
    scene = []
    for _ in range(frames):
        corner += speed
        who = rng.permutation(np.flatnonzero(rng.random(people) < seen))
        size = shape[who] * rng.uniform(0.9, 1.1, (len(who), 2))
        embedding = means[who] + rng.normal(0, 0.3, (len(who), EMBEDDING_DIM))
        scene.append(
            Detections(
                boxes=np.concatenate([corner[who], corner[who] + size], axis=1).astype(np.float32),
                scores=rng.random(len(who)).astype(np.float32),
                embeddings=(embedding / np.linalg.norm(embedding, axis=1, keepdims=True)).astype(np.float32),
            )
        )
    return scene


def without_embeddings(detections: Detections) -> Detections:
    return replace(detections, embeddings=None)


def run(tracker: Tracker, frames: Sequence[Detections]) -> list[Tracks]:
    return [tracker.update(detections) for detections in frames]


def ids(tracks: Sequence[Tracks]) -> list[list[int]]:
    return [each.ids.tolist() for each in tracks]


def assert_equal(a: Tracks, b: Tracks) -> None:
    for field in fields(Tracks):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)
