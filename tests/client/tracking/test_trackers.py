"""What every tracker promises, whatever its policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.tracking import TRACKERS, ByteConfig, OverlapReidConfig, State, TrackerConfig, TrackerError, tracker_config
from mot.detections import Detections
from tests.client.tracking.scenes import EMBEDDING_DIM, assert_equal, frame, ids, random_scene, run, without_embeddings

EVERY = pytest.mark.parametrize("name", TRACKERS)
NEEDING_EMBEDDINGS = ("fairmot", "fairmot_byte")


def plain_config(name: str) -> TrackerConfig:
    """A tracker's defaults, but only detections are shown, nobody before ``min_hits`` of them or after the buffer."""
    config = replace(tracker_config(name), coast=0, coast_still=0, coast_hidden=0)
    return replace(config, sure_margin=1, away_seconds=0) if isinstance(config, OverlapReidConfig) else config


@EVERY
def test_the_first_frame_counts_at_once(name: str) -> None:
    tracks = plain_config(name).tracker().update(frame((10, 20, 0.9, 0), (300, 20, 0.8, 1)))
    assert tracks.ids.tolist() == [1, 2]
    assert tracks.detections.tolist() == [0, 1]
    np.testing.assert_allclose(tracks.boxes, [[10, 20, 50, 120], [300, 20, 340, 120]], atol=1e-4)
    np.testing.assert_allclose(tracks.scores, [0.9, 0.8])
    assert tracks.states is not None and tracks.states.tolist() == [State.TRACKED] * 2
    assert tracks.classes is not None and tracks.classes.tolist() == [0, 0]
    assert (tracks.ids.dtype, tracks.boxes.dtype) == (np.int64, np.float32)
    assert (tracks.scores.dtype, tracks.detections.dtype) == (np.float32, np.int64)


@EVERY
def test_later_people_are_shown_when_seen_again(name: str) -> None:
    one, two = (10.0, 20.0, 0.9, 0), (300.0, 20.0, 0.9, 1)
    needed = plain_config(name).min_hits
    shown = run(plain_config(name).tracker(), [frame(one)] * 4 + [frame(one, two)] * 4)
    assert ids(shown) == [[1]] * (3 + needed) + [[1, 2]] * (5 - needed)


@EVERY
def test_a_ghost_of_one_frame_is_never_shown_and_takes_no_id(name: str) -> None:
    one, ghost, two = (10.0, 20.0, 0.9, 0), (500.0, 20.0, 0.9, 5), (300.0, 20.0, 0.9, 1)
    scene = [frame(one)] * 4 + [frame(one, ghost), frame(one)] + [frame(one, two)] * 4
    shown = ids(run(plain_config(name).tracker(), scene))
    assert shown[:7] == [[1]] * 7 and shown[-1] == [1, 2]


@EVERY
def test_two_people_who_cross_keep_their_ids(name: str) -> None:
    scene = [frame((10 + 8 * t, 20, 0.9, 0), (330 - 8 * t, 22, 0.9, 1)) for t in range(40)]
    for t, tracks in enumerate(run(plain_config(name).tracker(), scene)):
        assert tracks.ids.tolist() == [1, 2] and tracks.detections.tolist() == [0, 1], t


@EVERY
@pytest.mark.parametrize(("missing", "expected"), [(1, [1]), (7, [1]), (8, []), (30, [])])
@pytest.mark.parametrize("settings", [{}, {"buffer_seconds": 1}, {"track_buffer": 30, "coast": 0}])
def test_a_lost_person_is_remembered_for_the_buffer(
    name: str, missing: int, expected: list[int], settings: dict[str, float]
) -> None:
    """One second at 7 frames per second, which may also be given as times, of which some frames are missing."""
    person = (10.0, 20.0, 0.9, 0)
    config = replace(plain_config(name), **settings)
    shown = run(config.tracker(7), [frame(person)] * 5 + [frame()] * missing + [frame(person)])
    assert ids(shown)[5:] == [[]] * missing + [expected]
    skipping = config.tracker(7)
    for t in range(5):
        skipping.update(frame(person), time=100 + t / 7)
    shown = skipping.update(frame(person), time=100 + (5 + missing) / 7)
    assert 1 in shown.ids if expected else 1 not in shown.ids  # after a pause, overlap_reid shows others at once


