"""Parts of the page in plain JavaScript: uploads, the live picture, results, places. Nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def part(name: str, key: str, data: Mapping[str, Any], **callbacks: Callable[[], None]) -> Any:
    """Show the part whose files are ``NAME.js`` and ``NAME.css``; returns its state.

    ``data`` goes as the only item of a list: in a mapping Streamlit would look for tables, for which it loads pandas
    and pyarrow, 85 MB.
    """
    return _component(name)(key=key, data=[dict(data)], **callbacks)


@cache
def _component(name: str) -> Any:
    from streamlit.components.v2 import component

    css, own, js = (_text(file) for file in ("common.css", f"{name}.css", f"{name}.js"))
    return component(f"mot.{name}", html='<div class="root"></div>', css=css + own, js=js)


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
