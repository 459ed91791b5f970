from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.media import names
from training.checkpoint import CheckpointError, load_checkpoint, load_model, save_checkpoint
from training.model.fairmot import FairMOT
from training.recipe import Recipe


def state(architecture: str = "yolox_nano", **other: Any) -> dict[str, Any]:
    recipe = Recipe(name="test", architecture=architecture)
    model = FairMOT("yolox_nano").state_dict()
    return {"recipe": recipe.model_dump(mode="json"), "step": 3, "identities": 2, "model": model, "ema": {}} | other


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "new/last.pt"
    given = state()
    save_checkpoint(path, given)
    read = load_checkpoint(path)
    assert read.keys() == given.keys() | {"format"}
    assert read["recipe"] == given["recipe"]
    assert all(torch.equal(read["model"][key], tensor) for key, tensor in given["model"].items())
    model, recipe = load_model(path, "yolox_nano")
    assert recipe.name == "test"
    assert not model.training
    assert all(torch.equal(tensor, given["model"][key]) for key, tensor in model.state_dict().items())


def test_averaged_weights_are_preferred(tmp_path: Path) -> None:
    given = state()
    given["ema"] = {key: tensor + 1 for key, tensor in given["model"].items()}
    save_checkpoint(tmp_path / "last.pt", given)
    model, _ = load_model(tmp_path / "last.pt")
    key = "heatmap.out.bias"
    assert torch.equal(model.state_dict()[key], given["ema"][key])


def test_missing() -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pt: no such checkpoint"):
        load_checkpoint(Path("nowhere.pt"))


@pytest.mark.parametrize("content", [b"", b"text, not a checkpoint", b"PK\x03\x04 cut"], ids=["empty", "text", "zip"])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"last\.pt: damaged, or holds more than tensors"):
        load_checkpoint(tmp_path / "last.pt")


def test_cut_in_half(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, state())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"last\.pt: damaged"):
        load_checkpoint(path)


class Hostile:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("wrapped", [True, False], ids=["torch.save", "bare pickle"])
def test_pickled_code_is_refused_and_not_run(tmp_path: Path, wrapped: bool) -> None:
    path, marker = tmp_path / "last.pt", tmp_path / "ran"
    content = {"format": 1, **state(), "extra": Hostile(marker)}
    if wrapped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(CheckpointError, match=r"last\.pt: .*was not loaded") as caught:
        load_checkpoint(path)
    assert not marker.exists()
    assert "weights_only" not in str(caught.value)  # torch's own advice


def test_other_torch_files(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(CheckpointError, match=r"format 'list', expected 1; it was not written by mot-train fit"):
        load_checkpoint(path)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match="format None, expected 1"):
        load_checkpoint(path)
    torch.save({"format": 1, "step": 1, "ema": {}}, path)
    with pytest.raises(CheckpointError, match="recipe, identities, model missing"):
        load_checkpoint(path)


def test_another_architecture(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, state())
    with pytest.raises(CheckpointError, match=r"last\.pt: architecture 'yolox_nano', but 'mit_b1' was asked for"):
        load_model(path, "mit_b1")
    save_checkpoint(path, state("mit_b0"))  # says one thing and holds another
    with pytest.raises(CheckpointError, match=r"last\.pt: weights do not fit architecture 'mit_b0'"):
        load_model(path)


def test_a_full_disk_leaves_the_old_checkpoint_whole(small_disk: Path) -> None:
    path = small_disk / "last.pt"
    small = {"recipe": {}, "step": 1, "identities": 0, "model": {}, "ema": {}}
    save_checkpoint(path, small)
    with pytest.raises(CheckpointError, match=r"last\.pt: cannot be written .*is the disk full"):
        save_checkpoint(path, {**small, "step": 2, "model": {"w": torch.zeros(300_000)}})
    assert load_checkpoint(path)["step"] == 1
    assert names(small_disk) == {"last.pt"}


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(CheckpointError, match=r"out/last\.pt: cannot be written"):
        save_checkpoint(tmp_path / "out/last.pt", state())
