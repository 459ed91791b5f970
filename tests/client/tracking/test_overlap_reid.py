"""client.tracking.overlap_reid on small hand-made scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from client.tracking import OverlapReidConfig, OverlapReidTracker
from client.tracking.motion import GATE
from mot.detections import Detections
from tests.client.tracking.scenes import EMBEDDING_DIM, frame, ids, run

PERSON = (10.0, 20.0, 0.9, 0)


def half_alike(detections: Detections, cosine: float) -> Detections:
    """The same boxes, with an embedding whose cosine with that of person 0 is given."""
    embedding = np.zeros((1, EMBEDDING_DIM), np.float32)
    embedding[0, :2] = cosine, np.sqrt(1 - cosine**2)
    return replace(detections, embeddings=embedding)


def plain(**settings: float) -> OverlapReidTracker:
    """A tracker that shows only detections, and nobody at once, however its other settings are."""
    usual = {"coast": 0, "coast_hidden": 0, "sure_margin": 1}
    return OverlapReidTracker(OverlapReidConfig(**{**usual, **settings}))


def test_for_a_moment_the_lost_are_shown_where_they_are_expected() -> None:
    """For 0.15 s, which are four frames at 30 frames per second."""
    walk = [frame((10 + 4 * t, 20, 0.9, 0)) for t in range(20)] + [frame()] * 5
    shown = run(OverlapReidTracker(), walk)
    assert ids(shown)[-5:] == [[1], [1], [1], [1], []]
    np.testing.assert_allclose(shown[-2].boxes[0], [10 + 4 * 23, 20, 50 + 4 * 23, 120], atol=2)
    assert shown[-2].detections.tolist() == [-1]


def test_embeddings_decide_where_overlap_would_swap() -> None:
    """Both turn round where they meet, so that motion and overlap alone say that they went on."""
    there = [(10.0 + 2 * t, 114.0 - 2 * t) for t in range(27)]
    scene = there + there[::-1]
    with_embeddings = run(plain(), [frame((a, 20, 0.9, 0), (b, 20, 0.9, 1)) for a, b in scene])
    assert with_embeddings[-1].detections.tolist() == [0, 1] and ids(with_embeddings)[-1] == [1, 2]
    without = run(plain(), [frame((a, 20, 0.9, 0), (b, 20, 0.9, 1), embedding_dim=0) for a, b in scene])
    assert without[-1].detections.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("shift", "cosine", "found"), [(0, 0.0, True), (40, 1.0, True), (40, 0.79, False), (400, 1.0, False)]
)
def test_found_by_overlap_or_by_embeddings_alone(shift: float, cosine: float, found: bool) -> None:
    """In the same place whatever they look like; beside it when they look the same; never far away."""
    scene = [frame(PERSON)] * 3 + [frame()] * 3 + [half_alike(frame((10 + shift, 20, 0.9, 0)), cosine)]
    assert ids(run(plain(), scene))[-1] == ([1] if found else [])


@pytest.mark.parametrize(("share", "found"), [(0.99, True), (1.01, False)])
def test_the_gate_forbids_what_motion_makes_unlikely(share: float, found: bool) -> None:
    """The same embedding, aside, in the second frame."""
    # Of the start, of its velocity, of one step and of the measurement.
    spread = (0.1**2 + (10 / 160) ** 2 + (1 / 40) ** 2 + (1 / 20) ** 2) * 100**2
    aside = np.sqrt(share * GATE * spread)
    tracker = plain(match_thres=0)
    assert ids(run(tracker, [frame(PERSON), frame((10 + aside, 20, 0.9, 0))]))[-1] == ([1] if found else [])


def test_someone_who_looks_the_same_far_away_is_someone_else() -> None:
    assert ids(run(plain(), [frame(PERSON)] * 3 + [frame()] + [frame((600, 20, 0.9, 0))] * 2))[-1] == [2]


def test_a_long_occlusion_is_bridged_by_embeddings() -> None:
    """Someone comes back from behind others beside where they were expected, just before the buffer ends."""
    walk = [frame((10 + 3 * t, 20, 0.9, 0)) for t in range(20)]
    hidden = [frame()] * 29
    back = [frame((10 + 3 * 49 + 60, 20, 0.9, 0))] * 2
    assert ids(run(plain(), walk + hidden + back))[-1] == [1]
    assert ids(run(plain(look_thres=0), walk + hidden + back))[-1] == [2]


@pytest.mark.parametrize("rate", [7.0, 30.0])
@pytest.mark.parametrize(
    ("seconds", "aside", "cosine", "found"),
    [
        (2.9, 0, 1.0, True),
        (2.9, 20, 0.65, True),  # 20 pixels aside: an IoU of a third
        (2.9, 25, 1.0, False),  # less than 0.3: beside it is not where they are expected
        (2.9, 0, 0.55, False),  # in their place, and somebody else
        (3.4, 0, 1.0, False),
    ],
)
def test_after_a_second_only_place_and_look_together_bring_somebody_back(
    rate: float, seconds: float, aside: float, cosine: float, found: bool
) -> None:
    gone = [frame()] * round(seconds * rate - 1)
    scene = [frame(PERSON)] * 10 + gone + [half_alike(frame((10 + aside, 20, 0.9, 0)), cosine)] * 2
    tracker = OverlapReidTracker(OverlapReidConfig(coast=0, coast_hidden=0, sure_margin=1), rate)
    assert ids(run(tracker, scene))[-1] == ([1] if found else [2])


def test_whoever_stands_where_somebody_long_lost_is_expected_is_shown() -> None:
    """Even in the very place: one lost for a moment would be taken for the same person."""
    scene = [frame(PERSON)] * 10 + [frame()] * 35 + [frame((10, 20, 0.9, 1))] * 3
    assert ids(run(plain(), scene))[-2:] == [[2], [2]]


def test_without_embeddings_nobody_is_remembered_for_longer() -> None:
    scene = [frame(PERSON, embedding_dim=0)] * 10
    gone, back = frame(embedding_dim=0), [frame(PERSON, embedding_dim=0)] * 2
    assert ids(run(plain(), [*scene, *[gone] * 29, *back]))[-1] == [1]
    assert ids(run(plain(), [*scene, *[gone] * 31, *back]))[-1] == [2]


def test_who_comes_back_for_a_moment_is_not_shown_for_longer_than_that() -> None:
    """Seen for 20 frames, away for 20, seen for 3, which are 2 steps: expected for 2 more, not for the 4 of 0.15 s."""
    shown = run(OverlapReidTracker(), [frame(PERSON)] * 20 + [frame()] * 20 + [frame(PERSON)] * 3 + [frame()] * 5)
    assert ids(shown)[20:40] == [[1]] * 4 + [[]] * 16
    assert ids(shown)[40:] == [[1]] * 3 + [[1]] * 2 + [[]] * 3


def test_a_moment_in_which_somebody_is_shown_unseen_is_no_break() -> None:
    shown = run(OverlapReidTracker(), [frame(PERSON)] * 20 + [frame()] * 2 + [frame(PERSON)] + [frame()] * 5)
    assert ids(shown)[20:] == [[1]] * 7 + [[]]


def test_weak_detections_keep_tracks_alive_and_start_none() -> None:
    weak = (10.0, 20.0, 0.25, 0)
    assert ids(run(plain(), [frame(PERSON), *[frame(weak)] * 40])) == [[1]] * 41
    assert ids(run(plain(), [frame(weak)] * 5)) == [[]] * 5
    assert ids(run(plain(), [frame(PERSON), frame(), frame(weak)]))[-1] == []


def test_weak_detections_do_not_teach_embeddings() -> None:
    """Forty weak frames of somebody else's embedding; then the person is known by the old one, beside the old place."""
    scene = [frame(PERSON), *[frame((10, 20, 0.25, 1))] * 40, *[frame()] * 10]
    assert ids(run(plain(), [*scene, frame((50, 20, 0.9, 0))]))[-1] == [1]
    assert ids(run(plain(), [*scene, frame((50, 20, 0.9, 1))]))[-1] == []


