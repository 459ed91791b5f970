"""People pasted from one image into another."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.augment import Labelled
from training.data.labels import IGNORE, PERSON
from training.data.paste import HIDDEN, MOST, covered, paste, whole_people


def scene(boxes: list[tuple[int, int, int, int]], *, value: int = 50, classes: list[int] | None = None) -> Labelled:
    return Labelled(
        image=np.full((240, 320, 3), value, np.uint8),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes if classes is not None else [PERSON] * len(boxes), np.int64),
        identities=np.arange(10, 10 + len(boxes)),
    )


DONOR = scene([(20, 60, 60, 180), (100, 60, 140, 180), (180, 60, 220, 180), (250, 60, 290, 180)], value=200)


def test_pasted_people_come_with_box_identity_and_pixels() -> None:
    into = scene([(100, 50, 150, 200)])
    out = paste(np.random.default_rng(0), into, DONOR)
    new = slice(1, None)
    assert 1 <= len(out.boxes[new]) <= MOST
    assert set(out.identities[new]) <= set(DONOR.identities)
    assert len(set(out.identities)) == len(out.identities)
    for x1, y1, x2, y2 in out.boxes[new].astype(int):
        assert out.image[(y1 + y2) // 2, (x1 + x2) // 2, 0] == 200  # opaque in the middle
        assert out.image[y1, x1, 0] == 50  # and gone at the corner
    assert 0.7 * 150 <= (out.boxes[1, 3] - out.boxes[1, 1]) <= 1.35 * 150  # as tall as who stands there


def test_the_sources_stay_as_they_are() -> None:
    into = scene([(100, 50, 150, 200)])
    paste(np.random.default_rng(0), into, DONOR)
    assert (into.image == 50).all()
    assert (DONOR.image == 200).all()
    assert (into.classes == PERSON).all()


def test_the_same_generator_gives_the_same_image() -> None:
    into = scene([(100, 50, 150, 200)])
    one, two = (paste(np.random.default_rng(7), into, DONOR) for _ in range(2))
    assert (one.image == two.image).all()
    assert (one.boxes == two.boxes).all()


def test_boxes_stay_inside_the_image_whatever_the_draw() -> None:
    into = scene([(-40, 100, 60, 300), (300, 10, 330, 60)])
    for seed in range(50):
        new = paste(np.random.default_rng(seed), into, DONOR).boxes[2:]
        assert (new[:, :2] >= 0).all()
        assert (new[:, 2:] <= (320, 240)).all()


def test_whoever_is_hidden_is_ignored_and_everybody_else_is_not() -> None:
    hidden = 0
    for seed in range(100):
        into = scene([(100, 100, 110, 125), (104, 90, 124, 140)])
        out = paste(np.random.default_rng(seed), into, DONOR)
        # The last word has whoever was pasted last: nobody stands before them.
        assert out.classes[-1] == PERSON
        for row in range(len(out.boxes)):
            shares = [covered(out.boxes[row : row + 1], later)[0] for later in out.boxes[max(row + 1, 2) :]]
            expected = IGNORE if max(shares, default=0) > HIDDEN else PERSON
            assert out.classes[row] == expected
            hidden += expected == IGNORE
    assert hidden > 0


def test_into_an_empty_image() -> None:
    out = paste(np.random.default_rng(0), scene([]), DONOR)
    assert len(out.boxes) >= 1
    assert (out.classes == PERSON).all()


def test_a_donor_without_people_gives_nothing() -> None:
    into = scene([(100, 50, 150, 200)])
    assert paste(np.random.default_rng(0), into, scene([])) is into


@pytest.mark.parametrize(
    ("boxes", "classes", "expected"),
    [
        ([(20, 60, 60, 180)], None, [0]),
        ([(-1, 60, 39, 180)], None, []),  # cut by the border
        ([(20, 60, 32, 90)], None, []),  # too small
        ([(20, 60, 140, 180)], None, []),  # as wide as tall
        ([(20, 60, 40, 180)], None, []),  # too thin
        ([(20, 60, 60, 180)], [IGNORE], []),
        ([(20, 60, 60, 180), (40, 60, 80, 180)], None, []),  # one behind the other
        ([(20, 60, 60, 180), (30, 80, 40, 100)], None, []),  # a small one in front, who covers little
        ([(20, 60, 60, 180), (58, 60, 98, 180)], None, [0, 1]),  # they just touch
    ],
)
def test_who_can_be_cut_out(
    boxes: list[tuple[int, int, int, int]], classes: list[int] | None, expected: list[int]
) -> None:
    assert whole_people(scene(boxes, classes=classes)).tolist() == expected
