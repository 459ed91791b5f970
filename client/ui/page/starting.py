"""From settings to a job in the queue."""

from __future__ import annotations

import json

import streamlit as st

from client.ui.page.options import Options
from client.ui.page.phrases import sentence
from client.ui.page.view import View
from client.ui.store.jobs import QueueError


def start_job(
    view: View, title: str, input: str, options: Options, *, upload: str | None = None, frames: int | None = None
) -> str:
    """The job's id, or nothing and a sentence where it is not taken.

    Args:
        input: what is read, on the server.
        upload: its id; None: the sample.
        frames: of the whole video, where that is known.
    """
    limit = view.services.settings.limits.jobs
    spec, total = json.dumps(options.spec(input)), options.frames_of(frames)
    try:
        return view.services.jobs.add(view.owner, title=title, spec=spec, upload=upload, total=total, most=limit)
    except QueueError:
        st.error(sentence(view.words, "limit"))
        return ""
