"""client.batch.progress: what a record says of a video under way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from client.batch.progress import Progress, renew
from client.jobs.record import Record, record_path
from client.jobs.spec import JobSpec


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    return JobSpec(input="/a.mp4", output=tmp_path, name="a")


def write(job: JobSpec, frames: int) -> None:
    Record(settings={}, state="running", frames=frames).write(job.output, job.name)


def test_time_counts_from_the_first_record_of_this_try(job: JobSpec) -> None:
    write(job, 99)  # an earlier worker's
    progress = Progress()
    progress.begin("a", job)
    time.sleep(0.05)
    assert progress.look("a", job) == (0, 0.0)
    write(job, 3)
    assert progress.look("a", job)[0] == 3
    time.sleep(0.05)
    frames, silent = progress.look("a", job)
    assert frames == 3 and silent >= 0.05


def test_who_waits_for_a_server_is_alive(job: JobSpec) -> None:
    progress = Progress()
    progress.begin("a", job)
    write(job, 3)
    progress.look("a", job)
    time.sleep(0.2)
    before = progress.look("a", job)[1]
    renew(job)
    frames, silent = progress.look("a", job)
    assert frames == 3 and silent < before and before >= 0.2


def test_a_record_that_is_none_or_gone_ends_nothing(job: JobSpec) -> None:
    progress = Progress()
    progress.begin("a", job)
    renew(job)
    write(job, 3)
    progress.look("a", job)
    path = record_path(job.output, job.name, done=False)
    path.write_text("{")
    assert progress.look("a", job)[0] == 3
    path.unlink()
    assert progress.look("a", job)[0] == 3
