"""ONNX Runtime reports to nobody, whichever of our packages is imported first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT


def environment(home: Path) -> dict[str, str]:
    """As a user has it: no word about telemetry, and none of continuous integration, where ONNX Runtime is silent."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(home)}


@pytest.mark.parametrize("package", ["mot", "client", "export", "training"])
def test_each_package_says_so_before_anything_else_is_imported(package: str, tmp_path: Path) -> None:
    code = f"import sys, os, {package}; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", code], env=environment(tmp_path), text=True)
    assert said == "1 False\n"


def test_a_user_s_choice_is_respected(tmp_path: Path) -> None:
    chosen = environment(tmp_path) | {"ORT_DISABLE_TELEMETRY": "0"}
    code = "import os, mot; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert subprocess.check_output([sys.executable, "-c", code], env=chosen, text=True) == "0\n"


def test_a_session_leaves_nothing_at_home(tmp_path: Path) -> None:
    """Where it reports, there are a device's number and a database of what is to be sent."""
    code = (
        "from client.detection.onnx import OnnxDetector; from client.serving.network import NetworkConfig\n"
        "OnnxDetector(NetworkConfig(kind='local').model_file(), workers=1).close()\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), check=True)
    assert not list(tmp_path.rglob("*"))
