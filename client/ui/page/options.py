"""The settings of a job, each with a line of help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from client.ui.page.words import Words

# Each tracker's own threshold, as in client.tracking (which takes a second to load); the default tracker first.
TRACKERS = {"overlap_reid": 0.5, "fairmot": 0.4, "fairmot_byte": 0.5, "byte": 0.7, "ocsort": 0.6, "botsort": 0.7}
TRACKER = next(iter(TRACKERS))
LEAST, MOST = 0.3, 0.7
LONGEST_TRAIL = 120


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person has chosen."""

    threshold: float | None = None  # the model's own
    tracker: str = TRACKER
    labels: bool = True
    caption: bool = True
    trail: int = 30
    anonymise: bool = False
    start: int = 1
    end: int | None = None

    def spec(self, input: str) -> dict[str, Any]:
        """The job, as client.jobs.spec.JobSpec reads it; the worker chooses folder and network."""
        settings = {} if self.threshold is None else {"conf_thres": self.threshold}
        return {
            "input": input,
            "output": ".",
            "name": "result",
            "tracker": {"name": self.tracker, "settings": settings},
            "start": self.start,
            "end": self.end,
            **self.look(),
        }

    def look(self) -> dict[str, Any]:
        """What is drawn: for this the network need not run again."""
        return {
            "labels": self.labels, "caption": self.caption, "trail": self.trail, "anonymise": self.anonymise,
        }  # fmt: skip

    def frames_of(self, total: int | None) -> int | None:
        """How many of a video's frames are wanted."""
        if total is None:
            return None
        return max(0, min(total, self.end or total) - self.start + 1)


def ask_options(words: Words, *, many: bool) -> Options:
    """The form of all settings."""
    if many:
        st.caption(words.starting_as)
    left, right = st.columns(2)
    with left:
        tracker = st.selectbox(words.tracker, list(TRACKERS), key="tracker") or TRACKER
        st.caption(words.tracker_help)
        threshold = st.slider(words.threshold, LEAST, MOST, TRACKERS[tracker], 0.05, key=f"threshold-{tracker}")
        st.caption(words.threshold_help)
        some = st.toggle(words.range, key="range")
        st.caption(words.range_help)
        start, end = 1, None
        if some:
            start = int(st.number_input(words.first, min_value=1, value=1, step=1, key="first"))
            end = int(st.number_input(words.last, min_value=0, value=0, step=1, key="last")) or None
            end = None if end is None else max(start, end)
    with right:
        look = ask_look(words, {}, "new")
    chosen = None if threshold == TRACKERS[tracker] else threshold  # which model a worker has, the page does not know
    return Options(threshold=chosen, tracker=tracker, start=start, end=end, **look)


def ask_look(words: Words, now: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The form of what is drawn; ``now`` is how it is."""
    default = Options()
    trail = st.slider(words.trail, 0, LONGEST_TRAIL, int(now.get("trail", default.trail)), 5, key=f"trail-{key}")
    st.caption(words.trail_help)
    chosen = {"trail": trail}
    for name in ("anonymise", "labels", "caption"):
        value = bool(now.get(name, getattr(default, name)))
        chosen[name] = st.toggle(getattr(words, name), value, key=f"{name}-{key}")
        st.caption(getattr(words, f"{name}_help"))
    return chosen
