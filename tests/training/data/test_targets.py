from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from training.data.labels import IGNORE, PERSON
from training.data.targets import Targets, gaussian_radius, make_targets

HEIGHT, WIDTH = 12, 16


def targets(
    *boxes: tuple[float, float, float, float],
    classes: list[int] | None = None,
    identities: list[int] | None = None,
    max_objects: int = 5,
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Targets:
    """Boxes in cells; everyone a person by default, numbered in order."""
    count = len(boxes)
    return make_targets(
        np.array(boxes, np.float32).reshape(count, 4),
        np.array([PERSON] * count if classes is None else classes, np.int64),
        np.array(range(count) if identities is None else identities, np.int64),
        height=size[0],
        width=size[1],
        max_objects=max_objects,
    )


def reference_radius(height: float, width: float, overlap: float = 0.7) -> float:
    """CornerNet's ``gaussian_radius`` with all its three cases, each root over 2 as it was published."""
    roots = []
    for a, b, c in (
        (1, height + width, width * height * (1 - overlap) / (1 + overlap)),
        (4, 2 * (height + width), (1 - overlap) * width * height),
        (4 * overlap, -2 * overlap * (height + width), (overlap - 1) * width * height),
    ):
        roots.append((b + math.sqrt(b**2 - 4 * a * c)) / 2)
    return min(roots)


@pytest.mark.parametrize(
    ("height", "width", "radius"),
    [(10, 4, 1), (20, 8, 3), (40, 16, 6), (80, 32, 12), (1, 1, 0), (0.2, 0.1, 0)],
    ids=str,
)
def test_radius_of_known_sizes(height: float, width: float, radius: int) -> None:
    assert gaussian_radius(height, width) == radius


def test_radius_equals_cornernets_least_root() -> None:
    for height in np.linspace(0.1, 150, 40):
        for width in np.linspace(0.1, 90, 40):
            expected = max(0, int(reference_radius(math.ceil(height), math.ceil(width))))
            assert gaussian_radius(height, width) == expected, (height, width)


def reference_heatmap(x: int, y: int, radius: int) -> npt.NDArray[np.float64]:
    """A Gaussian of sigma (2r+1)/6 within a square of r cells around the centre, cell by cell."""
    heatmap = np.zeros((HEIGHT, WIDTH))
    sigma = (2 * radius + 1) / 6
    for row in range(max(0, y - radius), min(HEIGHT, y + radius + 1)):
        for column in range(max(0, x - radius), min(WIDTH, x + radius + 1)):
            heatmap[row, column] = math.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * sigma**2))
    return heatmap


def test_one_person() -> None:
    found = targets((3.25, 1.5, 7.25, 11.5), identities=[42])
    assert found.valid.tolist() == [True, False, False, False, False]
    assert found.cells[0] == 6 * WIDTH + 5
    assert found.offset[0].tolist() == [0.25, 0.5]  # centre (5.25, 6.5)
    assert found.box[0].tolist() == [2, 5, 2, 5]
    assert found.identity.tolist() == [42, -1, -1, -1, -1]
    np.testing.assert_allclose(found.heatmap[0], reference_heatmap(5, 6, gaussian_radius(10, 4)), atol=1e-6)
    assert found.heatmap[0, 6, 5] == 1
    assert (found.weight == 1).all()


def test_gaussians_combine_by_maximum_and_are_cut_at_borders() -> None:
    found = targets((0, 0, 4, 10), (2, 0, 6, 10))
    radius = gaussian_radius(10, 4)
    np.testing.assert_allclose(
        found.heatmap[0], np.maximum(reference_heatmap(2, 5, radius), reference_heatmap(4, 5, radius)), atol=1e-6
    )
    corner = targets((-2, -5, 2, 5))
    np.testing.assert_allclose(corner.heatmap[0], reference_heatmap(0, 0, radius), atol=1e-6)


def test_a_centre_outside_is_clipped_but_not_the_sides() -> None:
    """FairMOT: centre to [0, W-1] x [0, H-1]; distances from there to the amodal sides."""
    found = targets((-10, 2, 4, 30), (14, -20, 30, 4))
    cells = {
        int(cell): (box.tolist(), offset.tolist())
        for cell, box, offset in zip(found.cells[:2], found.box, found.offset, strict=False)
    }
    assert cells == {
        11 * WIDTH + 0: ([10, 9, 4, 19], [0, 0]),
        0 * WIDTH + 15: ([1, 20, 15, 4], [0, 0]),
    }


def test_two_people_in_one_cell_are_kept() -> None:
    found = targets((3, 1, 7, 11), (3.2, 1.2, 7.2, 11.2))
    assert found.valid.sum() == 2
    assert found.cells[0] == found.cells[1]
    assert sorted(found.identity[:2]) == [0, 1]


def test_of_too_many_people_the_tallest_are_kept() -> None:
    found = targets((0, 0, 2, 4), (4, 0, 8, 10), (8, 0, 10, 5), (10, 0, 14, 11), max_objects=2)
    assert found.identity.tolist() == [3, 1]
    assert found.valid.all()


def test_nobody() -> None:
    found = targets()
    assert not found.valid.any()
    assert (found.heatmap == 0).all()
    assert (found.weight == 1).all()
    assert (found.identity == -1).all()


def test_ignored_regions_have_no_weight_and_no_row() -> None:
    found = targets((2.5, 3, 5.5, 6.2), (3, 0, 4, 1), classes=[IGNORE, PERSON], identities=[9, 1])
    assert found.valid.sum() == 1
    assert found.identity[0] == 1
    expected = np.ones((HEIGHT, WIDTH), np.float32)
    expected[3:7, 2:6] = 0  # every cell that the region touches
    np.testing.assert_array_equal(found.weight[0], expected)


@pytest.mark.parametrize("region", [(-9, -9, -1, -1), (20, 3, 30, 6), (3, 20, 6, 30), (-5, 4, -1, 6)], ids=str)
def test_an_ignored_region_outside_touches_nothing(region: tuple[float, float, float, float]) -> None:
    assert (targets(region, classes=[IGNORE]).weight == 1).all()


def test_an_ignored_region_may_cover_everything() -> None:
    assert (targets((-5, -5, 50, 50), classes=[IGNORE]).weight == 0).all()


def test_a_person_within_an_ignored_region_is_still_learned() -> None:
    found = targets((0, 0, 16, 12), (3, 1, 7, 11), classes=[IGNORE, PERSON])
    assert found.weight[0, 6, 5] == 1
    assert found.weight.sum() == 1
    assert found.heatmap[0, 6, 5] == 1


def test_a_map_of_one_cell() -> None:
    found = targets((0.2, 0.1, 0.6, 0.9), size=(1, 1))
    assert found.heatmap.tolist() == [[[1]]]
    assert found.cells[0] == 0
    np.testing.assert_allclose(found.box[0], [-0.2, -0.1, 0.6, 0.9], atol=1e-6)  # the centre is clipped to (0, 0)


def test_an_ignored_box_with_an_identity_is_for_the_embedding_alone() -> None:
    found = targets((2, 2, 6, 6), (8, 1, 10, 7), classes=[IGNORE, PERSON], identities=[9, 1])
    assert found.valid.tolist() == [True, False, False, False, False]
    assert found.identity.tolist() == [1, 9, -1, -1, -1]
    assert found.cells[1] == 4 * WIDTH + 4
    assert (found.heatmap[0] == 1).sum() == 1
    assert (found.weight[0, 2:6, 2:6] == 0).all()
