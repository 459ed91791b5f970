from __future__ import annotations

import numpy as np

from training.data.labels import IGNORE, PERSON, Labels
from training.prepare.pseudo import label_rows
from training.prepare.unlabelled_people import whole_only, with_regions

WIDTH, HEIGHT = 200, 100


def rows(*boxes: tuple[float, float, float, float], person: bool = True) -> Labels:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return label_rows(array, np.full(len(array), PERSON if person else IGNORE), WIDTH, HEIGHT)


def test_whom_the_labels_leave_out_becomes_a_region() -> None:
    labels = rows((10, 10, 30, 70))
    labels[0, 1] = 7
    seen = rows((11, 12, 29, 70), (12, 12, 22, 32), (100, 20, 120, 80))  # the same, a part, somebody else
    found = with_regions(labels, seen, WIDTH, HEIGHT)
    assert found[:, :2].tolist() == [[PERSON, 7], [IGNORE, -1]]
    np.testing.assert_allclose(found[1, 2:], seen[2, 2:])
    assert seen[2, 0] == PERSON, "what was seen stays as it was"


def test_nothing_seen_or_nobody_labelled() -> None:
    labels, nobody = rows((10, 10, 30, 70)), rows()
    np.testing.assert_array_equal(with_regions(labels, nobody, WIDTH, HEIGHT), labels)
    assert with_regions(nobody, labels, WIDTH, HEIGHT)[:, 0].tolist() == [IGNORE]


def test_cut_people_become_regions_and_whole_ones_stay() -> None:
    found = whole_only(rows((10, 10, 30, 70), (60, 40, 90, 80)), WIDTH, HEIGHT)
    assert found[:, 0].tolist() == [PERSON, IGNORE]
