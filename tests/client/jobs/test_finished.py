"""client.jobs.finished: what an earlier run has done, also one that was killed at a bad moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.jobs.finished import finished_jobs
from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobError, JobSpec

SETTINGS = {"version": "1", "frames": [1, None]}
SUMMARY = JobSummary(frames=3, boxes=5, ids=2, seconds=1.0, milliseconds={})
DONE = Record(settings=SETTINGS, state="done", frames=3, summary=SUMMARY)
RUNNING = Record(settings=SETTINGS, state="running", frames=3)


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    return JobSpec(input="/in/a.mp4", output=tmp_path, name="a", video=False)


def test_done_and_there(job: JobSpec) -> None:
    job.texts[0].touch()
    DONE.write(job.output, job.name)
    assert finished_jobs({7: (job, SETTINGS)}, overwrite=False) == {7: DONE}


def test_done_but_a_result_is_missing(job: JobSpec) -> None:
    DONE.write(job.output, job.name)
    assert finished_jobs({0: (job, SETTINGS)}, overwrite=False) == {}


def test_killed_when_results_had_their_names_and_the_record_had_not(job: JobSpec) -> None:
    """They are this job's own, so that making them again replaces nobody's."""
    job.texts[0].touch()
    RUNNING.write(job.output, job.name)
    assert finished_jobs({0: (job, SETTINGS)}, overwrite=False) == {}


@pytest.mark.parametrize(
    "partial",
    [
        None,
        RUNNING.model_copy(update={"settings": {"version": "0"}}),
        RUNNING.model_copy(update={"state": "failed"}),
    ],
    ids=["no record", "of other settings", "of a run that ended before"],
)
def test_results_of_which_nobody_knows_are_not_replaced(job: JobSpec, partial: Record | None) -> None:
    job.texts[0].touch()
    if partial:
        partial.write(job.output, job.name)
    with pytest.raises(JobError, match=r"a\.txt: nothing says how it was made, a\.json is missing"):
        finished_jobs({0: (job, SETTINGS)}, overwrite=False)
    assert finished_jobs({0: (job, SETTINGS)}, overwrite=True) == {}
