from __future__ import annotations

from pathlib import Path

import pytest

from client.serving.model import models_in
from export.triton.config import BACKEND

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository"
MODELS = [REPOSITORY / name for name in models_in(REPOSITORY)]


@pytest.mark.parametrize("served", MODELS, ids=lambda path: path.name)
def test_the_served_program_is_a_copy(served: Path) -> None:
    assert (served / "1" / "model.py").read_bytes() == BACKEND.read_bytes(), "mot-export config writes it again"


@pytest.mark.parametrize("served", MODELS, ids=lambda path: path.name)
def test_a_served_folder_holds_what_a_server_needs_and_nothing_else(served: Path) -> None:
    files = {str(path.relative_to(served)) for path in served.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files == {"config.pbtxt", "configs/local.pbtxt", "1/model.onnx", "1/model.py"}
