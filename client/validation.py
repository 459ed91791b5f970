"""What pydantic found wrong with a user's file, in words: the key, the value, the remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from mot.errors import shortened

_LONGEST = 60  # characters of a value that is shown
_VALUELESS = ("missing", "json_invalid")
_WORDS = {"extra_forbidden": "there is no such key; leave it out or correct its name"}


def faults_of(
    error: ValidationError,
    *,
    most: int,
    words: Mapping[str, str],
    is_secret: Callable[[str, Any], bool] = lambda key, value: False,
) -> str:
    """The first faults, parted by semicolons; places in lists are counted from 1.

    Args:
        words: by pydantic's type of the fault, in the place of its own, which ``{}`` stands for.
        is_secret: of key and value, whether the value may not be shown.
    """
    faults = []
    for fault in error.errors()[:most]:
        key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in fault["loc"]) or "the file"
        kind, value, shown = fault["type"], fault["input"], repr(fault["input"])
        message = (_WORDS | dict(words)).get(kind, "{}").replace("{}", fault["msg"].removeprefix("Value error, "))
        key, message = shortened(key), shortened(message)
        hidden = kind in _VALUELESS or len(shown) > _LONGEST or is_secret(key, value)
        faults.append(f"{key}{'' if hidden else f' is {shown}'}: {message}")
    return "; ".join(faults)
