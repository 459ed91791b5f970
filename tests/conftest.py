"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mot_data() -> Path:
    """Folder of the research data; the test is skipped where it is missing."""
    folder = Path(os.environ.get("MOT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"research data not found at {folder}; set MOT_DATA")
    return folder