@EVERY
def test_a_steady_walk_is_followed_closely(name: str) -> None:
    shown = run(plain_config(name).tracker(), [frame((10 + 6 * t, 20 + 2 * t, 0.9, 0)) for t in range(40)])
    np.testing.assert_allclose(shown[-1].boxes[0], [10 + 6 * 39, 20 + 2 * 39, 50 + 6 * 39, 120 + 2 * 39], atol=0.2)


@EVERY
def test_a_walk_with_gaps_is_followed_when_times_are_given(name: str) -> None:
    """Frames of a camera that drops many: the walk is as steady as the clock."""
    tracker = plain_config(name).tracker(30)
    rng, moment = np.random.default_rng(0), 0.0
    for t in range(40):
        tracks = tracker.update(frame((10 + 120 * moment, 20, 0.9, 0)), time=5 + moment)
        assert tracks.ids.tolist() == [1], t
        moment += float(rng.choice([1, 2, 3])) / 30 if t > 3 else 1 / 30


@EVERY
def test_classes_are_tracked_apart(name: str) -> None:
    """A car exactly where a person was is not that person."""
    one = frame((10, 20, 0.9, 0))
    person, car = (replace(one, classes=np.array([k])) for k in (3, 7))
    tracker = plain_config(name).tracker()
    assert ids(run(tracker, [person] * 4)) == [[1]] * 4
    shown = run(tracker, [car] * 4)
    assert shown[0].ids.tolist() == []
    assert shown[-1].ids.tolist() == [2]
    assert shown[-1].classes is not None and shown[-1].classes.tolist() == [7]


@EVERY
def test_empty_frames(name: str) -> None:
    tracker = plain_config(name).tracker()
    assert ids(run(tracker, [frame(), Detections.empty(), Detections.empty(64)])) == [[], [], []]
    person = frame((10, 20, 0.9, 0))
    assert ids(run(tracker, [person] * 4 + [Detections.empty(), person]))[-3:] == [[1], [], [1]]


@EVERY
def test_coasting_shows_the_lost_where_they_are_expected(name: str) -> None:
    tracker = replace(plain_config(name), coast=2 / 30).tracker()
    scene = [frame((10 + 6 * t, 20, 0.9, 0)) for t in range(20)]
    last = run(tracker, scene)[-1]
    shown = run(tracker, [frame()] * 3)
    assert ids(shown) == [[1], [1], []]
    for t, tracks in enumerate(shown[:2], start=20):
        assert tracks.states is not None and tracks.states.tolist() == [State.LOST]
        assert tracks.detections.tolist() == [-1] and tracks.scores.tolist() == last.scores.tolist()
        np.testing.assert_allclose(tracks.boxes[0], [10 + 6 * t, 20, 50 + 6 * t, 120], atol=1)


@EVERY
@pytest.mark.parametrize(("speed", "frames"), [(0.0, 4), (0.2, 4), (1.0, 1)])
@pytest.mark.parametrize("rate", [10, 30])
def test_coasting_shows_those_who_stood_for_longer(name: str, speed: float, frames: int, rate: float) -> None:
    """Speeds in widths per second; those who stand are slower than 0.4."""
    tracker = replace(plain_config(name), coast=1 / rate, coast_still=4 / rate).tracker(rate)
    run(tracker, [frame((10 + speed * 40 * t / rate, 20, 0.9, 0)) for t in range(40)])
    assert ids(run(tracker, [frame()] * 6)) == [[1]] * frames + [[]] * (6 - frames)


