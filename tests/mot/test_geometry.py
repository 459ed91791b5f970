"""mot.geometry: box formats, overlap and the letterbox."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mot.geometry import (
    PAD_VALUE,
    Letterbox,
    iou_matrix,
    xyah_to_xyxy,
    xywh_to_xyxy,
    xyxy_to_xyah,
    xyxy_to_xywh,
)

SIDE = st.integers(1, 4000)


def letterbox(source_width: int, source_height: int, width: int = 576, height: int = 320) -> Letterbox:
    return Letterbox(source_width=source_width, source_height=source_height, width=width, height=height)


@pytest.mark.parametrize(
    ("source", "resized", "offset"),
    [
        ((1920, 1080), (569, 320), (3, 0)),
        ((768, 576), (427, 320), (74, 0)),
        ((1080, 1920), (180, 320), (198, 0)),
        ((576, 320), (576, 320), (0, 0)),
        ((1152, 320), (576, 160), (0, 80)),
        ((1, 1), (320, 320), (128, 0)),
        ((8000, 1), (576, 1), (0, 159)),
        ((1, 8000), (1, 320), (287, 0)),
    ],
)
def test_where_the_image_lies(source: tuple[int, int], resized: tuple[int, int], offset: tuple[int, int]) -> None:
    box = letterbox(*source)
    assert (box.resized, box.offset) == (resized, offset)


@given(SIDE, SIDE, SIDE, SIDE)
def test_the_image_lies_inside_and_fills_one_side(sw: int, sh: int, w: int, h: int) -> None:
    box = letterbox(sw, sh, w, h)
    assert box.resized[0] == w or box.resized[1] == h
    corners = box.forward(np.array([[0.0, 0.0, sw, sh]]))
    assert (corners[0] >= 0).all() and corners[0, 2] <= w + 1e-6 and corners[0, 3] <= h + 1e-6


@given(SIDE, SIDE, st.lists(st.tuples(*[st.floats(-500, 4500)] * 4), max_size=5))
def test_boxes_return_where_they_came_from(sw: int, sh: int, boxes: list[tuple[float, ...]]) -> None:
    there = letterbox(sw, sh)
    array = np.array(boxes, np.float64).reshape(-1, 4)
    np.testing.assert_allclose(there.inverse(there.forward(array)), array, atol=1e-6)


def test_boxes_keep_their_type() -> None:
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    assert letterbox(1920, 1080).forward(boxes).dtype == letterbox(1920, 1080).inverse(boxes).dtype == np.float32


def test_a_painted_box_is_found_where_forward_says() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[270:810, 480:1440] = 255
    there = letterbox(1920, 1080)
    white = (there.apply(image)[:, :, 0] > 200).nonzero()
    found = [white[1].min(), white[0].min(), white[1].max() + 1, white[0].max() + 1]
    np.testing.assert_allclose(found, there.forward(np.array([[480.0, 270, 1440, 810]]))[0], atol=1)


@pytest.mark.parametrize("source", [(768, 576), (100, 50), (1, 1), (3000, 2), (577, 321)])
def test_apply_pads_with_grey_and_keeps_channels(source: tuple[int, int]) -> None:
    width, height = source
    image = np.full((height, width, 3), (10, 20, 30), np.uint8)
    there = letterbox(*source)
    out = there.apply(image)
    assert out.shape == (320, 576, 3) and out.dtype == np.uint8 and out.flags.c_contiguous
    (left, top), (w, h) = there.offset, there.resized
    inside = np.zeros((320, 576), np.bool_)
    inside[top : top + h, left : left + w] = True
    assert (out[inside] == (10, 20, 30)).all() and (out[~inside] == PAD_VALUE).all()


@pytest.mark.parametrize("order", [1, -1], ids=["as it lies", "a view"])
def test_an_image_that_fits_is_copied(order: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (320, 576, 3), np.uint8)[:, :, ::order]
    out = letterbox(576, 320).apply(image)
    np.testing.assert_array_equal(out, image)
    assert out.flags.c_contiguous and not np.shares_memory(out, image)


def test_shrinking_averages() -> None:
    image = np.zeros((640, 1152, 3), np.uint8)
    image[:, ::2] = 200
    assert (letterbox(1152, 640).apply(image) == 100).all()


def test_a_view_that_is_not_contiguous_is_taken() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)[:, ::-1, ::-1]
    there = letterbox(64, 64, 32, 32)
    np.testing.assert_array_equal(there.apply(image), cv2.resize(image.copy(), (32, 32), interpolation=cv2.INTER_AREA))


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="image is 10x20, this letterbox was made for 20x10"):
        letterbox(20, 10).apply(np.zeros((20, 10, 3), np.uint8))


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot fit an image of 0x10 into 576x320 pixels"):
        letterbox(0, 10)


def test_box_formats() -> None:
    corners = np.array([[10.0, 20.0, 40.0, 80.0]])
    assert xyxy_to_xywh(corners).tolist() == [[10, 20, 30, 60]]
    assert xyxy_to_xyah(corners).tolist() == [[25, 50, 0.5, 60]]
    assert xywh_to_xyxy(xyxy_to_xywh(corners)).tolist() == xyah_to_xyxy(xyxy_to_xyah(corners)).tolist()
    assert xyah_to_xyxy(xyxy_to_xyah(corners)).tolist() == corners.tolist()


@pytest.mark.parametrize("convert", [xyxy_to_xywh, xywh_to_xyxy, xyxy_to_xyah, xyah_to_xyxy])
def test_no_boxes_stay_no_boxes(convert) -> None:  # type: ignore[no-untyped-def]
    assert convert(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_iou() -> None:
    a = np.array([[0, 0, 10, 10], [5, 5, 5, 9]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4], [9, 9, 1, 1]], np.float32)
    expected = [[1, 1 / 3, 0, 0.04, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(iou_matrix(a, b), expected, rtol=1e-6)


@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0), (0, 0)])
def test_iou_of_nothing(n: int, m: int) -> None:
    assert iou_matrix(np.ones((n, 4)), np.ones((m, 4))).shape == (n, m)


def test_iou_of_two_empty_boxes_is_zero_without_a_warning() -> None:
    with np.errstate(all="raise"):
        assert iou_matrix(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0]]
