"""How the commands of ``mot-train`` and ``mot-export`` take options."""

from __future__ import annotations

from pathlib import Path

from mot.errors import MotError

_FORMER = {"out": "output"}  # name today


def _todays_name(name: str) -> str:
    """An option's name today: former ones keep working, and no help shows them."""
    return _FORMER.get(name, name)


# For the application; its commands inherit it.
CONTEXT = {"help_option_names": ["-h", "--help"], "token_normalize_func": _todays_name}


def existing(path: Path, kind: str) -> Path:
    """The path of a file that must be there; looked for before torch is imported, which takes seconds.

    Raises:
        MotError: it is not there.
    """
    if not path.is_file():
        raise MotError(f"{path}: no such {kind}")
    return path


def check_place(last: Path, *, resume: bool) -> None:
    """Do nothing where a run may write its checkpoints to ``last``.

    Raises:
        MotError: another run has the place, or there is none to resume.
    """
    if last.exists() and not resume:
        raise MotError(f"{last} exists; continue that run with --resume or choose another --output")
    if resume and not last.exists():
        raise MotError(f"{last}: no such checkpoint to resume; leave out --resume to start a new run")
