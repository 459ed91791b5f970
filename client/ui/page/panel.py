"""How the server that finds people is doing."""

from __future__ import annotations

from html import escape

import streamlit as st

from client.ui.metrics import ServerState, read_state
from client.ui.page.fragments import fragment
from client.ui.page.view import View


def show_panel(view: View) -> None:
    """A small window behind a button; the server is asked only when it is open."""
    with st.popover(view.words.server, icon=":material/dns:", key="server", on_change="rerun") as box:
        if box.open:
            fragment(_show)(view)


def _show(view: View) -> None:
    words = view.words
    settings = view.services.settings
    state = read_state(settings)
    st.html(f"<b>{'🟢' if state.ready else '🔴'} {escape(words.server_up if state.ready else words.server_away)}</b>")
    rows = [(words.workers, str(settings.workers))] if settings.workers else []  # else they are containers' own
    rows += _rows(view, state)
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    st.html(f'<div class="mot-table" data-kind="server"><table>{body}</table></div>')
    st.button("⟳", key="refresh")


def _rows(view: View, state: ServerState) -> list[tuple[str, str]]:
    words = view.words
    if state.model is None:
        return []
    rows = [
        (words.model, f"{state.model} {state.version}"),
        (words.requests, f"{state.requests:,}"),
        (words.failures, f"{state.failures:,}"),
        (words.batch, f"{state.mean_batch:.2f}"),
        (words.queue_time, f"{state.queue_ms:.1f} ms"),
    ]
    if state.latencies_ms:
        shown = " / ".join(f"{state.latencies_ms[share]:.0f}" for share in sorted(state.latencies_ms))
        rows.append((words.latency, f"{shown} ms"))
    return rows
