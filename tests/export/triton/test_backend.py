from __future__ import annotations

from pathlib import Path

from export.triton.config import BACKEND
from mot.contract import MODEL_NAME

SERVED = Path(__file__).resolve().parents[3] / "model_repository" / MODEL_NAME


def test_the_served_program_is_a_copy() -> None:
    assert (SERVED / "1" / "model.py").read_bytes() == BACKEND.read_bytes(), "mot-export config writes it again"


def test_the_served_folder_holds_what_a_server_needs_and_nothing_else() -> None:
    files = {str(path.relative_to(SERVED)) for path in SERVED.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files == {"config.pbtxt", "configs/local.pbtxt", "1/model.onnx", "1/model.py"}
