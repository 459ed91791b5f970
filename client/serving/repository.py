"""Which model repository is meant: the one named, the environment's, the one inside the wheel, the checkout's."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "MOT_MODEL_REPOSITORY"
_PACKAGED = Path(__file__).with_name("model_repository")  # where the wheel has it (pyproject.toml, force-include)
_CHECKOUT = Path(__file__).resolve().parents[2] / "model_repository"


def model_repository(named: Path | None = None) -> Path:
    """The directory that holds the model's directory ``fairmot``; the first of these that there is.

    1. ``named``, an option or an argument
    2. the environment variable ``MOT_MODEL_REPOSITORY``, unless it is empty
    3. the shipped one: inside the package where a wheel was installed, else that of the checkout

    Whoever reads it says what is missing in it.
    """
    if named is not None:
        return named
    if variable := os.environ.get(VARIABLE):
        return Path(variable)
    return shipped_repository()


def shipped_repository() -> Path:
    """The repository that came with this program, with its model card ``README.md``."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
