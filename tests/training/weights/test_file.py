from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from training.checkpoint import CheckpointError, save_checkpoint
from training.recipe import Recipe
from training.weights.file import WeightError, read_weights

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.bias": torch.tensor([1.5])}


def same(given: dict[str, torch.Tensor]) -> bool:
    return given.keys() == TENSORS.keys() and all(torch.equal(given[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("zipped", [True, False], ids=["torch 1.6 and newer", "older torch"])
@pytest.mark.parametrize("parallel", [True, False], ids=["DataParallel", "one device"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["state_dict", "bare"])
def test_torch_files(tmp_path: Path, wrapped: bool, parallel: bool, zipped: bool) -> None:
    path = tmp_path / "model.pth"
    state = {f"module.{name}" if parallel else name: tensor for name, tensor in TENSORS.items()}
    content = {"epoch": 30, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}} if wrapped else state
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    file = read_weights(path)
    assert same(file.tensors)
    assert not file.own
    assert file.origin == str(path)


def test_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(TENSORS, path, metadata={"format": "pt"})
    assert same(read_weights(path).tensors)


def test_mmcvs_meta_beside_the_weights(tmp_path: Path) -> None:
    meta = {"mmcv_version": "1.7.2", "time": "Fri", "CLASSES": ("person",)}
    torch.save({"meta": meta, "state_dict": TENSORS}, tmp_path / "model.pth")
    assert same(read_weights(tmp_path / "model.pth").tensors)


@pytest.mark.parametrize("averaged", [True, False])
def test_own_checkpoints(tmp_path: Path, averaged: bool) -> None:
    """The averaged weights are preferred, and the origin says what they are."""
    path = tmp_path / "last.pt"
    recipe = Recipe(name="x", architecture="mit_b0").model_dump(mode="json")
    other = {name: tensor + 1 for name, tensor in TENSORS.items()}
    weights = {"model": other, "ema": TENSORS} if averaged else {"model": TENSORS, "ema": {}}
    save_checkpoint(path, {"recipe": recipe, "step": 7, "identities": 0, **weights})
    file = read_weights(path)
    assert same(file.tensors)
    assert file.own
    assert file.origin == f"{path} (mit_b0, step 7{', averaged weights' if averaged else ''})"


@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
@pytest.mark.parametrize("number", [np.float64(0.1), np.float32(2), np.int64(3), np.bool_(True)], ids=repr)
def test_numpy_numbers_of_old_checkpoints(tmp_path: Path, number: np.generic, module: bytes) -> None:
    """As numpy 2 writes them, and as numpy 1 did."""
    path = tmp_path / "model.pth"
    torch.save({"epoch": number, "state_dict": TENSORS}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    assert b"numpy._core.multiarray" in content
    path.write_bytes(content.replace(b"numpy._core.multiarray", module))
    assert same(read_weights(path).tensors)
    with pytest.raises(Exception, match="Weights only load failed"):  # and the allowance has ended
        torch.load(path, weights_only=True)


class Hostile:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("suffix", ["pth", "bin", "pt"])
@pytest.mark.parametrize("form", ["zip", "older torch", "bare pickle"])
def test_pickled_code_is_refused_and_not_run(tmp_path: Path, form: str, suffix: str) -> None:
    path, marker = tmp_path / f"model.{suffix}", tmp_path / "ran"
    content = {"state_dict": TENSORS, "epoch": Hostile(marker)}
    if form == "bare pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(CheckpointError, match=rf"model\.{suffix}: .*was not loaded.*save its state_dict alone"):
        read_weights(path)
    assert not marker.exists()
    if form == "bare pickle":  # it would have run
        pickle.loads(path.read_bytes())
        assert marker.exists()


@pytest.mark.parametrize("other", [np.zeros(3), np.array([{}]), np.datetime64("2020-01-01"), Path("x")], ids=repr)
def test_nothing_but_numbers_of_numpy(tmp_path: Path, other: object) -> None:
    torch.save({"state_dict": TENSORS, "epoch": other}, tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="was not loaded"):
        read_weights(tmp_path / "model.pth")


@pytest.mark.parametrize("content", [[], {}, {"epoch": 3}, {"state_dict": {}}, torch.zeros(1)], ids=str)
def test_no_tensors_by_name(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(WeightError, match=r"model\.pth: no tensors by name in it"):
        read_weights(tmp_path / "model.pth")


@pytest.mark.parametrize("content", [b"", b"text", b"\x08" + b"\0" * 7 + b"not json"], ids=["empty", "text", "header"])
def test_damaged_safetensors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightError, match=r"model\.safetensors: cannot be read as safetensors"):
        read_weights(tmp_path / "model.safetensors")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_safetensors_file_under_another_name(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match=r"model\.pth: damaged"):
        read_weights(tmp_path / "model.pth")