def test_confident_detections_teach_embeddings() -> None:
    scene = [frame(PERSON), *[frame((10, 20, 0.9, 1))] * 40, *[frame()] * 10]
    assert ids(run(plain(), [*scene, frame((50, 20, 0.9, 1))]))[-1] == [1]


def test_without_embeddings_overlap_decides() -> None:
    scene = [frame((10 + 4 * t, 20, 0.9, 0), (300 - 4 * t, 400, 0.9, 1), embedding_dim=0) for t in range(30)]
    shown = run(plain(), [*scene, frame(embedding_dim=0), frame((130, 20, 0.9, 0), embedding_dim=0)])
    assert ids(shown[:30]) == [[1, 2]] * 30
    assert ids(shown[30:]) == [[], [1]]


@pytest.mark.parametrize("score", [1.0, 0.5])
@pytest.mark.parametrize(("shared", "found"), [(0.25, True), (0.15, False)])
def test_without_embeddings_the_limit_is_one_of_overlap_whatever_the_score(
    score: float, shared: float, found: bool
) -> None:
    """Two boxes of width 40 that are ``aside`` have the IoU (40 - aside) / (40 + aside)."""
    aside = 40 * (1 - shared) / (1 + shared)
    scene = [frame((10, 20, score, 0), embedding_dim=0)] * 5 + [frame((10 + aside, 20, score, 0), embedding_dim=0)]
    assert ids(run(plain(), scene))[-1] == ([1] if found else [])


