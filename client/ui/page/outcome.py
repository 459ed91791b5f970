"""A finished job: video, counting, where people were, what is drawn, downloads."""

from __future__ import annotations

import json
from html import escape

import streamlit as st

from client.ui.page.actions import delete_job
from client.ui.page.counting import show_counting
from client.ui.page.options import Options, ask_look, ask_options
from client.ui.page.parts import part
from client.ui.page.starting import start_job
from client.ui.page.view import View
from client.ui.results import Result
from client.ui.sample import SAMPLE_FRAMES
from client.ui.store.jobs import Job


def show_outcome(view: View, job: Job) -> None:
    """Everything about it."""
    words = view.words
    assert job.published is not None, "done, but without results"
    try:
        result = Result.of(view.services.settings.jobs / job.id, job.published, job.title)
    except OSError:
        st.warning(words.gone)
        return
    folder = f"{view.api}/jobs/{job.id}/{job.published}"
    if not result.summary["tracks"]:
        st.info(words.nobody, icon=":material/person_off:")
    names = [words.video, words.counting, words.where, words.look, words.downloads]
    tabs = st.tabs(names, key=f"tabs-{job.id}")
    with tabs[0]:
        _show_video(view, result, folder)
    with tabs[1]:
        show_counting(view, job, result, folder)
    with tabs[2]:
        _show_where(view, folder)
    with tabs[3]:
        _show_look(view, job)
    with tabs[4]:
        _show_downloads(view, job)


def _show_video(view: View, result: Result, folder: str) -> None:
    names = (
        *("people", "most", "mean", "length", "over_time", "timeline", "tracks", "person", "first_seen", "last_seen"),
        *("duration", "path", "score", "jump", "show_all"),
    )
    part(
        "results",
        "results",
        {
            "folder": folder,
            "language": view.language,
            "summary": dict(result.summary),
            "words": view.named(*names),
        },
    )


def _show_where(view: View, folder: str) -> None:
    words = view.words
    for name, title, note in (
        ("heat.jpg", words.heat, words.heat_note),
        ("ways.svg", words.ways, words.ways_note),
    ):
        st.html(
            f'<div class="mot-step">{escape(title)}</div><p class="mot-soft">{escape(note)}</p>'
            f'<img class="mot-picture" src="{escape(f"{folder}/{name}")}" alt="{escape(title)}" loading="lazy">'
        )


def _show_look(view: View, job: Job) -> None:
    words, spec = view.words, view.spec(job)
    st.caption(words.redraw_note)
    with st.form(f"look-{job.id}"):
        look = ask_look(words, spec, job.id)
        if st.form_submit_button(words.redraw, type="primary", icon=":material/brush:"):
            view.services.jobs.redraw(view.owner, job.id, json.dumps({**spec, **look}))
            st.rerun()

    with st.expander(words.again_title, icon=":material/search:", key=f"again-{job.id}"):
        st.caption(words.again_note)
        options = ask_options(words, many=False)
        if st.button(words.start, key=f"search-{job.id}", type="primary", icon=":material/directions_walk:"):
            _search_again(view, job, spec["input"], options)


def _search_again(view: View, job: Job, input: str, options: Options) -> None:
    upload = view.services.uploads.get(view.owner, job.upload) if job.upload else None
    frames = upload.facts.get("frames") if upload else SAMPLE_FRAMES
    id = start_job(view, job.title, input, options, upload=job.upload, frames=frames)
    if id:
        st.query_params["job"] = id
        st.rerun()


def _show_downloads(view: View, job: Job) -> None:
    words = view.words
    links = [
        ("mp4", words.video_file), ("txt", words.rows_file), ("csv", words.table_file), ("json", words.json_file),
        ("counts", words.counts_file), ("events", words.events_file), ("report", words.report_file),
    ]  # fmt: skip
    for kind, label in links:
        address = f"{view.api}/jobs/{job.id}/download/{kind}?language={view.language}"
        st.html(f'<a class="mot-link" href="{escape(address)}" download data-kind="{kind}">⬇ {escape(label)}</a>')
    st.divider()
    delete_job(view, job)
