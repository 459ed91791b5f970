"""client.serving.listing: what a repository holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.serving.listing import listed_models
from client.serving.model import ModelError
from mot.contract import ContractError
from tests.tiny_model import TINY, save


def test_the_newest_version_speaks_for_a_model(tmp_path: Path) -> None:
    for version in (1, 10, 9):
        save(tmp_path / f"people/{version}/model.onnx")
    (only,) = listed_models(tmp_path)
    assert (only.name, only.size, only.graph, only.spec) == ("people", None, tmp_path / "people/10/model.onnx", TINY)


@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
def test_no_model(tmp_path: Path, there: bool) -> None:
    folder = tmp_path if there else tmp_path / "gone"
    with pytest.raises(ModelError, match="holds no model"):
        listed_models(folder)


def test_a_file_of_another_program_is_named(tmp_path: Path) -> None:
    save(tmp_path / "people/1/model.onnx", metadata={})
    with pytest.raises(ContractError, match=r"people/1/model\.onnx: no contract metadata"):
        listed_models(tmp_path)