@pytest.mark.parametrize(("settings", "found"), [({}, [1, 2, 3, 4, 5, 6]), ({"camera_memory": 0.0}, [1, 2, 3, 4, 5])])
def test_without_embeddings_the_lost_follow_the_camera_that_the_others_show(
    settings: dict[str, float], found: list[int]
) -> None:
    """The camera begins to pan while one of six is hidden, who is then found where the pan has taken them."""
    standing = [(100.0 + 150 * k, 200.0 + 20 * k, 0.9, 0) for k in range(6)]

    def panned(shift: float, *, hidden: int) -> Detections:
        return frame(*((x + shift, y, score, who) for x, y, score, who in standing[: 6 - hidden]), embedding_dim=0)

    scene = [panned(0, hidden=0)] * 10 + [panned(8.0 * t, hidden=1) for t in range(1, 11)] + [panned(88, hidden=0)]
    assert ids(run(plain(**settings), scene))[-1] == found


def test_new_tracks_may_need_a_higher_score() -> None:
    tracker = plain(conf_thres=0.7)
    scene = [frame((10, 20, score, 0)) for score in (0.6, 0.8, 0.6)]
    assert ids(run(tracker, scene)) == [[], [], [1]]


def test_a_low_threshold_for_new_tracks_lowers_the_others() -> None:
    tracker = plain(conf_thres=0.1)
    assert ids(run(tracker, [frame((10, 20, 0.15, 0)), frame((10, 20, 0.12, 0))])) == [[1], [1]]


def test_a_double_of_a_lost_track_is_dropped() -> None:
    """A track that cannot be matched, and a new one on the same place: the older one keeps the person."""
    tracker = plain(match_thres=0, look_thres=0.2)
    old, new = frame(PERSON), frame((10, 20, 0.9, 1))
    assert ids(run(tracker, [old] * 5 + [new] * 3 + [old])) == [[1]] * 5 + [[]] * 3 + [[1]]


def test_a_lost_person_who_walked_away_does_not_shrink_to_nothing() -> None:
    def standing(height: float) -> Detections:
        box = np.array([[300 - height / 5, 200 - height / 2, 300 + height / 5, 200 + height / 2]], np.float32)
        return Detections(boxes=box, scores=np.ones(1, np.float32), embeddings=np.ones((1, 1), np.float32))

    scene = [standing(300 - 10 * t) for t in range(21)] + [Detections.empty()] * 12 + [standing(95)]
    assert ids(run(plain(), scene))[-1] == [1]
