"""The sample video, as the page offers it."""

from __future__ import annotations

from pathlib import Path

from mot.files import user_cache

SAMPLE_NAME = "vtest.avi"
SAMPLE_FRAMES = 795


def sample_path() -> Path:
    """Where it is, or will be once it is fetched."""
    return user_cache() / SAMPLE_NAME
