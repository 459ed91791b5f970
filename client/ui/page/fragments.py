"""Parts of the page that run anew by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from client.ui.page.view import View
from client.ui.store.database import StoreError

P = ParamSpec("P")


def fragment(
    show: Callable[Concatenate[View, P], None], run_every: float | None = None
) -> Callable[Concatenate[View, P], None]:
    """``show``, apart from the rest of the page; a full disk is said there, as the page's own handler is not there.

    Args:
        run_every: seconds after which it runs by itself; None: only when somebody clicks in it.
    """

    @wraps(show)
    def shown(view: View, /, *arguments: P.args, **named: P.kwargs) -> None:
        try:
            show(view, *arguments, **named)
        except StoreError:
            st.error(view.words.error_disk_full, icon=":material/error:")

    return st.fragment(shown, run_every=run_every)
