"""client.evaluation.plots: what the figures show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from client.evaluation.measures import ALPHAS, Evaluation
from client.evaluation.plots import draw_figures
from client.evaluation.scoring import score_pairs
from tests.client.evaluation.scenes import people, save, synthetic


@pytest.fixture
def two(tmp_path: Path) -> Evaluation:
    return score_pairs([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate("AB")])


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]


def test_hota_over_alpha_shows_every_sequence_and_all_together(two: Evaluation) -> None:
    figure = draw_figures({"out": two})["alpha"]
    assert titles(figure) == ["HOTA, %", "DetA, %", "AssA, %"]
    for axes, name in zip(figure.axes, ("HOTA", "DetA", "AssA"), strict=True):
        lines = axes.get_lines()
        assert [line.get_label() for line in lines] == ["A", "B", f"out: {two.combined[name]:.1f}"]
        for line, score in zip(lines, (*two.sequences, two.combined), strict=True):
            assert line.get_xydata() == pytest.approx(np.column_stack([ALPHAS, score.curves[name]]))


def test_two_results_are_drawn_as_two_lines(two: Evaluation) -> None:
    figure = draw_figures({"new": two, "old": two})["alpha"]
    lines = figure.axes[0].get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "--"]
    assert [str(line.get_label()).split(":")[0] for line in lines] == ["new", "old"]


def test_bars_are_the_scores(two: Evaluation) -> None:
    figure = draw_figures({"new": two, "old": two})["sequences"]
    for axes, measure in zip(figure.axes, ("HOTA", "MOTA", "IDF1"), strict=True):
        heights = [patch.get_height() for patch in axes.patches]
        assert heights == 2 * [score[measure] for score in (*two.sequences, two.combined)]
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["A", "B", "COMBINED"]


def test_timeline_marks_where_it_fails(tmp_path: Path) -> None:
    truth = people({1: list(range(1, 10))})
    found = people({1: [1, 2, 5], 2: [6, 7], 3: [9]})
    found.boxes[found.ids == 2] = [200, 50, 40, 100]  # person 1 as another track from frame 6 on
    evaluation = score_pairs([save(tmp_path, "A", truth, found)])
    figure = draw_figures({"out": evaluation})["timeline"]
    assert titles(figure) == ["A"]
    missed, false = (patch.get_data() for patch in figure.axes[0].patches)
    assert missed.values.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1]
    assert false.values.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, -1]
    assert missed.edges.tolist() == false.edges.tolist() == [frame - 0.5 for frame in range(1, 11)]
    (switches,) = figure.axes[0].collections
    assert [segment[0][0] for segment in switches.get_segments()] == [6]


def test_timeline_has_a_row_for_each_sequence_and_result(two: Evaluation) -> None:
    figure = draw_figures({"new": two, "old": two})["timeline"]
    assert titles(figure) == ["A, new", "A, old", "B, new", "B, old"]


def test_one_perfect_sequence_can_be_drawn(tmp_path: Path) -> None:
    truth = people({1: [1]})
    figures = draw_figures({"out": score_pairs([save(tmp_path, "A", truth, truth)])})
    assert [label.get_text() for label in figures["sequences"].axes[-1].get_xticklabels()] == ["A"]
    for figure in figures.values():
        figure.canvas.draw()
