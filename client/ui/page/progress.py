"""A job's state in words."""

from __future__ import annotations

from client.ui.page.phrases import sentence, time_text
from client.ui.page.words import Words
from client.ui.store.forecast import Place
from client.ui.store.jobs import Job

_SOON_S = 5.0  # no time worth a number


def status_text(words: Words, job: Job, place: Place | None) -> str:
    """Where it stands."""
    if job.state == "queued":
        if place is None or (not place.ahead and place.seconds < _SOON_S):
            return f"{words.queued}: {words.queued_next}"
        if not place.ahead:
            return f"{words.queued}: {words.queued_next_in.format(time=time_text(place.seconds))}"
        expected = words.queued_place.format(ahead=place.ahead, time=time_text(place.seconds))
        return f"{words.queued}: {expected}"
    if job.state == "running":
        if job.error_kind == "server_away":
            return words.waiting_server
        if not job.total:
            text = words.running_open.format(frames=job.frames)
        else:
            percent = min(100, round(100 * job.frames / job.total))
            text = words.running.format(percent=percent, frames=job.frames, total=job.total)
        return f"{words.drawing}: {text}" if job.kind == "draw" else text
    if job.state == "failed":
        return f"{words.failed}: {sentence(words, job.error_kind, job.error)}"
    return words.done if job.state == "done" else words.cancelled


def timing_text(words: Words, job: Job) -> str:
    """How fast it goes and how long it takes still, or nothing."""
    if job.state != "running" or not job.rate:
        return ""
    text = words.rate.format(rate=f"{job.rate:.1f}")
    if job.total:
        text += " · " + words.time_left.format(time=time_text(max(0, job.total - job.frames) / job.rate))
    return text
