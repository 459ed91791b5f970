"""What training reads: label files, ``data.json``, CrowdHuman's and COCO's annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.fuzz.json_tree import JSON, JSON_LINES
from tests.fuzz.mutation import TEXT, in_utf16
from tests.fuzz.target import Target, check_finite
from training.data.configuration import read_config, read_list
from training.data.labels import LARGEST_ID, DataError, read_labels
from training.prepare.coco import read_coco
from training.prepare.conversion import Reading, convert
from training.prepare.crowdhuman import read_crowdhuman

_LABELS = (
    b"0 1 0.5 0.5 0.1 0.2\n0 -1 0.25 0.75 0.125 0.5\n-1 -1 0.9 0.1 0.3 0.3\n",
    b"0 16777215 0.5 0.5 1.5 2\r\n",
    b"",
)
_CONFIGURATION = (
    b'{"root": ".", "train": {"mot17": "mot17.train", "crowd": "crowd.train"}, "test": {"mot17": "mot17.test"}}',
    b'{"root": "/data", "train": {"a": "a.train"}, "test_emb": {"x": 1}}',
)
_CROWDHUMAN = (
    b'{"ID": "a", "gtboxes": [{"tag": "person", "fbox": [1, 2, 3, 4], "hbox": [1, 2, 1, 1], "extra": {"ignore": 0}},'
    b' {"tag": "mask", "fbox": [0, 0, 9, 9], "extra": {"ignore": 1}}]}\n'
    b'{"ID": "b.jpg", "gtboxes": [{"tag": "person", "fbox": [-1.5, 2, 30, 4]}, {"tag": "person"}]}\n',
)
_COCO = (
    b'{"images": [{"id": 1, "file_name": "a.jpg", "width": 8, "height": 6}, {"id": 2, "file_name": "b.jpg"}],'
    b' "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},'
    b' {"id": 8, "image_id": 2, "category_id": 1, "bbox": [0, 0, 2.5, 2], "iscrowd": 1},'
    b' {"id": 9, "image_id": 2, "category_id": 2, "bbox": [0, 0, 2, 2]}],'
    b' "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]}',
    b'{"images": [{"id": "1", "file_name": "b.jpg", "width": 8.0, "height": 6}],'
    b' "annotations": [{"id": 1, "image_id": 1, "category_id": "1", "segmentation": [[1, 1, 4, 1, 4, 4]]},'
    b' {"image_id": 1, "category_id": 1, "segmentation": {"size": [6, 8], "counts": [4, 3, 41]}, "iscrowd": 1},'
    b' {"image_id": 1, "category_id": 1, "segmentation": {"size": [6, 8], "counts": "T15l0"}, "bbox": []}],'
    b' "categories": [{"id": 1, "name": "Pedestrian"}]}',
)


def _labels(path: Path) -> None:
    rows = read_labels(path)
    assert rows.shape[1:] == (6,)
    check_finite(rows)
    assert np.isin(rows[:, 0], (0, -1)).all() and (rows[:, 4:] > 0).all()
    assert (rows[:, 1] >= -1).all() and (rows[:, 1] <= LARGEST_ID).all() and (rows[:, 1] == np.trunc(rows[:, 1])).all()


def _configuration(path: Path) -> None:
    config = read_config(path)
    assert set(config.lists) == {"train", "test"}
    for lists in config.lists.values():
        for name, listing in lists.items():
            assert isinstance(listing, Path)
            try:
                read_list(config, name, listing)
            except DataError as error:  # it is the list that is named, and who has named it
                assert str(path) in str(error) or listing.is_file()


def _crowdhuman(path: Path) -> None:
    _with_images(path.parent / "Images")
    _converted(read_crowdhuman(path.parent, "per-box"), path)


def _coco(path: Path) -> None:
    _with_images(path.parent / "Images")
    _converted(read_coco(path, path.parent / "Images", "train", "per-box", people_only=False), path)


def _with_images(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir()
        for name in ("a.jpg", "b.jpg"):
            Image.new("RGB", (8, 6)).save(folder / name)


def _converted(reading: Reading, path: Path) -> None:
    """Go on to the label files, which leave out what is nobody's."""
    for pictures in reading.splits.values():
        for picture in pictures:
            assert picture.people.shape == (len(picture.identities), 4) and picture.ignored.shape[1:] == (4,)
        for made in convert(pictures, path.parent / "out", "fuzz").images:
            _labels(Path(str(made).replace("/out/images/", "/out/labels_with_ids/")).with_suffix(".txt"))


LABELS = Target(name="labels", file="a.txt", seeds=_LABELS, reads=(_labels,), mutations=(*TEXT, in_utf16))
CONFIGURATION = Target(
    name="data-json", file="data.json", seeds=_CONFIGURATION, reads=(_configuration,), mutations=(*JSON, in_utf16)
)
CROWDHUMAN = Target(
    name="odgt", file="annotation_train.odgt", seeds=_CROWDHUMAN, reads=(_crowdhuman,), mutations=JSON_LINES
)
COCO = Target(name="coco", file="instances.json", seeds=_COCO, reads=(_coco,), mutations=JSON)
TARGETS = (LABELS, CONFIGURATION, CROWDHUMAN, COCO)
