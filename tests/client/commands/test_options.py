"""What the commands say of a model or a host that is not there, and how soon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import ROOT, Outcome

HEAVY = "{'av', 'cv2', 'grpc', 'numba', 'numpy', 'onnxruntime', 'scipy', 'tritonclient'}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("track", "a.mp4", "--model", "nowhere.onnx"), "nowhere.onnx: no such model; give an ONNX file"),
        (
            ("track", "a.mp4", "--model", "nobody"),
            "nobody/1/model.onnx: no such model file; it has fairmot, fairmot_fast (--model NAME)",
        ),
        (("track", "a.mp4", "--model-repository", "nowhere"), "nowhere/fairmot/1/model.onnx: no such model file"),
        (("track", "a.mp4", "--url", "host", "--model", "my.onnx"), "a server elsewhere has models of its own"),
        (("serve", "--model", "nowhere.onnx"), "nowhere.onnx: no such model"),
        (("serve", "--model-repository", "nowhere"), "nowhere/fairmot/1/model.onnx: no such model file"),
        (("serve", "--host", "10.99.99.99"), "the host is not an IPv4 address of this machine"),
        (("challenge", "track", "--root", ".", "--split", "test", "--model", "no.onnx"), "no.onnx: no such model"),
    ],
)
def test_what_is_not_there_is_said_before_anything_heavy_is_imported(arguments: tuple[str, ...], message: str) -> None:
    code = (
        "import sys; from client.cli import main\n"
        f"try: main({list(arguments)!r})\n"
        f"except SystemExit as end: print(end.code, sorted({HEAVY} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stdout == "1 []\n"


def test_a_checkpoint_is_no_model_to_track_with(mot: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "last.pt").touch()
    outcome = mot("track", "a.mp4", "--model", tmp_path / "last.pt")
    assert outcome.status == 1
    assert "a checkpoint, which is for training; export it first: mot-export model " in outcome.err
