"""The tests of the DCN provider "mmcv", where mmcv-full is built: in an environment of its own (mmcv.sh)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON = Path(os.environ.get("MOT_MMCV", ROOT / "build/mmcv")) / "bin/python"


@pytest.mark.mmcv
def test_the_provider_passes_its_tests_with_real_mmcv() -> None:
    if not PYTHON.exists():
        pytest.skip(f"no environment at {PYTHON.parents[1]}: tests/training/model/mmcv.sh makes one, MOT_MMCV names it")
    # Without conftest.py, which wants the project's other packages.
    options = ("-q", "--noconftest", "-p", "no:cacheprovider", "-m", "mmcv")
    command = [str(PYTHON), "-m", "pytest", *options, "tests/training/model/test_dcn.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    assert counted and int(counted[1]) >= 23 and "skipped" not in done.stdout, done.stdout
