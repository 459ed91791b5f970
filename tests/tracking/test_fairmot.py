"""client.tracking.fairmot on small hand-made scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.tracking import FairMotTracker, Tracker, TrackerConfig, TrackerError, kalman
from mot.detections import Detections, Tracks

Person = tuple[float, float, float, int]  # left, top, score, whose appearance
WIDTH, HEIGHT, LOOKS = 40.0, 100.0, 8


def frame(*people: Person, looks: int = LOOKS) -> Detections:
    """One frame; appearances of different people are orthogonal."""
    left, top, score, who = np.array(people, np.float64).reshape(-1, 4).T
    return Detections(
        boxes=np.stack([left, top, left + WIDTH, top + HEIGHT], axis=1).astype(np.float32),
        scores=score.astype(np.float32),
        embeddings=np.eye(LOOKS, dtype=np.float32)[who.astype(int)][:, :looks],
    )


def run(tracker: Tracker, frames: Sequence[Detections]) -> list[Tracks]:
    return [tracker.update(detections) for detections in frames]


def ids(tracks: Sequence[Tracks]) -> list[list[int]]:
    return [each.ids.tolist() for each in tracks]


def assert_equal(a: Tracks, b: Tracks) -> None:
    for field in fields(Tracks):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


def test_the_first_frame_counts_at_once() -> None:
    tracks = FairMotTracker().update(frame((10, 20, 0.9, 0), (300, 20, 0.8, 1)))
    assert tracks.ids.tolist() == [1, 2]
    assert tracks.detections.tolist() == [0, 1]
    np.testing.assert_allclose(tracks.boxes, [[10, 20, 50, 120], [300, 20, 340, 120]], atol=1e-4)
    np.testing.assert_allclose(tracks.scores, [0.9, 0.8])
    assert (tracks.ids.dtype, tracks.boxes.dtype) == (np.int64, np.float32)
    assert (tracks.scores.dtype, tracks.detections.dtype) == (np.float32, np.int64)


def test_later_people_are_shown_when_seen_again() -> None:
    one, two = (10.0, 20.0, 0.9, 0), (300.0, 20.0, 0.9, 1)
    shown = run(FairMotTracker(), [frame(one), frame(one, two), frame(one, two)])
    assert ids(shown) == [[1], [1], [1, 2]]


def test_a_ghost_of_one_frame_is_never_shown_and_takes_no_id() -> None:
    one, ghost, two = (10.0, 20.0, 0.9, 0), (500.0, 20.0, 0.9, 5), (300.0, 20.0, 0.9, 1)
    shown = run(FairMotTracker(), [frame(one), frame(one, ghost), frame(one), frame(one, two), frame(one, two)])
    assert ids(shown) == [[1], [1], [1], [1], [1, 2]]


def test_a_ghost_that_flickers_is_never_shown() -> None:
    one, ghost = (10.0, 20.0, 0.9, 0), (500.0, 20.0, 0.9, 5)
    assert ids(run(FairMotTracker(), [frame(one), frame(one, ghost)] * 4)) == [[1]] * 8


def test_two_people_who_cross_keep_their_ids() -> None:
    scene = [frame((10 + 8 * t, 20, 0.9, 0), (330 - 8 * t, 22, 0.9, 1)) for t in range(40)]
    for t, tracks in enumerate(run(FairMotTracker(), scene)):
        assert tracks.ids.tolist() == [1, 2] and tracks.detections.tolist() == [0, 1], t


def test_appearance_decides_where_overlap_would_swap() -> None:
    """Both turn round where they meet, so that motion and overlap alone say that they went on."""
    there = [(10.0 + 4 * t, 90.0 - 4 * t) for t in range(11)]
    scene = there + there[::-1]
    with_looks = run(FairMotTracker(), [frame((a, 20, 0.9, 0), (b, 20, 0.9, 1)) for a, b in scene])
    assert with_looks[-1].detections.tolist() == [0, 1] and ids(with_looks)[-1] == [1, 2]
    without = run(FairMotTracker(), [frame((a, 20, 0.9, 0), (b, 20, 0.9, 1), looks=0) for a, b in scene])
    assert without[-1].detections.tolist() == [1, 0]


def test_a_lost_person_is_found_again_by_looks_where_overlap_cannot() -> None:
    """Behind a pillar the person stopped: the filter expects somebody further on."""
    walk = [frame((10 + 4 * t, 20, 0.9, 0)) for t in range(10)] + [frame()] * 10
    back = [(46 - 6.0, 20.0, 0.9, 0)] * 2
    assert ids(run(FairMotTracker(), [*walk, *[frame(person) for person in back]]))[-1] == [1]
    stranger = [frame((left, top, score, 3)) for left, top, score, _ in back]
    assert ids(run(FairMotTracker(), [*walk, *stranger]))[-1] == [2]


@pytest.mark.parametrize(("missing", "expected"), [(1, 1), (7, 1), (8, 2)])
def test_a_lost_person_is_remembered_for_the_buffer(missing: int, expected: int) -> None:
    """One second at 7 frames per second."""
    person = (10.0, 20.0, 0.9, 0)
    scene = [frame(person)] * 3 + [frame()] * missing + [frame(person)] * 2
    shown = run(FairMotTracker(frame_rate=7), scene)
    assert ids(shown)[3 : 3 + missing] == [[]] * missing
    assert ids(shown)[-1] == [expected]


def test_a_lost_person_found_elsewhere_is_someone_else() -> None:
    scene = [frame((10, 20, 0.9, 0))] * 3 + [frame()] + [frame((600, 20, 0.9, 0))] * 2
    assert ids(run(FairMotTracker(), scene))[-1] == [2]


@pytest.mark.parametrize(("deviation", "expected"), [(kalman.GATE * 0.99, [1]), (kalman.GATE * 1.01, [])])
def test_the_gate_forbids_what_motion_makes_unlikely(deviation: float, expected: list[int]) -> None:
    """The same look, so far aside that overlap does not help and only the gate forbids it."""
    measured = np.array([[30.0, 70, 0.4, 100]])
    motion = kalman.predict(kalman.initiate(measured))
    per_pixel = kalman.squared_mahalanobis(motion, measured + np.array([1, 0, 0, 0]))[0, 0]
    tracker = FairMotTracker(TrackerConfig(match_thres=0))
    tracker.update(frame((10, 20, 0.9, 0)))
    assert tracker.update(frame((10 + np.sqrt(deviation / per_pixel), 20, 0.9, 0))).ids.tolist() == expected


def test_a_lost_person_who_walked_away_does_not_shrink_to_nothing() -> None:
    def standing(height: float) -> Detections:
        box = np.array([[300 - height / 5, 200 - height / 2, 300 + height / 5, 200 + height / 2]], np.float32)
        return Detections(boxes=box, scores=np.ones(1, np.float32), embeddings=np.ones((1, 1), np.float32))

    scene = [standing(300 - 10 * t) for t in range(21)] + [Detections.empty()] * 12 + [standing(95)]
    assert ids(run(FairMotTracker(), scene))[-1] == [1]


def test_one_odd_look_does_not_replace_the_appearance() -> None:
    scene = [frame((10, 20, 0.9, 0))] * 5 + [frame((10, 20, 0.9, 3))]
    tracks = run(FairMotTracker(), [*scene, frame((18, 20, 0.9, 0), (10, 20, 0.9, 3))])
    assert ids(tracks)[5:] == [[1], [1]]
    assert tracks[-1].detections.tolist() == [0]


def test_the_buffer_is_a_time() -> None:
    config = TrackerConfig(track_buffer=45)
    assert [config.lost_frames(rate) for rate in (7, 30, 60)] == [10, 45, 90]
    person = (10.0, 20.0, 0.9, 0)
    forgets = run(FairMotTracker(TrackerConfig(track_buffer=0)), [frame(person), frame(), frame(person), frame(person)])
    assert ids(forgets) == [[1], [], [], [2]]


def test_low_scores_keep_a_track_alive_but_start_none() -> None:
    scene = [frame((10, 20, 0.9, 0))] + [frame((10, 20, 0.25, 3), (300, 20, 0.25, 1))] * 50
    shown = run(FairMotTracker(), scene)
    assert ids(shown) == [[1]] * 51
    assert shown[-1].scores.tolist() == pytest.approx([0.25])


def test_low_scores_do_not_revive_a_lost_track() -> None:
    scene = [frame((10, 20, 0.9, 0)), frame(), frame((10, 20, 0.25, 0)), frame((10, 20, 0.9, 0))]
    assert ids(run(FairMotTracker(), scene)) == [[1], [], [], [1]]


def test_low_scores_do_not_change_the_appearance() -> None:
    """While somebody stands in front, then both part: the id stays with the look it had before."""
    hidden = [frame((10, 20, 0.25, 3))] * 30
    after = frame((10, 20, 0.9, 0), (18, 20, 0.9, 3))
    tracks = run(FairMotTracker(), [frame((10, 20, 0.9, 0)), *hidden, after])[-1]
    assert tracks.ids.tolist() == [1] and tracks.detections.tolist() == [0]


def test_scores_below_both_thresholds_are_nothing() -> None:
    scene = [frame((10, 20, 0.9, 0)), frame((10, 20, 0.19, 0))]
    assert ids(run(FairMotTracker(), scene)) == [[1], []]


@pytest.mark.parametrize(("score", "starts"), [(0.5, True), (0.49, False)])
def test_a_score_equal_to_the_threshold_passes(score: float, starts: bool) -> None:
    tracks = FairMotTracker(TrackerConfig(conf_thres=0.5)).update(frame((10, 20, score, 0)))
    assert len(tracks) == starts


def test_new_tracks_may_need_a_higher_score() -> None:
    tracker = FairMotTracker(TrackerConfig(conf_thres=0.7))
    assert ids(run(tracker, [frame((10, 20, 0.6, 0)), frame((10, 20, 0.8, 0)), frame((10, 20, 0.6, 0))])) == [
        [],
        [],
        [1],
    ]


def test_a_low_threshold_for_new_tracks_lowers_the_others() -> None:
    tracker = FairMotTracker(TrackerConfig(conf_thres=0.1))
    assert ids(run(tracker, [frame((10, 20, 0.15, 0)), frame((10, 20, 0.12, 0))])) == [[1], [1]]


def test_empty_frames() -> None:
    tracker = FairMotTracker()
    assert ids(run(tracker, [frame(), Detections.empty(), Detections.empty(64)])) == [[], [], []]
    assert ids(run(tracker, [frame((10, 20, 0.9, 0))] * 2 + [Detections.empty()] + [frame((10, 20, 0.9, 0))])) == [
        [],
        [1],
        [],
        [1],
    ]


def test_without_embeddings_overlap_decides() -> None:
    scene = [frame((10 + 4 * t, 20, 0.9, 0), (300 - 4 * t, 400, 0.9, 1), looks=0) for t in range(30)]
    shown = run(FairMotTracker(), [*scene, frame(looks=0), frame((130, 20, 0.9, 0), looks=0)])
    assert ids(shown[:30]) == [[1, 2]] * 30
    assert ids(shown[30:]) == [[], [1]]


def test_a_steady_walk_is_followed_closely() -> None:
    shown = run(FairMotTracker(), [frame((10 + 6 * t, 20 + 2 * t, 0.9, 0)) for t in range(40)])
    np.testing.assert_allclose(shown[-1].boxes[0], [10 + 6 * 39, 20 + 2 * 39, 50 + 6 * 39, 120 + 2 * 39], atol=0.1)


def test_a_double_of_a_lost_track_is_dropped() -> None:
    """The look changes so much that a new track starts on the old place: the older one keeps the person."""
    old, new = frame((10, 20, 0.9, 0)), frame((10, 20, 0.9, 1))
    tracker = FairMotTracker(TrackerConfig(match_thres=0))
    assert ids(run(tracker, [old] * 5 + [new] * 3 + [old])) == [[1]] * 5 + [[]] * 3 + [[1]]


@pytest.mark.parametrize(
    ("box", "shown"),
    [((0, 0, 40, 100), True), ((0, 0, 161, 100), False), ((0, 0, 9, 11), False), ((0, 0, 10, 11), True)],
    ids=["person", "wide", "small", "just large enough"],
)
def test_only_upright_boxes_of_some_size_are_shown(box: tuple[int, ...], shown: bool) -> None:
    found = Detections(
        boxes=np.array([box], np.float32), scores=np.ones(1, np.float32), embeddings=np.ones((1, 1), np.float32)
    )
    assert len(FairMotTracker().update(found)) == shown


def test_a_shrinking_box_never_turns_inside_out() -> None:
    tracker = FairMotTracker()
    for height in (2000, 1200, 500, 100, 12, 12, 12, 12):
        found = Detections(
            boxes=np.array([[0, 0, height / 2, height]], np.float32),
            scores=np.ones(1, np.float32),
            embeddings=np.ones((1, 1), np.float32),
        )
        boxes = tracker.update(found).boxes
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_trackers_share_nothing() -> None:
    scene = [frame((10 + 4 * t, 20, 0.9, 0), (300, 20, 0.9, 1)) for t in range(6)]
    alone = run(FairMotTracker(), scene)
    a, b = FairMotTracker(), FairMotTracker()
    for t, detections in enumerate(scene):
        assert_equal(a.update(detections), alone[t])
        if t >= 2:
            assert b.update(detections).ids.tolist() == [1, 2]


def random_scene(seed: int, frames: int, people: int) -> list[Detections]:
    """People who walk, vanish, come back, change score and look a little different in each frame."""
    rng = np.random.default_rng(seed)
    corner, speed = rng.uniform(0, 400, (people, 2)), rng.uniform(-6, 6, (people, 2))
    looks = rng.normal(size=(people, LOOKS))
    scene = []
    for _ in range(frames):
        corner += speed
        seen = rng.permutation(np.flatnonzero(rng.random(people) < 0.8))
        size = rng.uniform([30, 80], [50, 120], (len(seen), 2))
        look = looks[seen] + rng.normal(0, 0.3, (len(seen), LOOKS))
        scene.append(
            Detections(
                boxes=np.concatenate([corner[seen], corner[seen] + size], axis=1).astype(np.float32),
                scores=rng.random(len(seen)).astype(np.float32),
                embeddings=(look / np.linalg.norm(look, axis=1, keepdims=True)).astype(np.float32),
            )
        )
    return scene


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(0, 12), st.booleans())
def test_invariants_of_every_frame(seed: int, people: int, looks: bool) -> None:
    tracker, highest = FairMotTracker(frame_rate=5), 0
    for detections in random_scene(seed, 30, people):
        if not looks:
            detections = Detections(
                boxes=detections.boxes, scores=detections.scores, embeddings=detections.embeddings[:, :0]
            )
        tracks = tracker.update(detections)
        assert (np.diff(tracks.ids) > 0).all()
        assert len(set(tracks.detections.tolist())) == len(tracks)
        np.testing.assert_array_equal(tracks.scores, detections.scores[tracks.detections])
        assert np.isfinite(tracks.boxes).all() and (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
        highest = max([highest, *tracks.ids.tolist()])
    assert highest <= 30 * max(people, 1)


def test_the_order_of_detections_changes_only_their_index() -> None:
    rng = np.random.default_rng(1)
    a, b = FairMotTracker(), FairMotTracker()
    for detections in random_scene(7, 60, 15):
        order = rng.permutation(len(detections))
        straight, shuffled = a.update(detections), b.update(detections[order])
        np.testing.assert_array_equal(straight.ids, shuffled.ids)
        np.testing.assert_array_equal(straight.boxes, shuffled.boxes)
        np.testing.assert_array_equal(straight.detections, order[shuffled.detections])


def test_a_thousand_people() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(40) * 50, np.arange(25) * 120), axis=-1).reshape(-1, 2)
    looks = rng.normal(size=(1000, 64)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    tracker, rows = FairMotTracker(), []
    for t in range(3):
        corner = grid + 3 * t
        tracks = tracker.update(
            Detections(
                boxes=np.concatenate([corner, corner + np.array([40, 100])], axis=1).astype(np.float32),
                scores=np.full(1000, 0.9, np.float32),
                embeddings=looks,
            )
        )
        assert tracks.ids.tolist() == list(range(1, 1001))
        rows.append(tracks.detections.tolist())
    assert rows[0] == rows[1] == rows[2]


def test_memory_is_bounded() -> None:
    """Nothing that the tracker holds grows with the number of frames or of people seen."""
    tracker = FairMotTracker(frame_rate=5)
    for t in range(2000):
        place = 60.0 * (t // 4 % 40)
        tracker.update(frame((place, 200.0 * (t // 160 % 5), 0.9, t // 4 % LOOKS)))
        held = sum(getattr(tracker._tracks, field.name).nbytes for field in fields(tracker._tracks))
        assert held < 20_000
        assert len(tracker._tracks) <= 12


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0, 0, np.nan, 9], r"detection 1: box \[0\.0, 0\.0, nan, 9\.0\] is not finite"),
        ([0, 0, np.inf, 9], r"detection 1: box .* is not finite"),
        ([9, 0, 3, 9], r"detection 1: box \[9\.0, 0\.0, 3\.0, 9\.0\] is not left, top, right, bottom"),
        ([0, 9, 3, 3], r"detection 1: box .* is not left, top, right, bottom"),
    ],
)
def test_a_broken_box_is_refused_and_changes_nothing(box: list[float], message: str) -> None:
    tracker, good = FairMotTracker(), frame((10, 20, 0.9, 0), (300, 20, 0.9, 1))
    tracker.update(good)
    boxes = good.boxes.copy()
    boxes[1] = box
    with pytest.raises(ValueError, match=message):
        tracker.update(Detections(boxes=boxes, scores=good.scores, embeddings=good.embeddings))
    assert tracker.update(good).ids.tolist() == [1, 2]


def test_broken_scores_and_embeddings_are_refused() -> None:
    good = frame((10, 20, 0.9, 0))
    nan = np.full(1, np.nan, np.float32)
    with pytest.raises(TrackerError, match=r"detection 0: score \[nan\] is not finite"):
        FairMotTracker().update(Detections(boxes=good.boxes, scores=nan, embeddings=good.embeddings))
    with pytest.raises(TrackerError, match=r"detection 0: embedding \[nan\] is not finite"):
        FairMotTracker().update(Detections(boxes=good.boxes, scores=good.scores, embeddings=nan[:, None]))


def test_boxes_without_area_and_rows_that_do_not_count_are_ignored() -> None:
    boxes = np.array([[5, 5, 5, 50], [50, 50, 10, 10], [0, 0, 40, 100]], np.float32)
    found = Detections(
        boxes=boxes, scores=np.array([0.9, 0.01, 0.9], np.float32), embeddings=np.eye(3, dtype=np.float32)
    )
    assert FairMotTracker().update(found).detections.tolist() == [2]


def test_another_width_of_embeddings_is_refused() -> None:
    tracker = FairMotTracker()
    tracker.update(frame((10, 20, 0.9, 0)))
    with pytest.raises(TrackerError, match="embeddings have 4 numbers, those before had 8"):
        tracker.update(frame((10, 20, 0.9, 0), looks=4))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("conf_thres", 1.1), ("low_thres", -0.1), ("match_thres", np.nan), ("track_buffer", -1), ("high_thres", 2)],
)
def test_impossible_settings_are_refused(setting: str, value: float) -> None:
    with pytest.raises(TrackerError, match=f"{setting} is {value}"):
        TrackerConfig(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf])
def test_impossible_frame_rates_are_refused(rate: float) -> None:
    with pytest.raises(TrackerError, match="frame rate is"):
        FairMotTracker(frame_rate=rate)
