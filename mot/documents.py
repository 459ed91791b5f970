"""JSON and TOML out of anybody's files: whatever Python's parsers stumble over is a ValueError."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from mot.errors import MotError, shortened
from mot.files import no_text, read_bytes, text_of


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


def read_toml(path: Path, error: type[MotError], hint: str) -> dict[str, Any]:
    """What a TOML file holds.

    Args:
        error: of whoever reads it.
        hint: ends the sentence that says that it is no TOML.

    Raises:
        MotError: an ``error``; the file cannot be read, is no text, or no TOML.
    """
    try:
        return parse_toml(text_of(read_bytes(path)))
    except OSError as cause:
        raise error(f"{path}: cannot be read: {cause.strerror}; check the path") from cause
    except UnicodeDecodeError as cause:
        raise error(f"{path}: {no_text(cause)}") from cause
    except ValueError as cause:
        raise error(f"{path}: is not TOML: {shortened(str(cause))}; {hint}") from cause
