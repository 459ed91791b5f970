"""What of many jobs an earlier run has finished: found out before any of them begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from client.detection.errors import DetectorError
from client.jobs.fingerprint import Settings, differences, settings_of
from client.jobs.job import result_paths
from client.jobs.record import Record, record_path
from client.jobs.resolving import resolved
from client.jobs.spec import JobError, JobSpec
from client.serving.errors import ServerError
from client.serving.model import ModelError
from client.serving.networks import Networks
from mot.contract import ContractError
from mot.errors import MotError

# Where one of these ends a job, no other would fare better.
FATAL = (DetectorError, ServerError, ModelError, ContractError)


def prepared(
    jobs: Sequence[JobSpec], networks: Networks
) -> tuple[list[JobSpec], dict[int, dict[str, Any]], dict[int, str]]:
    """The jobs with every setting of their trackers; by place, what their rows depend on, or why they cannot be done.

    Raises:
        MotError: the network or its server fails for all of them.
    """
    whole = list(jobs)
    settings: dict[int, dict[str, Any]] = {}
    faults: dict[int, str] = {}
    for place, job in enumerate(jobs):
        try:
            network = partial(networks.get, job.network)
            whole[place] = resolved(job, network)
            settings[place] = settings_of(whole[place], network)
        except FATAL:
            raise
        except MotError as error:
            faults[place] = str(error)
    return whole, settings, faults


def finished_jobs(wanted: Mapping[int, tuple[JobSpec, Settings]], overwrite: bool) -> dict[int, Record]:
    """The jobs that need not run again, by their places.

    Args:
        wanted: each job with its settings.
        overwrite: replace results of other settings.

    Raises:
        JobError: there are results of other settings, and they shall not be replaced.
    """
    finished, changed = {}, []
    for place, (job, settings) in wanted.items():
        paths = result_paths(job)
        there = [path for path in paths if path.exists()]
        try:
            record = Record.read(job.output, job.name)
        except JobError:
            if not overwrite:
                raise
            continue
        path = record_path(job.output, job.name)
        if record is None:
            if there and not _was_ending(job, settings):
                changed.append(f"{there[0]}: nothing says how it was made, {path.name} is missing")
        elif new := differences(record.settings, settings):
            if there:
                changed.append(f"{path}: made with other settings ({'; '.join(new)})")
        elif len(there) == len(paths):
            finished[place] = record
    if changed and not overwrite:
        raise JobError(
            "\n".join([*changed, "replace these results with --overwrite, or choose another folder with --output"])
        )
    return finished


def _was_ending(job: JobSpec, settings: Settings) -> bool:
    """Whether a run of the same settings was killed when its results had got their names, and its record had not."""
    try:
        partial = Record.read(job.output, job.name, done=False)
    except JobError:
        return False
    return partial is not None and partial.state == "running" and not differences(partial.settings, settings)
