"""client.tracking.preset: which settings a model's thresholds become."""

from __future__ import annotations

import pytest

from client.detection.onnx import read_spec
from client.tracking import TRACKERS, TrackerConfig
from client.tracking.preset import defaults_for
from mot.contract import THRESHOLDS
from tests.shipped_model import GRAPH

MODEL = {"conf_thres": 0.5, "high_thres": 0.3, "low_thres": 0.2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("overlap_reid", MODEL),
        ("byte", MODEL),
        ("botsort", MODEL),
        ("fairmot_byte", MODEL),
        ("fairmot", {**MODEL, "low_thres": 0.3}),  # it has no pass over weak detections
        ("ocsort", {"conf_thres": 0.5, "low_thres": 0.2, "use_byte": True}),
    ],
)
def test_of_a_model(name: str, expected: dict[str, float]) -> None:
    assert defaults_for(TRACKERS[name], MODEL) == expected
    config: TrackerConfig = TRACKERS[name](**expected)  # type: ignore[arg-type]
    assert config.tracker(10)


@pytest.mark.parametrize("name", TRACKERS)
def test_a_model_that_says_nothing_leaves_the_papers(name: str) -> None:
    assert defaults_for(TRACKERS[name], {}) == {}


def test_the_shipped_model_states_its_own() -> None:
    found = read_spec(GRAPH).thresholds
    assert set(found) == set(THRESHOLDS)
    assert 0 < found["low_thres"] <= min(found["high_thres"], found["conf_thres"]) < 1
