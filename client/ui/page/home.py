"""The first view: upload, settings, start, and what has been started before."""

from __future__ import annotations

from dataclasses import asdict
from html import escape

import streamlit as st

from client.ui.page.job_list import show_jobs
from client.ui.page.options import Options, ask_options
from client.ui.page.parts import part
from client.ui.page.phrases import size_text, time_text
from client.ui.page.starting import start_job
from client.ui.page.view import View
from client.ui.sample import SAMPLE_FRAMES, SAMPLE_NAME, sample_path
from client.ui.store.uploads import KINDS, Upload
from client.ui.web.upload_chunk import CHUNK


def show_home(view: View) -> None:
    """One way from top to bottom."""
    words = view.words
    _step(1, words.step_upload)
    _show_uploader(view)
    sample = st.button(words.sample, key="sample", help=words.sample_help, icon=":material/play_circle:")
    ready = [upload for upload in view.services.uploads.unused(view.owner) if upload.state == "ready"]
    for upload in ready:
        _show_ready(view, upload)
    if ready:
        _step(2, words.step_settings)
    with st.expander(words.settings, icon=":material/tune:", expanded=False, key="settings"):
        options = ask_options(words, many=len(ready) > 1)
    if ready:
        label = words.start if len(ready) == 1 else words.start_many.format(count=len(ready))
        if st.button(label, key="start", type="primary", width="stretch", icon=":material/directions_walk:"):
            _start(view, ready, options)
    if sample:
        _start_sample(view, options)
    show_jobs(view)


def _step(number: int, text: str) -> None:
    st.html(f'<div class="mot-step">{number} · {escape(text)}</div>')


def _show_uploader(view: View) -> None:
    limits, words = view.services.settings.limits, view.words
    kinds = sorted(KINDS)
    accepted = words.accepted.format(
        kinds=", ".join(kind[1:] for kind in kinds),
        size=size_text(limits.file_bytes),
        minutes=f"{limits.seconds / 60:g}",
    )
    names = ("drop", "choose", "of", "per_second", "left", "lost", "again", "checking", "cancel", "dismiss", "retry")
    errors = {name.removeprefix("error_"): text for name, text in asdict(words).items() if name.startswith("error_")}
    part(
        "uploads",
        "uploads",
        {
            "api": view.api,
            "token": view.services.people.token(view.cookie),
            "limits": {"bytes": limits.file_bytes, "seconds": limits.seconds, "kinds": kinds, "chunk": CHUNK},
            "words": {**view.named(*names), "accepted": accepted},
            "errors": errors,
        },
        on_ready_change=lambda: None,
    )


def _show_ready(view: View, upload: Upload) -> None:
    words, facts = view.words, upload.facts
    with st.container(border=True):
        picture, text, action = st.columns([2, 6, 2], vertical_alignment="center")
        poster = f"{view.api}/uploads/{upload.id}/poster.jpg"
        picture.html(f'<img class="mot-thumb" src="{escape(poster)}" alt="">')
        length = f" · {time_text(facts['seconds'])}" if facts.get("seconds") else ""
        text.html(
            f"<b>{escape(upload.name)}</b>"
            f'<p class="mot-soft">{facts["width"]} × {facts["height"]}{length} · {size_text(upload.size)}</p>'
        )
        if action.button(words.remove, key=f"remove-{upload.id}", width="stretch"):
            view.services.uploads.delete(view.owner, upload.id)
            st.rerun()


def _start(view: View, ready: list[Upload], options: Options) -> None:
    id = ""
    for upload in ready:
        path, frames = str(view.services.uploads.input(upload)), upload.facts.get("frames")
        id = start_job(view, upload.name, path, options, upload=upload.id, frames=frames)
    if id and len(ready) == 1:
        st.query_params["job"] = id
    if id:
        st.rerun()


def _start_sample(view: View, options: Options) -> None:
    id = start_job(view, SAMPLE_NAME, str(sample_path()), options, frames=SAMPLE_FRAMES)
    if id:
        st.query_params["job"] = id
        st.rerun()
