"""How the commands of ``mot-train`` and ``mot-export`` take options."""

from __future__ import annotations

_FORMER = {"out": "output"}  # name today


def _todays_name(name: str) -> str:
    """An option's name today: former ones keep working, and no help shows them."""
    return _FORMER.get(name, name)


# For the application; its commands inherit it.
CONTEXT = {"help_option_names": ["-h", "--help"], "token_normalize_func": _todays_name}
