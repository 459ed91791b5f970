from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from mot.geometry import PAD_VALUE
from training.data.augment import (
    AugmentConfig,
    Labelled,
    fit_matrix,
    keep_visible,
    mosaic,
    random_matrix,
    recolour,
    single,
    warp,
)
from training.data.labels import IGNORE, PERSON

STILL = AugmentConfig(rotate=0, scale=(1, 1), translate=0, shear=0, flip=0, saturation=(1, 1), value=(1, 1))
Matrix = npt.NDArray[np.float64]


def bright(width: int = 120, height: int = 80, box: tuple[int, int, int, int] = (30, 20, 60, 70)) -> Labelled:
    """A red rectangle on black, and its box."""
    image = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2, 0] = 255
    return labelled(image, [box])


def labelled(image: npt.NDArray[np.uint8], boxes: list[tuple[int, int, int, int]]) -> Labelled:
    count = len(boxes)
    return Labelled(
        image=image,
        boxes=np.array(boxes, np.float32).reshape(count, 4),
        classes=np.full(count, PERSON),
        identities=np.arange(count),
    )


def bounds(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """x1, y1, x2, y2 of what is red; a pixel that is half red counts half, so bounds are to a fraction."""
    light = (image[..., 0].astype(float) - image[..., 1]) / 255  # 0 for black and for the grey of the padding
    columns, rows = light.max(axis=0), light.max(axis=1)
    x, y = np.flatnonzero(columns > 0), np.flatnonzero(rows > 0)
    return np.array(
        [
            x[0] + 1 - columns[x[0]],
            y[0] + 1 - rows[y[0]],
            x[-1] + columns[x[-1]],
            y[-1] + rows[y[-1]],
        ]
    )


def scale_and_shift(sx: float, sy: float, x: float, y: float) -> Matrix:
    return np.array([[sx, 0, x], [0, sy, y], [0, 0, 1.0]])


MATRICES = {
    "as it is": np.eye(3),
    "shifted": scale_and_shift(1, 1, 5, -7),
    "shifted by a fraction": scale_and_shift(1, 1, 5.25, 3.5),
    "enlarged": scale_and_shift(1.5, 1.2, -20, 4),
    "reduced": scale_and_shift(0.75, 0.5, 10, 10),
    "flipped": scale_and_shift(-1, 1, 120, 0),
    "flipped and enlarged": scale_and_shift(-1.25, 1.25, 140, -10),
}


@pytest.mark.parametrize("name", MATRICES)
def test_box_and_pixels_agree(name: str) -> None:
    out = warp(bright(), MATRICES[name], 120, 80)
    np.testing.assert_allclose(out.boxes[0].clip(0, [120, 80, 120, 80]), bounds(out.image), atol=0.51)


def test_quarter_turn() -> None:
    """(x, y) -> (80 - y, x)."""
    out = warp(bright(), np.array([[0, -1, 80], [1, 0, 0], [0, 0, 1.0]]), 80, 120)
    np.testing.assert_allclose(out.boxes[0], [10, 30, 60, 60], atol=1e-4)
    np.testing.assert_allclose(bounds(out.image), out.boxes[0], atol=0.1)


def test_a_turned_box_is_the_hull_shrunk_as_fairmot_does() -> None:
    angle = np.radians(5)
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    out = warp(bright(), turn, 120, 80)
    hull = bounds(out.image)
    size, hull_size = out.boxes[0, 2:] - out.boxes[0, :2], hull[2:] - hull[:2]
    np.testing.assert_allclose(size, hull_size * np.sqrt(np.cos(angle)), atol=1.2)
    np.testing.assert_allclose(out.boxes[0, 2:] + out.boxes[0, :2], hull[2:] + hull[:2], atol=1.2)


def test_flip_mirrors_boxes_and_pixels_exactly() -> None:
    source = bright()
    matrix = random_matrix(np.random.default_rng(0), AugmentConfig(**{**vars(STILL), "flip": 1.0}), 120, 80)
    out = warp(source, matrix, 120, 80)
    np.testing.assert_array_equal(out.image, source.image[:, ::-1])
    np.testing.assert_allclose(out.boxes, [[60, 20, 90, 70]], atol=1e-4)


def test_outside_is_padding() -> None:
    out = warp(bright(), scale_and_shift(1, 1, 50, 0), 120, 80)
    assert (out.image[:, :50] == PAD_VALUE).all()


@pytest.mark.parametrize("size", [(120, 80), (80, 120), (60, 40), (500, 20)], ids=str)
def test_fit_matrix_is_a_letterbox(size: tuple[int, int]) -> None:
    corners = fit_matrix(size, 120, 80) @ np.array([[0, size[0]], [0, size[1]], [1, 1]])
    low, high = corners[:2].T
    ratio = min(120 / size[0], 80 / size[1])
    np.testing.assert_allclose(high - low, [ratio * size[0], ratio * size[1]])
    np.testing.assert_allclose(low + high, [120, 80])  # centred


def test_random_matrices_stay_within_the_configuration() -> None:
    config = AugmentConfig(rotate=0, shear=0, flip=0.5, scale=(0.5, 2), translate=0.1)
    rng = np.random.default_rng(0)
    matrices = np.stack([random_matrix(rng, config, 100, 50) for _ in range(400)])
    scales = np.abs(matrices[:, 0, 0])
    assert scales.min() >= 0.5
    assert scales.max() <= 2
    assert abs(np.median(scales) - 1) < 0.1  # log-uniform
    assert 150 < (matrices[:, 0, 0] < 0).sum() < 250
    moved = matrices @ np.array([50, 25, 1])  # the centre moves by the shift alone
    assert np.abs(moved[:, 0] - 50).max() <= 10
    assert np.abs(moved[:, 1] - 25).max() <= 5


def test_people_who_left_or_shrank_are_dropped() -> None:
    boxes = [(10, 10, 30, 60), (-19, 10, 1, 60), (200, 10, 220, 60), (50, 50, 53, 60), (-5, 10, 15, 60)]
    item = labelled(np.zeros((80, 120, 3), np.uint8), boxes)
    out = keep_visible(item, (0, 0, 120, 80), 0.1, clip=False)
    assert out.identities.tolist() == [0, 4]  # inside; 5 % in sight; gone; 3 pixels wide; 75 % in sight
    np.testing.assert_array_equal(out.boxes, np.array(boxes, np.float32)[[0, 4]])  # amodal


def test_in_a_mosaic_boxes_are_clipped_and_mostly_hidden_people_ignored() -> None:
    item = labelled(np.zeros((80, 120, 3), np.uint8), [(50, 10, 70, 50), (56, 10, 76, 50), (70, 10, 90, 50)])
    out = keep_visible(item, (0, 0, 60, 80), 0.1, clip=True)
    assert out.boxes.tolist() == [[50, 10, 60, 50], [56, 10, 60, 50]]
    assert out.classes.tolist() == [PERSON, IGNORE]


def test_boxes_are_cut_to_the_image_where_the_recipe_says_so() -> None:
    """FairMOT for MOT20; what is left of a person after the cut must be larger than four pixels."""
    boxes = [(-20, 10, 20, 90), (100, 60, 140, 100), (-30, 10, 4, 60), (50, 10, 70, 60)]
    source = labelled(np.zeros((80, 120, 3), np.uint8), boxes)
    amodal, cut = (
        single(np.random.default_rng(0), config, source, 120, 80) for config in (STILL, replace(STILL, clip_boxes=True))
    )
    np.testing.assert_array_equal(amodal.boxes, np.array(boxes, np.float32))
    np.testing.assert_array_equal(cut.boxes, [[0, 10, 20, 80], [100, 60, 120, 80], [50, 10, 70, 60]])
    assert cut.identities.tolist() == [0, 1, 3]


def test_nobody() -> None:
    empty = labelled(np.full((80, 120, 3), 9, np.uint8), [])
    rng = np.random.default_rng(0)
    assert single(rng, AugmentConfig(), empty, 64, 32).boxes.shape == (0, 4)
    assert single(rng, AugmentConfig(clip_boxes=True), empty, 64, 32).boxes.shape == (0, 4)
    assert mosaic(rng, AugmentConfig(), [empty] * 4, 64, 32).boxes.shape == (0, 4)


def test_mosaic_fills_every_quadrant_from_its_own_image() -> None:
    """Unwarped, so that each quadrant shows nothing but its source's grey; boxes stay within it."""
    sources = [
        labelled(np.full((80, 120, 3), 40 * (i + 1), np.uint8), [(10, 10, 40, 70), (60, 10, 90, 70)]) for i in range(4)
    ]
    out = mosaic(np.random.default_rng(3), STILL, sources, 96, 64)
    greys = set(np.unique(out.image))
    assert greys == {40, 80, 120, 160}
    assert [out.image[0, 0, 0], out.image[0, -1, 0], out.image[-1, 0, 0], out.image[-1, -1, 0]] == [40, 80, 120, 160]
    for box in out.boxes.round().astype(int):
        inside = out.image[box[1] : box[3], box[0] : box[2]]
        assert len(np.unique(inside)) == 1
    assert len(out.boxes) >= 4


def test_mosaic_boxes_and_pixels_agree() -> None:
    black = labelled(np.zeros((80, 120, 3), np.uint8), [])
    config = AugmentConfig(**{**vars(STILL), "scale": (0.8, 1.2), "translate": 0.05, "flip": 0.5})
    compared = 0
    for seed in range(40):
        out = mosaic(np.random.default_rng(seed), config, [bright(), black, black, black], 96, 64)
        if len(out.boxes) and (out.image[..., 0] == 255).any():
            np.testing.assert_allclose(out.boxes[0], bounds(out.image), atol=1.01)
            compared += 1
    assert compared > 10


def test_everything_follows_from_the_generator() -> None:
    config = AugmentConfig(grey=0.5, blur=0.5)

    def draw(seed: int) -> Labelled:
        rng = np.random.default_rng(seed)
        item = single(rng, config, bright(), 96, 64)
        return labelled(recolour(rng, config, item.image), [tuple(box) for box in item.boxes])

    a, b, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.boxes, b.boxes)
    assert not np.array_equal(a.image, other.image)


def test_recolour_leaves_the_hue_and_clips() -> None:
    image = np.full((4, 4, 3), (200, 100, 100), np.uint8)
    brighter = recolour(np.random.default_rng(0), AugmentConfig(saturation=(1, 1), value=(1.5, 1.5)), image)
    assert brighter[0, 0].tolist() == pytest.approx([255, 127, 127], abs=2)
    np.testing.assert_allclose(recolour(np.random.default_rng(0), STILL, image), image, atol=1)


def test_grey_has_one_value_and_blur_smooths() -> None:
    grey = recolour(
        np.random.default_rng(0),
        AugmentConfig(**{**vars(STILL), "grey": 1.0}),
        np.full((2, 2, 3), (9, 99, 199), np.uint8),
    )
    assert len(np.unique(grey)) == 1
    source = bright().image
    blurred = recolour(np.random.default_rng(0), AugmentConfig(**{**vars(STILL), "blur": 1.0}), source)
    assert len(np.unique(blurred)) > len(np.unique(source))
