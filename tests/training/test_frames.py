from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.frames import NumberingError, check_numbering, sequence_images

GT = Path("gt.txt")


def images(*numbers: int) -> list[Path]:
    return [Path(f"{number:06d}.jpg") for number in numbers]


def labelled(*frames: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(frames, np.int64)


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (images(1, 2, 3), (1, 3)),
        (images(1, 2, 3), (1, 9)),  # rows beyond the folder: counted, not refused
        (images(0, 1, 2), (1, 2, 3)),  # from 0, with labels from 1
        (images(0, 1, 2), (1, 2)),
        (images(6, 7, 8), (1, 2, 3)),  # no label is of an image's name
        ([Path("a.jpg"), Path("b9.jpg")], (1, 2)),
        ([Path("a1.jpg"), Path("b2.jpg")], (3,)),
        ([Path(f"frame_{n}.jpg") for n in (6, 7, 8)], (1, 2, 3)),
        ([Path(f"20261126T1200{n:02}.jpg") for n in (6, 7, 8)], (1, 2, 3)),
    ],
    ids=[
        *("plain", "beyond", "from 0", "from 0, nobody in the last", "from 6", "no numbers", "two beginnings"),
        *("words before", "times of a clock"),
    ],
)
def test_labels_that_mean_places(names: list[Path], frames: tuple[int, ...]) -> None:
    check_numbering(names, labelled(*frames), GT)


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (images(6, 7, 8), (6, 7, 8)),
        (images(1, 3, 4), (1, 2, 3, 4)),  # the second is missing
        (images(1, 3, 4), (1, 3)),  # either could be meant
        (images(1, 7, 13), (7, 13)),
        ([Path(f"frame_{n:04}.jpg") for n in (2, 3, 4, 5)], (2, 3, 4)),
    ],
    ids=["from 6", "a gap", "unclear", "thinned out", "words before"],
)
def test_labels_that_mean_names_are_refused(names: list[Path], frames: tuple[int, ...]) -> None:
    with pytest.raises(NumberingError, match=r"\.jpg: is image \d of its folder, hence frame \d, but gt\.txt"):
        check_numbering(names, labelled(*frames), GT)


def test_images_in_the_client_s_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("10.png", "2.png", "1.png"):
        write_image(tmp_path / name, numbered_image(1))
    (tmp_path / "._1.png").write_text("macOS")
    assert [path.name for path in sequence_images(tmp_path)] == ["1.png", "2.png", "10.png"]
