"""client.evaluation.errors: each cause on a scene that has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from client.evaluation.errors import CAUSES, RECENT, Errors, join
from client.evaluation.scoring import score_pairs
from mot.sequence import MotRows
from tests.client.evaluation.scenes import people, save, synthetic

FRAMES = list(range(1, 11))
# People stand 200 px apart, 40x100 px, the first with its corner at (200, 50).


def errors_of(folder: Path, truth: MotRows, found: MotRows) -> Errors:
    return score_pairs([save(folder, "A", truth, found)]).errors["A"]


def counts(errors: Errors) -> dict[str, int]:
    return {cause: errors.count(cause) for cause in CAUSES if errors.count(cause)}


def with_boxes(rows: MotRows, boxes: dict[int, npt.ArrayLike], track: int = 9) -> MotRows:
    """The rows, and one more of ``track`` in each of some frames."""
    added = people({1: list(boxes)}, {1: track})
    added = replace(added, boxes=np.array(list(boxes.values()), float))
    return MotRows(**{name: np.concatenate([getattr(rows, name), getattr(added, name)]) for name in vars(rows)})


@pytest.mark.parametrize("seed", range(4))
def test_causes_are_clears_counts(tmp_path: Path, seed: int) -> None:
    evaluation = score_pairs([save(tmp_path, "A", *synthetic(seed)), save(tmp_path, "B", *synthetic(seed + 9))])
    for score in (*evaluation.sequences, evaluation.combined):
        errors = evaluation.errors.get(score.name) or join(list(evaluation.errors.values()))
        assert errors.count("miss") == score["FN"]
        assert errors.count("exchange") == score["ID Sw."]
        false = sum(errors.count(cause) for cause in ("double", "half a body", "coasted box", "false person"))
        assert false == score["FP"]
        for cause in CAUSES:
            assert sum(errors.by_height(cause)) == errors.count(cause)


def test_a_perfect_result_has_none(tmp_path: Path) -> None:
    truth = people({1: FRAMES, 2: FRAMES})
    errors = errors_of(tmp_path, truth, truth)
    assert counts(errors) == {}
    assert errors.labels_by_height() == [0, 0, 20, 0, 0]


def test_misses_and_an_exchange(tmp_path: Path) -> None:
    truth = people({1: FRAMES, 2: FRAMES})
    found = people({1: FRAMES, 2: FRAMES[:4] + FRAMES[6:]})
    found = replace(found, ids=np.where((found.ids == 2) & (found.frames > 5), 7, found.ids))
    assert counts(errors_of(tmp_path, truth, found)) == {"miss": 2, "exchange": 1}


@pytest.mark.parametrize(
    ("box", "cause"),
    [
        ((205, 50, 40, 100), "double"),
        ((200, 50, 40, 52), "double"),
        ((200, 50, 40, 45), "half a body"),
        ((205, 100, 30, 50), "half a body"),
        ((215, 60, 10, 20), "half a body"),
        ((225, 100, 40, 100), "false person"),
        ((1500, 50, 40, 100), "false person"),
        ((210, 60, 0, 20), "false person"),
    ],
    ids=["beside", "the larger half", "upper half", "legs", "head", "a quarter over", "far away", "no area"],
)
def test_false_boxes_by_where_they_are(tmp_path: Path, box: tuple[float, ...], cause: str) -> None:
    truth = people({1: FRAMES})
    assert counts(errors_of(tmp_path, truth, with_boxes(truth, {5: box}))) == {cause: 1}


def test_two_boxes_on_each_other_beside_a_person_are_a_double(tmp_path: Path) -> None:
    """The first still matches (IoU 0.54), the second no longer (0.43), but lies on the first."""
    truth = people({1: FRAMES})
    found = replace(truth, boxes=truth.boxes + np.array([12.0, 0, 0, 0]))
    assert counts(errors_of(tmp_path, truth, with_boxes(found, {5: (216, 50, 40, 100)}))) == {"double": 1}


def test_half_a_body_of_somebody_missed(tmp_path: Path) -> None:
    truth = people({1: FRAMES})
    found = with_boxes(truth[:0], dict.fromkeys(FRAMES, (200, 50, 40, 45)))
    assert counts(errors_of(tmp_path, truth, found)) == {"miss": 10, "half a body": 10}


@pytest.mark.parametrize(("gap", "cause"), [(1, "coasted box"), (RECENT, "coasted box"), (RECENT + 1, "false person")])
def test_a_box_behind_somebody_who_has_left(tmp_path: Path, gap: int, cause: str) -> None:
    truth = people({1: FRAMES, 2: [*FRAMES, 60]})
    found = with_boxes(truth, {10 + gap: (900, 50, 40, 100)}, track=1)
    assert counts(errors_of(tmp_path, truth, found)) == {cause: 1}


def test_sizes_and_visible_parts_are_those_of_the_label(tmp_path: Path) -> None:
    truth = people({1: FRAMES, 2: FRAMES})
    tall = truth.ids == 2
    truth = replace(
        truth,
        boxes=np.where(tall[:, None], truth.boxes * np.array([1, 1, 4, 4]), truth.boxes),
        visibilities=np.where(tall, 0.1, 0.8),
    )
    found = with_boxes(truth[~tall], {3: (1500, 50, 8, 20), 4: (205, 50, 40, 100)})
    errors = errors_of(tmp_path, truth, found)
    assert counts(errors) == {"miss": 10, "double": 1, "false person": 1}
    assert errors.by_height("miss") == [0, 0, 0, 0, 10] and errors.by_visibility("miss") == [10, 0, 0]
    assert errors.by_height("double") == [0, 0, 1, 0, 0] and errors.by_visibility("double") == [0, 0, 1]
    assert errors.by_height("false person") == [1, 0, 0, 0, 0] and errors.by_visibility("false person") == [0, 0, 0]
    assert errors.labels_by_visibility() == [10, 0, 10]
    document = errors.document()
    assert document["causes"]["miss"] == document["height"]["miss"][4] == document["visibility"]["miss"][0] == 10
    assert document["height"]["from_pixels"][4] == 320


def test_no_result_and_no_error_are_empty(tmp_path: Path) -> None:
    truth = people({1: [1, 3]})
    assert counts(errors_of(tmp_path, truth, truth[:0])) == {"miss": 2}
    assert errors_of(tmp_path, truth, truth).by_visibility("miss") == [0, 0, 0]
