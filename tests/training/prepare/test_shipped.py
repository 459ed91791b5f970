from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media import make_video, numbered_image, write_image
from tests.training.prepare.snapshot import snapshot
from training.data.labels import DataError, write_labels
from training.data.samples import load_samples
from training.prepare import shipped


def sequence(folder: Path, frames: range, gt: str) -> None:
    for number in frames:
        write_image(folder / f"img1/{number:06d}.jpg", numbered_image(number % 60))
    (folder / "gt").mkdir()
    rows = (f"{number},{1 + number % 2},10,10,20,30,1,1,1\n" for number in frames)
    (folder / "gt" / gt).write_text("".join(rows))


@pytest.fixture
def layout(tmp_path: Path, mot_data: Path) -> Path:
    """The research data's layout in small, validation frames included; the teacher is the real one."""
    root = tmp_path / "data"
    (root / "videos").mkdir(parents=True)
    make_video(root / "videos/vtest.avi", [numbered_image(number % 60) for number in range(410)])
    make_video(root / "videos/clip.mp4", [numbered_image(number) for number in range(3)])
    pets = root / "mot/PETS09-S2L1/gt"
    pets.mkdir(parents=True)
    (pets / "gt.txt").write_text("".join(f"{n},5,10,10,20,30,1,-1,-1,-1\n" for n in range(1, 411)))
    sequence(root / "mot/MOT17-09-FRCNN", range(1, 271), "gt_train_half.txt")
    official = root / "mot/MOT17-train-half-gt"
    official.mkdir()
    rows = (f"{number},{1 + number % 4 // 2},10,10,20,30,1,1,1\n" for number in range(1, 264))
    (official / "MOT17-09_train_half_1-263.txt").write_text("".join(rows))
    sequence(root / "mot/MOT17-02-half", range(1, 3), "gt.txt")
    sequence(root / "mot/ETH-Bahnhof", range(1, 3), "gt.txt")
    sequence(root / "mot/MOT17-mini/MOT17-05-FRCNN", range(1, 3), "gt.txt")
    sequence(root / "mot/MOT17-mini/MOT17-02-FRCNN", range(1, 3), "gt.txt")
    sequence(root / "mot/MOT17-mini/MOT17-09-FRCNN", range(1, 3), "gt.txt")
    for name, labels in (("pennfudan", "labels_with_ids"), ("coco_people", "labels_with_ids"), ("prw_c6s1", "labels")):
        write_image(root / f"stills/{name}/images/a.png", numbered_image(3, 96, 64))
        write_labels(root / f"stills/{name}/{labels}/a.txt", np.array([[0, -1, 0.5, 0.5, 0.2, 0.7]], np.float32))
    for name in (*shipped.SEQUENCES, *shipped.SINGLE, "bobot_j", "epfl_campus4_c0", "mall", "clips"):
        write_image(root / f"unlabelled/{name}/a.png", numbered_image(4))
    for person in ("0002", "0007"):
        write_image(root / f"reid/market1501/{person}/{person}_c1.jpg", numbered_image(5, 64, 128))
    (root / "models").mkdir()
    (root / shipped.TEACHER).symlink_to(mot_data / shipped.TEACHER)
    return root


@pytest.mark.data
def test_only_training_frames_are_used_and_a_second_run_changes_nothing(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "VIDEOS", {"clip": 3})
    said: list[str] = []
    config = shipped.prepare_shipped(layout, tmp_path / "out", said.append)
    samples = load_samples(config)
    frames: dict[str, list[str]] = {}
    for sample in samples.samples:
        frames.setdefault(sample.image.parent.parent.name, []).append(sample.image.stem)
    assert {name: len(stems) for name, stems in frames.items()} == {
        "MOT17-05-FRCNN": 2,
        "bobot_j": 1,
        "clip": 3,
        "coco_people": 1,
        "epfl_campus4_c0": 1,
        "eth": 2,
        "mall": 1,
        "market1501": 1,
        "mot17-02": 2,
        "mot17-09": 132,
        "pennfudan": 1,
        "pets": 199,
        "prw_c6s1": 1,
        "sequence_follow": 1,
        "sequence_pedestrians": 1,
        "sequence_walking": 1,
        "street": 1,
    }
    assert max(frames["pets"]) == "000397"
    assert max(frames["mot17-09"]) == "000263"
    # PETS, MOT17-09, -02, -05, ETH, a person each in two stills (not in PRW, whose people come again), two crops
    assert samples.identities == 1 + 2 + 2 + 2 + 2 + 1 + 1 + 2
    assert "pennfudan" in said
    before = snapshot(tmp_path / "out")
    shipped.prepare_shipped(layout, tmp_path / "out", said.append)
    assert snapshot(tmp_path / "out") == before


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder 'mot' in it; see model_repository/README\.md"):
        shipped.prepare_shipped(tmp_path, tmp_path / "out", print)
