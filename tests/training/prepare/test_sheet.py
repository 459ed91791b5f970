from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media import numbered_image, write_image
from tests.training.people import write_people
from training.data.labels import DataError, Labels
from training.prepare import sheet
from training.prepare.check import Inspection, SetReport, check_config


def inspection(image: Path, *rows: list[float]) -> Inspection:
    labels: Labels = np.array(rows, np.float32).reshape(-1, 6)
    return Inspection(image=image, size=None, labels=labels, faults=())


@pytest.mark.parametrize(
    ("sizes", "total", "shares"),
    [
        ([], 24, []),
        ([0, 0], 24, [0, 0]),
        ([3, 1], 24, [3, 1]),
        ([100, 1, 60], 6, [3, 1, 2]),
        ([5, 100, 7], 2, [0, 1, 1]),
    ],
)
def test_every_data_set_has_a_share(sizes: list[int], total: int, shares: list[int]) -> None:
    assert sheet.share(sizes, total) == shares


def test_a_sheet_is_bounded_and_evenly_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[str] = []
    draw = sheet.draw_tile
    monkeypatch.setattr(sheet, "draw_tile", lambda title, item: chosen.append(item.image.stem) or draw(title, item))
    sheet.write_sheet(tmp_path / "new/sheet.png", check_config(write_people(tmp_path, 96), decode=False))
    assert chosen == [f"{number:03d}" for number in range(2, 96, 4)]
    image = cv2.imread(str(tmp_path / "new/sheet.png"))
    assert image is not None
    assert image.shape == (6 * (sheet.HEIGHT + sheet.CAPTION), 4 * sheet.WIDTH, 3)


def test_a_single_image_fills_one_tile(tmp_path: Path) -> None:
    item = inspection(write_image(tmp_path / "a.png", np.full((90, 160, 3), 200, np.uint8)))
    sheet.write_sheet(tmp_path / "s.png", [SetReport(name="a", split="train", inspections=[item])])
    image = np.asarray(cv2.imread(str(tmp_path / "s.png")))
    assert image.shape == (sheet.HEIGHT + sheet.CAPTION, 4 * sheet.WIDTH, 3)
    assert (image[: sheet.HEIGHT, : sheet.WIDTH] == 200).all()
    assert (image[:, sheet.WIDTH :] == 0).all()
    assert image[sheet.HEIGHT :, : sheet.WIDTH].max() > 200  # the caption


def test_boxes_are_drawn_where_they_are(tmp_path: Path) -> None:
    image = write_image(tmp_path / "ä.png", np.zeros((200, 100, 3), np.uint8))  # upright: bars left and right
    rows = ([0, 3, 0.5, 0.5, 0.4, 0.5], [0, -1, 0.5, 0.5, 0.8, 0.9], [-1, -1, 0.5, 0.5, 0.1, 0.1])
    tile = sheet.draw_tile("set", inspection(image, *rows))
    picture = tile[: sheet.HEIGHT]
    left = (sheet.WIDTH - sheet.HEIGHT // 2) // 2
    known = (picture == sheet.colour(3)).all(axis=2)
    ys, xs = known.nonzero()
    box = np.array([xs.min() - left, ys.min(), xs.max() - left, ys.max()])
    expected = np.array([0.3 * 135, 0.25 * 270, 0.7 * 135, 0.75 * 270])
    np.testing.assert_allclose(box, expected, atol=1)
    assert (picture == sheet.WHITE).all(axis=2).any()
    assert (picture == sheet.GREY).all(axis=2).any()


def test_identities_have_colours_of_their_own() -> None:
    assert len({sheet.colour(identity) for identity in range(50)}) == 50
    assert sheet.colour(-1) == sheet.WHITE


def test_an_unreadable_image_is_said_so(tmp_path: Path) -> None:
    tile = sheet.draw_tile("set", inspection(tmp_path / "gone.png"))
    assert tile[: sheet.HEIGHT].max() > 200


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    item = inspection(write_image(tmp_path / "a.png", numbered_image(1)))
    with pytest.raises(DataError, match=r"sheet\.png: cannot be written"):
        sheet.write_sheet(tmp_path / "file/sheet.png", [SetReport(name="a", split="train", inspections=[item])])