@EVERY
@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), people=st.integers(0, 12), embeddings=st.booleans(), coast=st.integers(0, 3))
def test_invariants_of_every_frame(name: str, seed: int, people: int, embeddings: bool, coast: int) -> None:
    config = replace(plain_config(name), coast=coast / 5)
    tracker, newest = config.tracker(5), 0
    for detections in random_scene(seed, 20, people):
        tracks = tracker.update(
            detections if embeddings or name in NEEDING_EMBEDDINGS else without_embeddings(detections)
        )
        assert (np.diff(tracks.ids) > 0).all()
        seen = tracks.detections >= 0
        assert len(set(tracks.detections[seen].tolist())) == seen.sum()
        np.testing.assert_array_equal(tracks.scores[seen], detections.scores[tracks.detections[seen]])
        np.testing.assert_array_equal(seen, tracks.states == State.TRACKED)
        assert coast or seen.all()
        assert np.isfinite(tracks.boxes).all() and (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
        # New ids continue the old ones: none is left out, and none comes back as somebody else's.
        begun = tracks.ids[tracks.ids > newest].tolist()
        assert begun == list(range(newest + 1, newest + 1 + len(begun)))
        newest += len(begun)


@EVERY
def test_ids_of_those_long_gone_are_never_used_again(name: str) -> None:
    """One after the other stands in the same place, each long after the last has been forgotten."""
    config, seen = replace(plain_config(name), track_buffer=2), list[int]()
    tracker = config.tracker(30)
    for who in range(5):
        seen += {number for shown in ids(run(tracker, [frame((10, 20, 0.9, who))] * 5)) for number in shown}
        run(tracker, [frame()] * 5)
    assert seen == [1, 2, 3, 4, 5]


@EVERY
@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), people=st.integers(0, 15), embeddings=st.booleans())
def test_the_order_of_detections_changes_only_their_index(name: str, seed: int, people: int, embeddings: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = (plain_config(name).tracker() for _ in range(2))
    for detections in random_scene(seed, 30, people):
        if not embeddings and name not in NEEDING_EMBEDDINGS:
            detections = without_embeddings(detections)
        order = rng.permutation(len(detections))
        straight, shuffled = a.update(detections), b.update(detections[order])
        np.testing.assert_array_equal(straight.ids, shuffled.ids)
        np.testing.assert_array_equal(straight.boxes, shuffled.boxes)
        np.testing.assert_array_equal(straight.detections, order[shuffled.detections])


@EVERY
def test_trackers_share_nothing(name: str) -> None:
    scene = [frame((10 + 4 * t, 20, 0.9, 0), (300, 20, 0.9, 1)) for t in range(6)]
    alone = run(plain_config(name).tracker(), scene)
    a, b = (plain_config(name).tracker() for _ in range(2))
    for t, detections in enumerate(scene):
        assert_equal(a.update(detections), alone[t])
        if t >= 2:
            assert b.update(detections).ids.tolist() == [1, 2]


@EVERY
def test_a_thousand_people(name: str) -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(40) * 50, np.arange(25) * 120), axis=-1).reshape(-1, 2)
    embeddings = rng.normal(size=(1000, 64)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    tracker, rows = plain_config(name).tracker(), []
    for t in range(3):
        corner = grid + 3 * t
        tracks = tracker.update(
            Detections(
                boxes=np.concatenate([corner, corner + np.array([40, 100])], axis=1).astype(np.float32),
                scores=np.full(1000, 0.9, np.float32),
                embeddings=embeddings,
            )
        )
        assert tracks.ids.tolist() == list(range(1, 1001))
        rows.append(tracks.detections.tolist())
    assert rows[0] == rows[1] == rows[2]


@EVERY
def test_memory_is_bounded(name: str) -> None:
    """Nothing that the tracker holds grows with the number of frames or of people seen."""
    tracker = plain_config(name).tracker(5)
    table = tracker._table  # type: ignore[attr-defined]
    for t in range(1500):
        place = 60.0 * (t // 4 % 40)
        tracker.update(frame((place, 200.0 * (t // 160 % 5), 0.9, t // 4 % EMBEDDING_DIM)))
        assert len(table.tracks) <= 12
    arrays = [value for value in vars(table).values() if isinstance(value, np.ndarray) and value.base is None]
    assert sum(array.nbytes for array in arrays) < 100_000


@EVERY
@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0, 0, np.nan, 9], r"detection 1: box \[0\.0, 0\.0, nan, 9\.0\] is not finite"),
        ([0, 0, np.inf, 9], r"detection 1: box .* is not finite"),
        ([9, 0, 3, 9], r"detection 1: box \[9\.0, 0\.0, 3\.0, 9\.0\] is not left, top, right, bottom"),
        ([0, 9, 3, 3], r"detection 1: box .* is not left, top, right, bottom"),
    ],
)
def test_a_broken_box_is_refused_and_changes_nothing(name: str, box: list[float], message: str) -> None:
    tracker, good = plain_config(name).tracker(), frame((10, 20, 0.9, 0), (300, 20, 0.9, 1))
    tracker.update(good)
    boxes = good.boxes.copy()
    boxes[1] = box
    with pytest.raises(ValueError, match=message):
        tracker.update(replace(good, boxes=boxes))
    assert tracker.update(good).ids.tolist() == [1, 2]


@EVERY
def test_broken_scores_are_refused(name: str) -> None:
    good, nan = frame((10, 20, 0.9, 0)), np.full(1, np.nan, np.float32)
    with pytest.raises(TrackerError, match=r"detection 0: score \[nan\] is not finite"):
        plain_config(name).tracker().update(replace(good, scores=nan))


@pytest.mark.parametrize("name", ["overlap_reid", "fairmot", "botsort"])
def test_broken_embeddings_are_refused(name: str) -> None:
    good, nan = frame((10, 20, 0.9, 0)), np.full(1, np.nan, np.float32)
    with pytest.raises(TrackerError, match=r"detection 0: embedding \[nan\] is not finite"):
        plain_config(name).tracker().update(replace(good, embeddings=nan[:, None]))
    tracker = plain_config(name).tracker()
    tracker.update(good)
    with pytest.raises(TrackerError, match="embeddings have 4 numbers, those before had 8"):
        tracker.update(frame((10, 20, 0.9, 0), embedding_dim=4))
    assert tracker.update(good).ids.tolist() == [1]


@EVERY
def test_boxes_without_area_and_rows_that_do_not_count_are_ignored(name: str) -> None:
    boxes = np.array([[5, 5, 5, 50], [50, 50, 10, 10], [0, 0, 40, 100]], np.float32)
    scores = np.array([0.9, 0.01, 0.9], np.float32)
    found = Detections(boxes=boxes, scores=scores, embeddings=np.eye(3, dtype=np.float32))
    assert plain_config(name).tracker().update(found).detections.tolist() == [2]


@EVERY
@pytest.mark.parametrize(
    ("box", "shown"),
    [((0, 0, 40, 100), True), ((0, 0, 161, 100), False), ((0, 0, 9, 11), False), ((0, 0, 10, 11), True)],
    ids=["person", "wide", "small", "just large enough"],
)
def test_only_upright_boxes_of_some_size_are_shown(name: str, box: tuple[int, ...], shown: bool) -> None:
    found = frame((0, 0, 1, 0))
    assert len(plain_config(name).tracker().update(replace(found, boxes=np.array([box], np.float32)))) == shown


@EVERY
def test_a_shrinking_box_never_turns_inside_out(name: str) -> None:
    tracker = replace(plain_config(name), coast=5 / 30).tracker()
    for height in (2000, 1200, 500, 100, 12, 12, 12, 12):
        box = np.array([[0, 0, height / 2, height]], np.float32)
        boxes = tracker.update(replace(frame((0, 0, 1, 0)), boxes=box)).boxes
        assert (boxes[:, 2:] > boxes[:, :2]).all()


@EVERY
@pytest.mark.parametrize("conf_thres", [0.25, 0.7, 0.9])
def test_a_score_equal_to_the_threshold_passes(name: str, conf_thres: float) -> None:
    tracker = tracker_config(name, [f"conf_thres={conf_thres}"]).tracker
    assert len(tracker().update(frame((10, 20, conf_thres, 0)))) == 1
    assert len(tracker().update(frame((10, 20, conf_thres - 0.01, 0)))) == 0


def test_time_must_not_run_back() -> None:
    tracker, person = ByteConfig().tracker(), frame((10, 20, 0.9, 0))
    tracker.update(person, time=2)
    with pytest.raises(TrackerError, match=r"time 1 s does not follow 2 s"):
        tracker.update(person, time=1)
    with pytest.raises(TrackerError, match="time nan"):
        tracker.update(person, time=np.nan)
    assert tracker.update(person, time=2).ids.tolist() == [1]
    with pytest.raises(TrackerError, match="time nan"):
        ByteConfig().tracker().update(person, time=np.nan)


def test_times_rounded_to_milliseconds_are_whole_frames() -> None:
    a, b = (ByteConfig().tracker(29.97) for _ in range(2))
    for t, detections in enumerate(random_scene(3, 30, 10)):
        assert_equal(a.update(detections), b.update(detections, time=round(t / 29.97, 3)))


def test_arrays_of_any_kind_are_taken() -> None:
    """Read-only, strided and of other types, as a decoder or a server may give them; none is written to."""
    scene = random_scene(5, 20, 8)
    plain, odd = (tracker_config().tracker() for _ in range(2))
    for detections in scene:
        boxes = np.repeat(detections.boxes.astype(np.float64), 2, axis=0)[::2]
        scores = detections.scores.copy()
        assert detections.embeddings is not None
        embeddings = np.asfortranarray(detections.embeddings)
        for array in (boxes, scores, embeddings):
            array.flags.writeable = False
        assert_equal(
            plain.update(detections), odd.update(Detections(boxes=boxes, scores=scores, embeddings=embeddings))
        )


@EVERY
@pytest.mark.parametrize(
    ("setting", "value"),
    [("conf_thres", 1.1), ("low_thres", -0.1), ("track_buffer", -1), ("min_hits", 0), ("buffer_seconds", np.inf)],
)
def test_impossible_settings_are_refused(name: str, setting: str, value: float) -> None:
    with pytest.raises(TrackerError, match=f"{setting} is {value}"):
        replace(plain_config(name), **{setting: value})


@EVERY
@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf])
def test_impossible_frame_rates_are_refused(name: str, rate: float) -> None:
    with pytest.raises(TrackerError, match="frame rate is"):
        plain_config(name).tracker(rate)


@pytest.mark.parametrize("name", NEEDING_EMBEDDINGS)
def test_fairmot_needs_embeddings(name: str) -> None:
    with pytest.raises(TrackerError, match="needs embeddings"):
        plain_config(name).tracker().update(frame((10, 20, 0.9, 0), embedding_dim=0))


@EVERY
def test_an_image_source_that_stops_giving_embeddings_is_refused(name: str) -> None:
    """Trackers that use none go on; the others say what is wrong, and are then as before."""
    tracker, person = plain_config(name).tracker(), frame((10, 20, 0.9, 0))
    tracker.update(person)
    if name in ("byte", "ocsort"):
        assert tracker.update(without_embeddings(person)).ids.tolist() == [1]
        return
    with pytest.raises(TrackerError, match=r"embeddings have 0 numbers, those before had 8|needs embeddings"):
        tracker.update(without_embeddings(person))
    assert tracker.update(person).ids.tolist() == [1]
