"""Parts of the page in plain JavaScript: uploads, the live picture, results, places. Nothing comes from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


@cache
def part(name: str) -> ComponentRenderer:
    """The part whose files are ``NAME.js`` and ``NAME.css``."""
    from streamlit.components.v2 import component

    css = (_FOLDER / "common.css").read_text(encoding="utf-8") + (_FOLDER / f"{name}.css").read_text(encoding="utf-8")
    return component(
        f"mot.{name}", html='<div class="root"></div>', css=css, js=(_FOLDER / f"{name}.js").read_text(encoding="utf-8")
    )
