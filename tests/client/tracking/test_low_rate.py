"""The default tracker where a second or more lies between two frames, and in the case of a public report."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import OverlapReidConfig
from client.tracking.motion import STEADY_XYAH, at_rate
from tests.client.tracking.scenes import frame, ids, run
from tests.shipped_model import CASES, LOW_RATE, default_tracker, expected, low_rate_scores, recorded

WALK = [frame((10 + 70 * t, 20, 0.9, 0)) for t in range(8)]  # 1.75 widths from frame to frame: no overlap


@pytest.mark.parametrize("rate", [1.0, 2.0])
@pytest.mark.parametrize("embedding_dim", [8, 0])
def test_who_walks_on_between_two_frames_keeps_the_id(rate: float, embedding_dim: int) -> None:
    """A walk of 0.7 heights a second; from frame to frame 1.75 widths, or 0.9."""
    scene = [frame((10 + 70 * t / rate, 20, 0.9, 0), embedding_dim=embedding_dim) for t in range(8)]
    assert ids(run(OverlapReidConfig().tracker(rate), scene)) == [[1]] * 8


def test_at_thirty_frames_a_second_nobody_walks_so_fast() -> None:
    assert ids(run(OverlapReidConfig().tracker(30), WALK))[-1] != [1]


def test_two_who_pass_each_other_between_two_frames_are_told_apart_by_embeddings() -> None:
    """Where the one was, the other is: overlap alone would exchange them."""
    there, back = frame((10, 20, 0.9, 0), (80, 20, 0.9, 1)), frame((10, 20, 0.9, 1), (80, 20, 0.9, 0))
    shown = run(OverlapReidConfig().tracker(1), [there, back, there])
    assert [each.detections.tolist() for each in shown] == [[0, 1], [1, 0], [0, 1]]


def test_a_second_apart_nobody_waits_for_a_second_detection() -> None:
    one, two = (10.0, 20.0, 0.9, 0), (600.0, 20.0, 0.51, 1)
    assert ids(run(OverlapReidConfig().tracker(1), [frame(one), frame(one, two)])) == [[1], [1, 2]]
    assert ids(run(OverlapReidConfig().tracker(30), [frame(one), frame(one, two)])) == [[1], [1]]


def test_after_a_pause_of_a_fast_video_its_people_are_found_by_embeddings() -> None:
    tracker = OverlapReidConfig().tracker(30)
    for t in range(10):
        tracker.update(frame((10 + 2 * t, 20, 0.9, 0)), time=t / 30)
    assert tracker.update(frame((110, 20, 0.9, 0)), time=9 / 30 + 0.9).ids.tolist() == [1]


def test_nobody_is_shown_a_second_after_they_were_lost() -> None:
    assert ids(run(OverlapReidConfig().tracker(1), [frame((10, 20, 0.9, 0))] * 5 + [frame()] * 2))[-2:] == [[], []]


@pytest.mark.parametrize("rate", [7.0, 10.0, 30.0])
def test_from_seven_frames_a_second_on_the_filters_are_as_they_were(rate: float) -> None:
    assert (at_rate(STEADY_XYAH, rate).noise == STEADY_XYAH.noise).all()


def test_filters_below_are_those_of_seven_for_the_same_time() -> None:
    """Variances of a velocity of pixels a second, and of how it changes in a second."""
    for name, power in (("process", 1), ("start_velocity", 2), ("velocity", 3)):
        slow, usual = (at_rate(STEADY_XYAH, rate).noise[name] ** 2 * rate**power for rate in (1.0, 7.0))
        np.testing.assert_allclose(slow, usual)


@pytest.mark.data
def test_the_reported_case_one_frame_a_second() -> None:
    """The report: MOTA 2.1, Rcll 31.4, Prcn 66.4, and 25.5, 84.5, 97.6 with settings by hand."""
    if not CASES.is_dir():
        pytest.skip(f"needs {CASES}")
    recording = recorded(CASES / f"{LOW_RATE}.mp4")
    default, known = low_rate_scores(recording, default_tracker()), expected(LOW_RATE)
    assert default["MOTA"] > 50 and all(value > known[name] - 2 for name, value in default.items()), default
    for by_hand in ({"coast": 0, "coast_hidden": 0}, {"min_hits": 1}):
        best = low_rate_scores(recording, default_tracker(**by_hand))
        assert default["MOTA"] >= best["MOTA"] - 1 and default["HOTA"] >= best["HOTA"] - 1
