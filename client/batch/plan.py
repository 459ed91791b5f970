"""A batch before it begins: which videos there are, which of them are done, and in which order the others come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.batch import remote
from client.batch.deal import Result, aside
from client.batch.journal import Journal
from client.batch.pieces import OVERLAP_S
from client.batch.work import Work
from client.jobs.finished import finished_jobs, prepared
from client.jobs.inputs import result_name, short_enough
from client.jobs.job import check_results
from client.jobs.spec import JobSpec
from client.serving.network import NetworkConfig, own_server
from client.serving.networks import Networks
from client.video.images import EXTENSIONS, image_folder
from client.video.stream import without_credentials
from mot.errors import MotError

_CANARY_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The jobs by name, what is known of them already, and what there is to do."""

    jobs: dict[str, JobSpec]
    results: dict[str, Result]
    works: list[Work]  # the longest first


def make_plan(
    inputs: Sequence[str],
    make_job: Callable[[str, str], JobSpec],
    journal: Journal,
    *,
    tries: int,
    overwrite: bool = False,
    again: bool = False,
    pieces: float | None = None,
) -> Plan:
    """Look at all inputs before any is tracked.

    Args:
        make_job: of input and name.
        tries: after so many that failed, a video is set aside.
        overwrite: replace results of other settings.
        again: try those, too, that were set aside.
        pieces: seconds of the pieces that long videos are cut into; on this the rows depend.

    Raises:
        JobError: there are results of other settings; nothing has been touched.
        MotError: there is no such model or server.
    """
    given = [make_job(input, journal.name_for(shown(input), _name(input))) for input in inputs]
    for job in given:
        check_results(job)
    with Networks() as networks:
        jobs, settings, faults = prepared(given, networks)
    for place in list(settings):
        if remote.is_remote(jobs[place].input):
            try:
                settings[place]["input"] = remote.fingerprint(jobs[place].input)
            except MotError as error:
                faults[place] = str(error)
                del settings[place]
    for wanted in settings.values() if pieces is not None else ():
        wanted["pieces"] = [pieces, OVERLAP_S]
    finished = finished_jobs({place: (jobs[place], wanted) for place, wanted in settings.items()}, overwrite)
    results = {jobs[place].name: Result(state="failed", tries=1, reason=reason) for place, reason in faults.items()}
    works = []
    for place, wanted in settings.items():
        work = Work(job=jobs[place], settings=wanted)
        if again:
            journal.forget(work.job.name, wanted)
        if place in finished:
            results[work.job.name] = Result(state="kept", tries=len(journal.tries(work.job.name, wanted)))
        elif passed := aside(journal, work, tries):
            results[work.job.name] = passed
        else:
            works.append(work)
    sizes = {work.job.name: _bytes(work.job.input) for work in works}
    works.sort(key=lambda work: -sizes[work.job.name])
    return Plan(jobs={job.name: job for job in jobs}, results=results, works=works)


def shown(input: str) -> str:
    """An input as it may be written down: an address without its password."""
    return without_credentials(input) if "://" in input else input


@contextmanager
def one_server(config: NetworkConfig) -> Iterator[NetworkConfig]:
    """The network for several processes: where it would be a server of our own, one for all of them.

    Raises:
        ServerError: it does not start.
    """
    if config.kind == "local" or config.url is not None:
        yield config
        return
    with own_server(config, canary_every_s=_CANARY_EVERY_S) as (server, url, _):
        yield config.model_copy(update={"url": url, "access": server.access})


def _name(input: str) -> str:
    if remote.is_remote(input):
        return short_enough(remote.file_name(input))
    try:
        return result_name(input)
    except MotError:  # a worker will say what is wrong with it
        return short_enough(Path(input).name)


def _bytes(input: str) -> int:
    """How much there is to read; 0 where nobody knows."""
    try:
        if remote.is_remote(input):
            return remote.size(input)
        path = Path(input)
        if path.is_dir():
            images = image_folder(path).path.iterdir()
            return sum(each.stat().st_size for each in images if each.suffix.lower() in EXTENSIONS)
        return path.stat().st_size if path.exists() else 0
    except (MotError, OSError):
        return 0
