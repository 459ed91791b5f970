"""client.evaluation.mistakes: the events of each frame against TrackEval's own counts, and against known scenes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.evaluation.mistakes import Mistakes, per_frame
from client.evaluation.scoring import Benchmark, score_pairs
from mot.sequence import MotRows
from tests.client.evaluation.scenes import people, save, synthetic


def crowd(seed: int, frames: int = 60) -> tuple[MotRows, MotRows]:
    """People so close that matches are contested, and frames without labels or without results."""
    truth, found = (replace(rows, boxes=rows.boxes / [12, 12, 1, 1]) for rows in synthetic(seed, 20, frames))
    found = replace(found, boxes=found.boxes + np.random.default_rng(seed).normal(0, [8, 8, 1, 1], found.boxes.shape))
    truth = replace(truth, scores=np.ones(len(truth)), classes=np.ones(len(truth), np.int64))
    return truth[truth.frames % 11 != 0], found[found.frames % 7 != 0]


def mistakes_of(folder: Path, truth: MotRows, found: MotRows) -> Mistakes:
    return score_pairs([save(folder, "A", truth, found)]).mistakes["A"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("benchmark", ["MOT15", "MOT17", "MOT20"])
def test_sums_are_the_counts_of_trackeval(tmp_path: Path, seed: int, benchmark: Benchmark) -> None:
    evaluation = score_pairs([save(tmp_path, "A", *crowd(seed)), save(tmp_path, "B", *synthetic(seed))], benchmark)
    for score in evaluation.sequences:
        mistakes = evaluation.mistakes[score.name]
        assert len(mistakes.missed) == score["FN"]
        assert len(mistakes.false) == score["FP"]
        assert len(mistakes.switched) == score["ID Sw."]
    assert evaluation.combined["ID Sw."] > 20  # so that the scenes try something


def test_events_are_where_they_happen(tmp_path: Path) -> None:
    truth = people({5: [1, 2, 3, 4, 5, 6], 9: [3, 4, 5]})
    # 5 is track 1, missed in 3, then track 2; 9 is seen once, and somebody is invented twice.
    found = people({5: [1, 2, 4, 5, 6], 9: [4], 30: [2, 6]})
    found = replace(found, ids=np.where((found.frames > 3) & (found.ids == 5), 2, found.ids))
    mistakes = mistakes_of(tmp_path, truth, found)
    assert (mistakes.first, mistakes.last) == (1, 6)
    assert mistakes.missed.tolist() == [[3, 5], [3, 9], [5, 9]]
    assert mistakes.switched.tolist() == [[4, 5]]
    assert mistakes.false.tolist() == [2, 6]
    assert per_frame(mistakes.missed[:, 0], 1, 6).tolist() == [0, 0, 2, 0, 1, 0]


def test_a_kept_pair_comes_before_a_better_overlap(tmp_path: Path) -> None:
    truth = people({1: [1, 2]})
    better = replace(truth[1:], ids=np.array([8]))
    worse = replace(truth, ids=np.array([7, 7]), boxes=truth.boxes + np.array([8.0, 0, 0, 0]))  # IoU 2/3
    rows = MotRows(**{name: np.concatenate([getattr(worse, name), getattr(better, name)]) for name in vars(worse)})
    mistakes = mistakes_of(tmp_path, truth, rows)
    assert (len(mistakes.switched), mistakes.false.tolist(), len(mistakes.missed)) == (0, [2], 0)


def test_frames_and_people_keep_their_numbers(tmp_path: Path) -> None:
    truth = people({41: [11, 12], 1000: [11, 12], 7: [1]})
    pair = replace(save(tmp_path, "A", truth, people({41: [12]})), first=11, last=14)
    mistakes = score_pairs([pair]).mistakes["A"]
    assert mistakes.missed.tolist() == [[11, 41], [11, 1000], [12, 1000]]
    assert (mistakes.first, mistakes.last) == (11, 14)


def test_no_result_misses_everybody_and_none_is_false(tmp_path: Path) -> None:
    truth = people({1: [1, 2], 3: [2]})
    empty = mistakes_of(tmp_path, truth, people({}))
    assert empty.missed.tolist() == [[1, 1], [2, 1], [2, 3]]
    assert empty.switched.shape == (0, 2) and empty.false.shape == (0,)
    perfect = mistakes_of(tmp_path, truth, truth)
    assert len(perfect.missed) == len(perfect.switched) == len(perfect.false) == 0


def test_unmarked_people_are_not_missed(tmp_path: Path) -> None:
    truth = people({1: [1], 2: [1], 3: [1]})
    truth = replace(truth, scores=np.array([1.0, 0, 1]), classes=np.array([7, 1, 1]))
    assert mistakes_of(tmp_path, truth, people({9: [1]})).missed.tolist() == [[1, 3]]
