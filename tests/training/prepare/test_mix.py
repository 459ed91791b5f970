from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from tests.training.prepare.snapshot import snapshot
from training.data.labels import DataError, label_path, read_labels, write_labels
from training.prepare.mix import convert_mix, find_mix, prepare_mix


def labelled(image: Path, *identities: int) -> Path:
    write_image(image, numbered_image(1))
    rows = np.array([[0, identity, 0.5, 0.5, 0.1, 0.4] for identity in identities], np.float32).reshape(-1, 6)
    write_labels(label_path(image), rows)
    return image


def names(source: Path, name: str, lists: Path | None = None) -> tuple[list[str], list[str]]:
    found = find_mix(source, name, lists)
    assert found is not None
    return list(found.images["train"]), list(found.images["test"])


def test_the_published_layouts(tmp_path: Path) -> None:
    for name in (
        "Caltech/data/images/set00_V000_0.png",
        "Citypersons/images/train/jena/jena_1.png",
        "Citypersons/images/val/lindau/lindau_1.png",
        "ETHZ/eth02/images/image_00000001_0.png",
        "ETHZ/eth01/images/image_00000001_0.png",
        "MOT17/images/train/MOT17-02-SDP/img1/000001.jpg",
        "PRW/images/c1s1_000151.jpg",
    ):
        labelled(tmp_path / name, 1)
    assert names(tmp_path, "caltech") == (["data/set00_V000_0.png"], [])
    assert names(tmp_path, "citypersons") == (["train/jena/jena_1.png"], ["val/lindau/lindau_1.png"])
    assert names(tmp_path, "eth") == (["eth01/image_00000001_0.png", "eth02/image_00000001_0.png"], [])
    assert names(tmp_path, "mot17") == (["train/MOT17-02-SDP/img1/000001.jpg"], [])
    assert names(tmp_path, "prw") == (["c1s1_000151.jpg"], [])
    assert find_mix(tmp_path, "cuhksysu", None) is None


def test_images_without_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    labelled(tmp_path / "PRW/images/a.jpg", 3)
    labelled(tmp_path / "PRW/images/b.jpg")  # labels that say: nobody
    write_image(tmp_path / "PRW/images/c.jpg", numbered_image(2))
    found = find_mix(tmp_path, "prw", None)
    assert found is not None
    assert found.unlabelled == 1
    assert names(tmp_path, "prw") == (["a.jpg", "b.jpg"], [])


def test_the_original_s_lists_choose(tmp_path: Path) -> None:
    for name in "abc":
        labelled(tmp_path / f"mix/CUHKSYSU/images/{name}.jpg", 1)
        labelled(tmp_path / f"mix/Caltech/data/images/{name}.png", 1)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "cuhksysu.train").write_text("CUHKSYSU/images/c.jpg\n\nCUHKSYSU/images/a.jpg\n")
    (lists / "caltech.train").write_text("never read\n")
    (lists / "caltech.all").write_text("Caltech/data/images/b.png\n")
    assert names(tmp_path / "mix", "cuhksysu", lists) == (["c.jpg", "a.jpg"], [])
    assert names(tmp_path / "mix", "caltech", lists) == (["data/b.png"], [])
    labelled(tmp_path / "mix/PRW/images/a.jpg")
    with pytest.raises(DataError, match=r"lists: no prw\.all or prw\.train in it"):
        find_mix(tmp_path / "mix", "prw", lists)
    for line in ("PRW/images/z.jpg", str(tmp_path / "lists/prw.train")):
        (lists / "prw.train").write_text(f"PRW/images/a.jpg\n{line}\n")
        with pytest.raises(DataError, match=r"prw\.train:2: no image .*; is the archive unpacked whole"):
            find_mix(tmp_path / "mix", "prw", lists)


def test_conversion(tmp_path: Path) -> None:
    source, out = tmp_path / "mix", tmp_path / "out"
    image = labelled(source / "ETHZ/eth01/images/1.png", 5, -1)
    labelled(source / "ETHZ/eth01/images/2.png")
    with label_path(image).open("a") as file:
        file.write("0 7 1.5 0.5 0.2 0.2\n")  # wholly outside
    found = find_mix(source, "eth", None)
    assert found is not None
    converted = convert_mix(out, "eth", found)
    assert (converted["train"].people, converted["train"].left_out) == (2, {"outside of the image": 1})
    assert read_labels(out / "eth/train/labels_with_ids/eth01/1.txt")[:, 1].tolist() == [5, -1]
    assert (out / "eth/train/images/eth01/1.png").resolve() == image
    assert (out / "eth.train").read_text() == "eth/train/images/eth01/1.png\neth/train/images/eth01/2.png\n"
    assert json.loads((out / "data.json").read_text()) == {"root": ".", "train": {"eth": "eth.train"}}
    before = snapshot(out)
    convert_mix(out, "eth", found)
    assert snapshot(out) == before


def test_faults_are_named(tmp_path: Path) -> None:
    image = labelled(tmp_path / "PRW/images/a.jpg", 1)
    found = find_mix(tmp_path, "prw", None)
    assert found is not None
    label_path(image).write_text("0 1 0.5 0.5 0.1 0.4\n0 1 0.5 0.5 0 0.4\n")
    with pytest.raises(DataError, match=r"PRW/labels_with_ids/a\.txt:2: .*positive size"):
        convert_mix(tmp_path / "out", "prw", found)
    image.write_text("no image")
    with pytest.raises(DataError, match=r"a\.jpg: missing or no readable image"):
        convert_mix(tmp_path / "out", "prw", found)


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    labelled(tmp_path / "disk/images/a.jpg", 3)
    (tmp_path / "PRW").mkdir()
    for name in ("images", "labels_with_ids"):
        (tmp_path / "PRW" / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "disk/images/again").symlink_to(tmp_path / "disk/images")
    assert names(tmp_path, "prw") == (["a.jpg"], [])


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing of the MIX in it; looked for the folders PRW"):
        prepare_mix(tmp_path, tmp_path / "out", ["prw"], None)
    write_image(tmp_path / "PRW/images/a.jpg", numbered_image(1))
    with pytest.raises(DataError, match="PRW: nobody was found in 0 images; left out: 1 images without a label file"):
        prepare_mix(tmp_path, tmp_path / "out", ["prw"], None)


def test_splits_of_one_name_have_places_of_their_own(tmp_path: Path) -> None:
    labelled(tmp_path / "Citypersons/images/train/a.png", 1)
    labelled(tmp_path / "Citypersons/images/val/a.png", 2)
    (adopted,) = prepare_mix(tmp_path, tmp_path / "out", ["citypersons"], None)
    assert [len(part.images) for part in adopted.converted.values()] == [1, 1]
    assert (tmp_path / "out/citypersons/test/images/val/a.png").is_file()
