from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from export import verify
from export.parity import Limits, ParityError
from export.verify import compare, sample_images
from mot.contract import ModelSpec
from mot.errors import MotError
from training.checkpoint import load_model
from training.model.rtmdet import RTMDet

Exported = tuple[Path, ModelSpec]


def test_export_agrees_with_its_checkpoint(exported: Exported, checkpoint: Path) -> None:
    path, spec = exported
    model, _ = load_model(checkpoint)
    comparison = compare(model, path, spec, sample_images(spec, []))
    assert [r.batch for r in comparison.results] == [1, 8]
    assert all(r.rows > 20 for r in comparison.results)
    comparison.require(path)


@pytest.mark.parametrize(
    ("part", "message"), [("heatmap", "scores"), ("box", "boxes"), ("embedding", "embeddings"), ("offset", "boxes")]
)
def test_any_changed_head_is_noticed(exported: Exported, checkpoint: Path, part: str, message: str) -> None:
    path, spec = exported
    model, _ = load_model(checkpoint)
    with torch.no_grad():
        getattr(model, part).out.bias[0] += 0.05
    comparison = compare(model, path, spec, sample_images(spec, []))
    assert max(getattr(r.confident | r.faint, message) for r in comparison.results) > getattr(Limits(), message)
    with pytest.raises(ParityError, match="differs from PyTorch"):
        comparison.require(path)


def test_real_images_are_letterboxed(exported: Exported, tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((10, 10, 3), (0, 0, 255), np.uint8))
    image = sample_images(exported[1], [path], count=1)[0]
    assert image.shape == exported[1].image.shape
    assert image[32, 48].tolist() == [255, 0, 0]
    assert image[0, 0].tolist() == [127, 127, 127]
    assert (sample_images(exported[1], [path], count=3) == image).all(), "the batch is filled with the files in turn"


def test_unreadable_image_is_named(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"missing\.jpg: missing or no readable image"):
        sample_images(exported[1], [tmp_path / "missing.jpg"])


def test_an_embedding_read_in_the_next_cell_is_no_difference() -> None:
    """Rounding decides between two cells where a box's middle lies on their border; anywhere else it may not."""
    model = RTMDet("rtmdet_nano")
    box = np.array([[100.0, 40.0, 140.0, 160.0]], np.float32)
    one, other = np.eye(64, dtype=np.float32)[:1], np.eye(64, dtype=np.float32)[1:2]
    score = np.array([0.5], np.float32)

    def difference(moved: float) -> float:
        theirs = verify._rows([(box + np.float32(moved))[None], score[None], other[None]], model)
        (ours,) = verify._rows([box[None], score[None], one[None]], model)
        return verify._difference(ours, np.array([0]), theirs[0]).embeddings

    assert difference(-1e-4) == 0  # x = 120, the middle, is where a cell begins
    assert difference(1e-4) == 1
