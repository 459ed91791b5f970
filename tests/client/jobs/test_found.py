"""client.jobs.found: what is said where few are followed."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from client.jobs.found import Found
from client.pipeline.tracked import TrackedFrame
from client.tracking import ByteConfig, OverlapReidConfig, TrackerConfig
from mot.frame import Frame
from tests.client.tracking.scenes import frame

IMAGE = np.zeros((8, 8, 3), np.uint8)


def warned(config: TrackerConfig, score: float, caplog: pytest.LogCaptureFixture) -> str:
    """What is said of a person who stands there for 40 frames."""
    found, tracker = Found(0.5), config.tracker(10)
    for t in range(1, 41):
        detections = frame((10, 20, score, 0))
        seen = Frame(index=t, time=t / 10, image=IMAGE)
        found.add(TrackedFrame(frame=seen, tracks=tracker.update(detections), detections=detections))
    with caplog.at_level(logging.WARNING):
        found.warn("a", "byte", 0.7)
    return caplog.text


def test_nothing_where_those_found_are_followed(caplog: pytest.LogCaptureFixture) -> None:
    assert warned(OverlapReidConfig(), 0.6, caplog) == ""


def test_nobody(caplog: pytest.LogCaptureFixture) -> None:
    text = warned(ByteConfig(), 0.6, caplog)
    assert "a: nobody was followed in 40 frames; the best score is 0.60, people are followed from 0.7" in text


def test_far_too_few(caplog: pytest.LogCaptureFixture) -> None:
    found = Found(0.5)
    tracker = ByteConfig().tracker(10)
    for t in range(1, 41):
        detections = frame((10, 20, 0.9, 0), (200, 20, 0.6, 1), (400, 20, 0.6, 2))
        seen = Frame(index=t, time=t / 10, image=IMAGE)
        found.add(TrackedFrame(frame=seen, tracks=tracker.update(detections), detections=detections))
    found.warn("a", "byte", 0.7)
    assert "a: byte has followed 40 boxes, but 120 were found with a score of 0.5 or more" in caplog.text
