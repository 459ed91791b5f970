"""One job: what it is doing, or what has come of it."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from client.ui.page.actions import delete_job
from client.ui.page.fragments import fragment
from client.ui.page.outcome import show_outcome
from client.ui.page.parts import part
from client.ui.page.phrases import sentence
from client.ui.page.progress import status_text, timing_text
from client.ui.page.view import View
from client.ui.store.forecast import places
from client.ui.store.jobs import Job

_LOOK_S = 0.3


def show_job(view: View, id: str) -> None:
    """The view of ``?job=ID``."""
    words = view.words
    job = view.services.jobs.get(view.owner, id)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(words.home, key="home", icon=":material/arrow_back:"):
            del st.query_params["job"]
            st.rerun()
    if job is None:
        st.warning(words.gone)
        return
    st.html(f'<div class="mot-step">{escape(job.title)}</div>')
    if job.live:
        fragment(_show_live, _LOOK_S)(view, id)
    elif job.state == "done":
        if job.error_kind:  # of a drawing; the earlier results are there
            st.warning(sentence(words, job.error_kind, job.error))
        show_outcome(view, job)
    else:
        _show_failure(view, job)


def _show_live(view: View, id: str) -> None:
    """Runs by itself until the job ends."""
    job = view.services.jobs.get(view.owner, id)
    if job is None or not job.live:
        st.rerun()
    words = view.words
    place = places(view.services.database, view.services.settings.workers).get(id) if job.state == "queued" else None
    if job.error_kind == "server_away":
        st.warning(words.waiting_server, icon=":material/cloud_off:")
        job = replace(job, error_kind="")  # is said
    st.progress(min(1.0, job.frames / job.total) if job.total and job.state == "running" else 0.0)
    detail = " · ".join(filter(None, [status_text(words, job, place), timing_text(words, job)]))
    st.html(f'<p class="mot-soft" data-state="{job.state}" role="status">{escape(detail)}</p>')
    if st.button(words.cancel, key=f"cancel-{id}"):
        view.services.jobs.cancel(view.owner, id)
        st.rerun()
    if job.state == "running":
        part(
            "live",
            f"live-{id}",
            {
                "source": f"{view.api}/jobs/{id}/preview.jpg",
                "number": job.frames and f"{job.attempt}-{job.frames}",
                "none": words.no_preview,
                "label": words.preview,
            },
        )


def _show_failure(view: View, job: Job) -> None:
    words = view.words
    if job.state == "failed":
        st.error(sentence(words, job.error_kind, job.error), icon=":material/error:")
    else:
        st.info(words.cancelled)
    with st.container(horizontal=True):
        if st.button(words.retry, key=f"retry-{job.id}", type="primary", icon=":material/refresh:"):
            view.services.jobs.retry(view.owner, job.id)
            st.rerun()
        delete_job(view, job)
