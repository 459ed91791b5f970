"""Words chosen by language, and numbers as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from client.ui.page.chinese import CHINESE
from client.ui.page.english import ENGLISH
from client.ui.page.words import Language, Words

WORDS: dict[Language, Words] = {"en": ENGLISH, "zh": CHINESE}
_DETAILED = frozenset({"not_video", "other", "zip_damaged", "model"})  # whose message says more than the sentence


def language_of(wanted: str | None, locale: str | None) -> Language:
    """The one in the address, else the browser's."""
    if wanted in WORDS:
        return "zh" if wanted == "zh" else "en"
    return "zh" if (locale or "").lower().startswith("zh") else "en"


def size_text(size: float) -> str:
    """``1.5 GB``: binary units, as file managers show them."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f}".removesuffix(".0") + " GB"


def time_text(seconds: float) -> str:
    """``0:07``, ``12:30``, ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def sentence(words: Words, kind: str, error: str = "", values: Mapping[str, Any] | None = None) -> str:
    """What a person reads of an error: in their language, with what the server said where that helps."""
    found = getattr(words, f"error_{kind}", words.error_other)
    shown = {name: size_text(value) if _is_size(kind, name) else value for name, value in (values or {}).items()}
    try:
        text = str(found.format(**shown))
    except (KeyError, IndexError):
        text = words.error_other
    detail = kind in _DETAILED or not hasattr(words, f"error_{kind}")
    return f"{text} ({error})" if detail and error else text


def upload_sentence(words: Words, kind: str, error: str) -> str:
    """Of an upload, whose error holds the values of its sentence."""
    try:
        stored = json.loads(error)
    except JSONDecodeError:
        stored = {"error": error, "values": {}}
    return sentence(words, kind, stored["error"], stored["values"])


def _is_size(kind: str, name: str) -> bool:
    return name == "limit" and kind in ("too_large", "too_many", "zip_bomb")
