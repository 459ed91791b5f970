"""File names from outside: shown, sent back with downloads, never used as paths."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_LONGEST = 120  # characters


def display_name(name: str) -> str:
    """The last part of a path of any system, without characters that steer terminals, lines or writing direction."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    shown = shown.strip().strip(".") or "video"
    if len(shown) > _LONGEST:
        stem, dot, suffix = shown.rpartition(".")
        keep = _LONGEST - len(suffix) - 1
        shown = f"{stem[:keep]}.{suffix}" if dot and len(suffix) < 8 else shown[:_LONGEST]
    return shown


def disposition(name: str) -> str:
    """A ``Content-Disposition`` that saves under ``name`` (RFC 6266; RFC 8187 for what is not ASCII)."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%;' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
