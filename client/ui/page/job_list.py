"""A person's jobs, newest first, with what each is doing."""

from __future__ import annotations

from html import escape

import streamlit as st

from client.ui.page.actions import delete_job
from client.ui.page.fragments import fragment
from client.ui.page.progress import status_text, timing_text
from client.ui.page.view import View
from client.ui.store.forecast import Place, places
from client.ui.store.jobs import Job

_LOOK_S = 1.0
_MOST = 12  # jobs that have ended, until a person asks for the others; each is a dozen objects in the server's memory
_ALL = "all-jobs"
_ICONS = {"queued": "⏳", "running": "▶️", "done": "✅", "failed": "⚠️", "cancelled": "✖️"}


def show_jobs(view: View) -> None:
    """The list; it looks for news by itself while anything waits or runs."""
    live = any(job.live for job in view.services.jobs.of(view.owner))
    fragment(_show_list, _LOOK_S if live else None)(view)


def _show_list(view: View) -> None:
    words, jobs = view.words, view.services.jobs.of(view.owner)
    st.html(f'<div class="mot-step">{escape(words.yours)}</div>')
    if not jobs:
        st.info(words.none_yet)
        return
    waiting = places(view.services.database, view.services.settings.workers) if any(j.live for j in jobs) else {}
    shown = jobs if st.session_state.get(_ALL) else [job for n, job in enumerate(jobs) if n < _MOST or job.live]
    for job in shown:
        _show_row(view, job, waiting.get(job.id))
    if len(shown) < len(jobs):
        st.button(words.older.format(count=len(jobs)), key="older", width="stretch", on_click=_want_all)


def _want_all() -> None:
    st.session_state[_ALL] = True


def _show_row(view: View, job: Job, place: Place | None) -> None:
    words = view.words
    with st.container(border=True):
        text, actions = st.columns([6, 3], vertical_alignment="center")
        with text:
            detail = " · ".join(filter(None, [status_text(words, job, place), timing_text(words, job)]))
            st.html(
                f"{_ICONS[job.state]} <b>{escape(job.title)}</b>"
                f'<p class="mot-soft" data-state="{job.state}">{escape(detail)}</p>'
            )
            if job.state == "running" and job.total:
                st.progress(min(1.0, job.frames / job.total))
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(words.open, key=f"open-{job.id}", type="primary" if job.state == "done" else "secondary"):
                st.query_params["job"] = job.id
                st.rerun()
            if job.live:
                if st.button(words.cancel, key=f"cancel-{job.id}"):
                    view.services.jobs.cancel(view.owner, job.id)
                    st.rerun()
            else:
                delete_job(view, job)
