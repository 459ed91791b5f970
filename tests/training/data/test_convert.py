from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mot.sequence import SequenceError
from tests.media import make_video, names, number_of, numbered_image, write_image
from training.data.convert import (
    Labels,
    convert_mot_sequence,
    identity_per_box,
    image_size,
    images_in,
    mot_labels,
    numbered_identities,
    place_image,
    video_to_images,
    write_config,
)
from training.data.labels import DataError, load_samples, read_labels

MOT17 = """\
1,4,10,20,20,40,1,1,1
1,9,50,20,20,40,1,1,0.1
1,2,50,20,20,40,1,7,1
1,3,50,20,20,40,0,1,1
3,4,-10,20,20,50,1,1,0
"""


def sequence(folder: Path, count: int = 3) -> list[Path]:
    return [write_image(folder / f"{i:06d}.jpg", numbered_image(i, 100, 80)) for i in range(1, count + 1)]


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of change of everything under a folder."""
    return {str(p.relative_to(root)): (p.read_bytes(), p.lstat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


def test_mot17_keeps_marked_pedestrians_alone(tmp_path: Path) -> None:
    gt = tmp_path / "gt.txt"
    gt.write_text(MOT17)
    labels = mot_labels(gt, {1: (100, 80), 2: (100, 80), 3: (100, 80)})
    # Ids 4 and 9 become 0 and 1; the distractor (class 7) and the unmarked row are gone; no clipping.
    np.testing.assert_allclose(labels[1], [[0, 0, 0.2, 0.5, 0.2, 0.5], [0, 1, 0.6, 0.5, 0.2, 0.5]])
    assert labels[2].shape == (0, 6)
    np.testing.assert_allclose(labels[3], [[0, 0, 0, 0.5625, 0.2, 0.625]])


@pytest.mark.parametrize("tail", ["", ",-1,-1,-1"], ids=["7 columns", "10 columns"])
def test_mot15_has_no_classes(tmp_path: Path, tail: str) -> None:
    gt = tmp_path / "gt.txt"
    gt.write_text(f"1,8,10,20,20,40,1{tail}\n1,2,50,20,20,40,0{tail}\n2,5,50,20,20,40,1{tail}\n")
    labels = mot_labels(gt, {1: (100, 80), 2: (100, 80)})
    assert labels[1][:, 1].tolist() == [1]
    assert labels[2][:, 1].tolist() == [0]


def test_a_malformed_gt_names_its_line(tmp_path: Path) -> None:
    gt = tmp_path / "gt.txt"
    gt.write_text("1,1,10,20,20,40,1,1,1\n1,2,10,20,0,40,1,1,1\n")
    with pytest.raises(SequenceError, match=r"gt\.txt:2: width is 0"):
        mot_labels(gt, {1: (100, 80)})


def test_an_empty_gt(tmp_path: Path) -> None:
    gt = tmp_path / "gt.txt"
    gt.write_text("")
    assert mot_labels(gt, {1: (100, 80)})[1].shape == (0, 6)


def test_a_second_conversion_changes_nothing(tmp_path: Path) -> None:
    images = sequence(tmp_path / "source")
    gt = tmp_path / "gt.txt"
    gt.write_text(MOT17)
    out = tmp_path / "out"

    def convert() -> Path:
        return write_config(out, {"walk": convert_mot_sequence(images, [1, 2, 3], gt, out / "walk")})

    config = convert()
    first = {name: content for name, (content, _) in files(out).items()}
    assert convert() == config
    assert {name: content for name, (content, _) in files(out).items()} == first
    assert len(read_labels(out / "walk/labels_with_ids/000001.txt")) == 2  # not doubled
    assert names(out / "walk/images") == {"000001.jpg", "000002.jpg", "000003.jpg"}
    samples = load_samples(config)
    assert [len(sample.labels) for sample in samples.samples] == [2, 0, 1]
    assert samples.identities == 2
    assert json.loads(config.read_text()) == {"root": ".", "train": {"walk": "walk.train"}}


def test_links_follow_images_that_moved(tmp_path: Path) -> None:
    (first, second), link = sequence(tmp_path / "a", 2), tmp_path / "out/images/x.jpg"
    place_image(first, link)
    place_image(second, link)
    assert link.resolve() == second
    second.unlink()  # the link dangles now
    place_image(first, link)
    assert link.resolve() == first


def test_frames_of_a_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(1, 8)])
    paths = video_to_images(video, tmp_path / "images", range(2, 7, 2))
    assert [path.name for path in paths] == ["000002.jpg", "000004.jpg", "000006.jpg"]
    assert names(tmp_path / "images") == {path.name for path in paths}
    assert [number_of(np.asarray(cv2.imread(str(path)), np.uint8)) for path in paths] == [2, 4, 6]
    before = files(tmp_path / "images")
    video_to_images(video, tmp_path / "images", range(2, 7, 2))
    assert files(tmp_path / "images") == before


def test_a_video_that_is_too_short_or_none(tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(3)])
    with pytest.raises(DataError, match=r"v\.mp4: has no frame 4"):
        video_to_images(video, tmp_path / "images", range(1, 6))
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for path in (text, tmp_path / "gone.mp4"):
        with pytest.raises(DataError, match=rf"{path.name}: cannot be read as a video"):
            video_to_images(path, tmp_path / "other", range(1, 2))


def test_folders_and_images_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone: no such folder"):
        images_in(tmp_path / "gone")
    with pytest.raises(DataError, match="no images"):
        images_in(tmp_path)
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(DataError, match=r"a\.jpg: missing or no readable image"):
        image_size(tmp_path / "a.jpg")


def test_images_are_found_by_suffix_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.jpeg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.png", "b.JPG", "c.jpeg"]


def labels(*rows: tuple[int, int]) -> Labels:
    """Label rows of (class, identity)."""
    return np.array(
        [[label_class, identity, 0.5, 0.5, 0.1, 0.1] for label_class, identity in rows], np.float32
    ).reshape(-1, 6)


def test_people_without_identity_get_one_of_their_own() -> None:
    given = labels((0, -1), (-1, -1), (0, 3), (0, -1))
    assert identity_per_box(given, 10)[:, 1].tolist() == [10, -1, 3, 11]
    assert given[:, 1].tolist() == [-1, -1, 3, -1]


def test_identities_over_images_are_distinct_from_known_ones() -> None:
    given = [labels((0, -1), (0, 2)), labels(), labels((0, -1), (0, 0), (-1, -1))]
    found = [rows[:, 1].tolist() for rows in numbered_identities(given)]
    assert found == [[3, 2], [], [4, 0, -1]]


@pytest.mark.data
def test_published_ground_truth(mot_data: Path) -> None:
    """Boxes and identities as the data's description counts them."""
    pets = mot_labels(mot_data / "mot/PETS09-S2L1/gt/gt.txt", dict.fromkeys(range(1, 796), (768, 576)))
    assert sum(map(len, pets.values())) == 4650
    assert {int(i) for rows in pets.values() for i in rows[:, 1]} == set(range(19))
    validation = mot_labels(
        mot_data / "mot/MOT17-09-FRCNN/gt/gt_val_half.txt", dict.fromkeys(range(264, 526), (1920, 1080))
    )
    assert sum(map(len, validation.values())) == 2879
