"""Drawing: where, in which colours, and that its memory is bounded."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest

from client.outputs.labels import LabelLayout, overlap
from client.outputs.render import RenderConfig, Renderer, color_of
from mot.detections import Tracks
from tests.media import Image

PLAIN = RenderConfig(labels=False, caption=False, trail=0)
GREY = 90


def canvas(width: int = 320, height: int = 240) -> Image:
    return np.full((height, width, 3), GREY, np.uint8)


def people(*boxes: tuple[float, ...], ids: list[int] | None = None) -> Tracks:
    count = len(boxes)
    return Tracks(
        ids=np.array(range(1, count + 1) if ids is None else ids, np.int64),
        boxes=np.array(boxes, np.float32).reshape(count, 4),
        scores=np.ones(count, np.float32),
        detections=np.arange(count),
    )


def touched(image: Image) -> np.ndarray:
    """(H, W) bool: pixels that were drawn on."""
    return (image != GREY).any(axis=2)


def test_box_is_drawn_on_its_edges_in_its_colour() -> None:
    image = canvas()
    Renderer(PLAIN).draw(image, people((100, 60, 160, 200), ids=[5]), frame=1)
    for x, y in ((100, 130), (159, 130), (130, 60), (130, 199)):
        assert tuple(image[y, x]) == color_of(5)
    rows, columns = np.nonzero(touched(image))
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == pytest.approx((100, 159, 60, 199), abs=1)
    assert not touched(image)[70:190, 110:150].any()


def test_no_people_and_no_caption_leaves_the_image_alone() -> None:
    image = canvas()
    Renderer(PLAIN).draw(image, people(), frame=1)
    assert not touched(image).any()


def test_caption_is_drawn_in_the_corner_only() -> None:
    image = canvas()
    Renderer(RenderConfig(labels=False, trail=0)).draw(image, people(), frame=12)
    assert touched(image)[:10, :50].any()
    assert not touched(image)[60:].any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7680, 10)])
def test_any_image_size_can_be_drawn_on(size: tuple[int, int]) -> None:
    image = canvas(*size)
    renderer = Renderer()
    for frame in range(3):
        renderer.draw(image, people((0, 0, 1, 1), (-5, -5, 9000, 9000)), frame=frame)
    assert touched(image).any()


@pytest.mark.parametrize(
    "box",
    [(-50, -50, -10, -10), (400, 10, 500, 90), (1e9, 1e9, 2e9, 2e9), (-1e30, 0, -1e29, 5)],
    ids=["left above", "right", "far right", "far left"],
)
def test_box_outside_the_image_draws_nothing(box: tuple[float, ...]) -> None:
    image = canvas()
    Renderer(RenderConfig(caption=False)).draw(image, people(box), frame=1)
    assert not touched(image).any()


def test_label_of_a_box_at_the_edge_stays_inside() -> None:
    image = canvas()
    Renderer(RenderConfig(caption=False, trail=0)).draw(image, people((310, -20, 340, 100), ids=[12345]), frame=1)
    assert touched(image)[:8, 290:300].any(), "the label is moved left and down into the image"


def test_label_is_readable_on_its_ground() -> None:
    for track in range(1, 30):
        image = canvas()
        Renderer(RenderConfig(caption=False, trail=0)).draw(image, people((100, 100, 160, 200), ids=[track]), frame=1)
        label = image[80:99, 100:130].reshape(-1, 3) @ np.array([0.299, 0.587, 0.114])
        assert np.ptp(label[touched(image)[80:99, 100:130].ravel()]) > 100, f"id {track}"


def test_trail_follows_the_feet_and_darkens_with_age() -> None:
    renderer = Renderer(RenderConfig(labels=False, caption=False, trail=20))
    for step in range(20):
        image = canvas()
        renderer.draw(image, people((10 + 10 * step, 50, 30 + 10 * step, 150)), frame=step)
    assert touched(image)[149:152, 20:200].any(axis=0).all(), "no gaps"
    old, new = image[150, 30].sum(), image[150, 180].sum()
    assert old < new
    assert not touched(image)[170:].any()


def test_trail_has_a_longest_length() -> None:
    renderer = Renderer(RenderConfig(labels=False, caption=False, trail=5))
    for step in range(20):
        image = canvas()
        renderer.draw(image, people((10 + 10 * step, 50, 30 + 10 * step, 150)), frame=step)
    assert not touched(image)[:, : 20 + 10 * 14 - 4].any()


def test_trail_is_forgotten_after_patience() -> None:
    def reach(absent: int) -> int:
        """Drawn columns when a person comes back at another place after ``absent`` frames."""
        renderer = Renderer(RenderConfig(labels=False, caption=False, patience=3))
        renderer.draw(canvas(), people((10, 50, 30, 150)), frame=1)
        for frame in range(absent):
            renderer.draw(canvas(), people(), frame=frame)
        image = canvas()
        renderer.draw(image, people((210, 50, 230, 150)), frame=99)
        return int(touched(image).any(axis=0).sum())

    assert reach(absent=3) > 150
    assert reach(absent=4) < 40


def test_memory_is_bounded_by_the_people_seen_lately() -> None:
    renderer = Renderer(RenderConfig(trail=5, patience=4))
    for step in range(1000):
        renderer.draw(canvas(8, 8), people((1, 1, 3, 6), ids=[step + 1]), frame=step)
    assert len(renderer._trails) <= 5
    for step in range(1000):
        renderer.draw(canvas(8, 8), people((1, 1, 3, 6), ids=[7]), frame=step)
    assert [len(trail.points) for trail in renderer._trails.values()] == [6]


def test_colours_belong_to_ids_and_neighbours_differ() -> None:
    assert [color_of(track) for track in (1, 2, 1000)] == [color_of(track) for track in (1, 2, 1000)]
    assert color_of(1) == (86, 117, 191), "the same in every run and release"
    for track in range(1, 500):
        hues = [colorsys.rgb_to_hsv(*(part / 255 for part in color_of(other)))[0] for other in (track, track + 1)]
        apart = abs(hues[0] - hues[1])
        assert min(apart, 1 - apart) > 0.2
    assert all(0 <= part <= 255 for track in range(500) for part in color_of(track))


@pytest.mark.parametrize("values", [{"trail": -1}, {"patience": -1}])
def test_negative_lengths_are_errors(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        RenderConfig(**values)


def grounds(image: Image, ids: list[int], size: tuple[int, int] = (3, 3)) -> set[int]:
    """The ids of which a ground of at least ``size``, (width, height), is filled with their colour in one piece."""
    found = set()
    for track in ids:
        filled = (image == np.array(color_of(track), np.uint8)).all(axis=2).astype(np.uint8)
        if cv2.erode(filled, np.ones((size[1], size[0]), np.uint8)).any():
            found.add(track)
    return found


def test_labels_of_people_at_the_upper_border_lie_side_by_side() -> None:
    image, ids = canvas(640, 480), list(range(11, 17))
    boxes = [(100 + 4 * n, -20, 180 + 4 * n, 200) for n in range(6)]
    Renderer(RenderConfig(caption=False, trail=0)).draw(image, people(*boxes, ids=ids), frame=1)
    assert grounds(image, ids) == set(ids), "none hides another"


def test_labels_of_a_crowd_are_dropped_from_the_farthest_on() -> None:
    ids = list(range(1, 41))
    boxes = [(150 + n % 7, 100 + n % 5, 180 + n % 7, 160 + 2 * n) for n in range(40)]
    layout, sizes = LabelLayout(), [(30, 12)] * 40
    corners = np.array(boxes, np.int64)
    placed = layout.place(ids, corners, sizes, (320, 240), np.zeros((0, 4), np.int64))
    assert 4 < len(placed) < 40
    assert {40, 39, 38} <= placed.keys(), "whoever is tallest, and so nearest, keeps the label"
    rectangles = np.array([(x, y, x + 30, y + 12) for x, y in placed.values()])
    for number, rectangle in enumerate(rectangles):
        assert not overlap(rectangle, np.delete(rectangles, number, axis=0)).any()
    assert (rectangles >= 0).all() and (rectangles <= (320, 240, 320, 240)).all()


def test_a_label_keeps_its_place_while_there_is_room() -> None:
    layout, nothing = LabelLayout(), np.zeros((0, 4), np.int64)
    near, far = [100, 50, 160, 200], [104, 52, 158, 190]
    first = layout.place([1, 2], np.array([near, far]), [(40, 12)] * 2, (320, 240), nothing)
    alone = layout.place([2], np.array([far]), [(40, 12)], (320, 240), nothing)
    assert alone[2] == first[2], "though its usual place is free now"


def test_labels_that_are_large_beside_their_people_are_left_out() -> None:
    image = canvas(160, 120)
    Renderer(RenderConfig(caption=False)).draw(image, people((20, 40, 32, 66), (80, 30, 110, 110), ids=[1, 2]), frame=1)
    assert grounds(image, [1, 2], (2, 2)) == {2}, "lines are one pixel wide here"
    assert tuple(image[50, 20]) == color_of(1), "the box is there"


@pytest.mark.parametrize("size", [(160, 120), (96, 64), (64, 48)])
def test_caption_of_a_small_image_takes_little_of_it(size: tuple[int, int]) -> None:
    image = canvas(*size)
    Renderer().draw(image, people(), frame=1234)
    assert touched(image).mean() < 0.08


def test_caption_goes_where_nobody_is() -> None:
    renderer = Renderer(RenderConfig(labels=False, trail=0))
    boxes = {"upper left": (5, 5, 60, 110), "upper right": (240, 5, 310, 110), "lower left": (5, 150, 60, 235)}
    image = canvas()
    renderer.draw(image, people(*boxes.values()), frame=7)
    assert touched(image)[225:, 215:].any(), "the lower right is free"
    assert not touched(image)[20:100, 20:50].any()
    image = canvas()
    renderer.draw(image, people(), frame=8)
    assert touched(image)[225:, 215:].any(), "it does not hop back"


def test_caption_hides_nobody_where_all_corners_are_taken() -> None:
    image = canvas()
    Renderer(RenderConfig(labels=False, trail=0)).draw(image, people((0, 0, 320, 240)), frame=7)
    caption = touched(image)[4:16, 4:100]
    assert caption.any()
    assert not caption.all(), "people are seen between the letters"


def test_trail_of_who_is_gone_vanishes_at_once() -> None:
    renderer = Renderer(RenderConfig(labels=False, caption=False))
    for step in range(20):
        renderer.draw(canvas(), people((10 + 10 * step, 50, 30 + 10 * step, 150)), frame=step)
    image = canvas()
    renderer.draw(image, people(), frame=21)
    assert not touched(image).any()


def test_trail_of_who_comes_back_is_no_longer_than_others() -> None:
    renderer = Renderer(RenderConfig(labels=False, caption=False, trail=5, patience=30))
    for step in range(10):
        renderer.draw(canvas(), people((10, 10 + 10 * step, 30, 110 + 10 * step)), frame=step)
    for step in range(10, 20):
        renderer.draw(canvas(), people(), frame=step)
    image = canvas()
    renderer.draw(image, people((200, 50, 220, 150)), frame=20)
    assert not touched(image)[:, :190].any(), "what it did before is more than five frames ago"
