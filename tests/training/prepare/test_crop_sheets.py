from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media import write_image
from tests.training.prepare.snapshot import snapshot
from training.data.labels import IGNORE, DataError, label_path, read_labels
from training.prepare.crop_sheets import COLUMNS, HEIGHT, ROWS, WIDTH, write_sheets


def crops(root: Path, people: int, each: int) -> Path:
    """Plain crops, each identity in a grey of its own."""
    for person in range(people):
        for number in range(each):
            grey = np.full((HEIGHT, WIDTH, 3), 20 * person + 10, np.uint8)
            write_image(root / f"{person:04d}/{number}.png", grey)
    return root


def test_every_crop_is_on_a_sheet_once_with_its_identity(tmp_path: Path) -> None:
    sheets = write_sheets(crops(tmp_path / "crops", people=8, each=5), tmp_path / "out")
    assert [sheet.name for sheet in sheets] == ["0000.jpg", "0001.jpg"]
    found = []
    for sheet in sheets:
        image, labels = cv2.imread(str(sheet)), read_labels(label_path(sheet))
        assert image is not None
        assert image.shape == (ROWS * HEIGHT, COLUMNS * WIDTH, 3)
        assert (labels[:, 0] == IGNORE).all()
        for _, identity, x, y, *_ in labels:
            assert image[int(y * image.shape[0]), int(x * image.shape[1]), 0] == pytest.approx(
                20 * identity + 10, abs=3
            )
        found += labels[:, 1].tolist()
    assert sorted(found) == sorted([float(person) for person in range(8)] * 5)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    source = crops(tmp_path / "crops", people=4, each=2)
    write_sheets(source, tmp_path / "out")
    before = snapshot(tmp_path / "out")
    write_sheets(source, tmp_path / "out")
    assert snapshot(tmp_path / "out") == before


def test_no_crops(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: no folders of crops"):
        write_sheets(tmp_path / "none", tmp_path / "out")
