from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.training.scenes import HEIGHT, PEOPLE, WIDTH, perfect, write_scene
from training.measure import Predict, measure
from training.scene import Scene
from training.scoreboard import MEASURES

CPU = torch.device("cpu")


def nothing() -> None:
    pass


def scores(predict: Predict, scene: Scene, scale: int = 2) -> dict[str, float]:
    return measure(predict, scene, width=WIDTH * scale, height=HEIGHT * scale, device=CPU, check=nothing)


def test_a_perfect_detector_is_perfect(tmp_path: Path) -> None:
    """Through the letterbox and back, and through the tracker: a scene of 12 frames in batches of 8."""
    found = scores(perfect, Scene(sequence=str(write_scene(tmp_path))))
    assert tuple(found) == MEASURES
    # HOTA looks at overlaps of up to 0.95, too, and the tracker's boxes are smoothed.
    assert 90 < found.pop("HOTA") < 100
    assert found == {"AP50": 100, "MOTA": 100, "IDF1": 100, "Rcll": 100, "Prcn": 100, "ID Sw.": 0}


def test_a_letterbox_with_borders_comes_back(tmp_path: Path) -> None:
    scene = Scene(sequence=str(write_scene(tmp_path)))
    found = measure(perfect, scene, width=256, height=128, device=CPU, check=nothing)
    assert found["AP50"] == 100
    assert found["MOTA"] == 100


def test_a_part_of_a_sequence(tmp_path: Path) -> None:
    seen: list[int] = []

    def predict(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen.append(len(images))
        return perfect(images)

    found = scores(predict, Scene(sequence=str(write_scene(tmp_path)), frames=(2, 11)))
    assert seen == [8, 2]
    assert found["MOTA"] == 100


def test_someone_who_is_missed(tmp_path: Path) -> None:
    def short_sighted(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, values, embeddings = perfect(images)
        values[:, 1] = 0
        return boxes, values, embeddings

    folder = write_scene(tmp_path)
    found = scores(short_sighted, Scene(sequence=str(folder)))
    assert (found["MOTA"], found["Rcll"], found["Prcn"]) == (50, 50, 100)
    assert found["AP50"] == pytest.approx(100 * 51 / 101)


def test_a_blind_detector(tmp_path: Path) -> None:
    def blind(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, values, embeddings = perfect(images)
        return boxes, 0 * values, embeddings

    found = scores(blind, Scene(sequence=str(write_scene(tmp_path))))
    assert (found["AP50"], found["MOTA"], found["HOTA"], found["IDF1"]) == (0, 0, 0, 0)


def test_distractors_count_neither_way(tmp_path: Path) -> None:
    folder = write_scene(tmp_path, classes=(1, 8))
    found = scores(perfect, Scene(sequence=str(folder)))
    assert (found["AP50"], found["MOTA"]) == (100, 100)
    assert PEOPLE == 2


def test_the_check_ends_it(tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(perfect, Scene(sequence=str(write_scene(tmp_path))), width=WIDTH, height=HEIGHT, device=CPU, check=stop)
