"""JSON and TOML out of anybody's files: whatever Python's parsers stumble over is a ValueError."""

from __future__ import annotations

import json
import tomllib
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is none, is no UTF-8, UTF-16 or UTF-32, has a number of thousands of digits, or is deeper than
            anybody writes.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("too deeply nested") from error


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text holds.

    Raises:
        ValueError: as :func:`parse_json`.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("too deeply nested") from error
