"""SIGKILL of clients, workers and the page at random moments; 200 times in the long form."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.ui.settings import Settings
from client.ui.store.jobs import Job
from mot.sequence import read_results
from tests.client.ui.pages import Watched, job_spec
from tests.command import children, finish, start, walk
from tests.faults.kills import Moment, assert_whole_or_absent, wait_alone, wait_for
from tests.faults.results import assert_complete
from tests.faults.runs import Runs
from tests.faults.surroundings import Surroundings
from tests.media import names
from tests.page_server import PageServer

Rounds = Callable[[int, int], int]


def timed(run: Callable[[], object]) -> float:
    """Seconds it takes."""
    begun = time.monotonic()
    run()
    return time.monotonic() - begun


@pytest.fixture
def engine(tiny_repository: Path) -> tuple[object, ...]:
    return ("--engine", "local", "--model-repository", tiny_repository)


@pytest.fixture
def embedded(tiny_repository: Path) -> tuple[object, ...]:
    return ("--model-repository", tiny_repository)


def test_the_client(
    runs: Runs, engine: tuple[object, ...], nothing_left: Surroundings, rounds: Rounds, tmp_path: Path
) -> None:
    """``mot track``, from its first row on."""
    out, name = tmp_path / "out", runs.video.stem
    process = runs.start(out, *engine)
    wait_for((out / f"{name}.partial.json").exists, "a record")
    longest = timed(lambda: finish(process))
    for number in range(rounds(6, 80)):
        moment, out = Moment("client", number, longest), tmp_path / str(number)
        with moment.told():
            process = runs.start(out, *engine)
            wait_for((out / f"{name}.partial.json").exists, "a record")
            moment.kill(lambda: [process.pid])  # noqa: B023
            process.communicate()
            wait_alone(nothing_left)
            assert_whole_or_absent(out, name, runs.undisturbed, runs.count)
            runs.rerun(out, *engine)
            assert names(out) == {f"{name}.{suffix}" for suffix in ("txt", "mp4", "json")}


@pytest.mark.triton
def test_the_client_with_a_server_of_its_own(
    runs: Runs, embedded: tuple[object, ...], nothing_left: Surroundings, rounds: Rounds, tmp_path: Path
) -> None:
    """From the moment on that the server's folder is there; the rerun sweeps what nobody else could."""
    temporary, name = Path(tempfile.gettempdir()), runs.video.stem

    def begun() -> list[Path]:
        return list(temporary.glob("mot-triton-*"))

    process = runs.start(tmp_path / "out", *embedded)
    wait_for(begun, "a server's folder")
    longest = timed(lambda: finish(process))
    for number in range(rounds(2, 20)):
        moment, out = Moment("client and server", number, longest), tmp_path / str(number)
        with moment.told():
            process = runs.start(out, *embedded)
            wait_for(begun, "a server's folder")
            moment.kill(lambda: [process.pid])  # noqa: B023
            process.communicate()
            wait_alone(nothing_left)
            assert_whole_or_absent(out, name, runs.undisturbed, runs.count)
            runs.rerun(out, *embedded)
            nothing_left.check()


@pytest.mark.parametrize("victim", ["batch", "worker"])
def test_a_batch(
    runs: Runs, engine: tuple[object, ...], nothing_left: Surroundings, rounds: Rounds, tmp_path: Path, victim: str
) -> None:
    """Its process, after which its workers end by themselves; or a worker, whose video is then another's."""
    (tmp_path / "in").mkdir()
    counts = {"a": 300, "b": 200, "c": 100}
    for name, count in counts.items():
        walk(tmp_path / f"in/{name}.mp4", count)
    undisturbed = tmp_path / "undisturbed"
    given = ("batch", tmp_path / "in", "--jobs", 2, "--conf-thres", 0.2, *engine)
    process = start(*given, "-o", undisturbed)
    wait_for((undisturbed / "batch.jsonl").exists, "a journal")
    longest = timed(lambda: finish(process))
    for number in range(rounds(2, 30)):
        moment, out = Moment(victim, number, longest), tmp_path / str(number)
        with moment.told():
            process = start(*given, "-o", out)
            wait_for((out / "batch.jsonl").exists, "a journal")
            if victim == "batch":
                moment.kill(lambda: [process.pid])  # noqa: B023
            else:
                moment.kill(lambda: one_of(workers(process.pid), moment))  # noqa: B023
            _, err = process.communicate(timeout=300)
            wait_alone(nothing_left)
            assert victim == "batch" or process.returncode == 0, err
            for name, count in counts.items():
                assert_whole_or_absent(out, name, (undisturbed / f"{name}.txt").read_text(), count)
            finish(start(*given, "-o", out))
            for name, count in counts.items():
                assert_complete(out, name, (undisturbed / f"{name}.txt").read_text(), count)
            assert names(out) == names(undisturbed)


def one_of(pids: list[int], moment: Moment) -> list[int]:
    return moment.random.sample(pids, min(1, len(pids)))


def workers(pid: int) -> list[int]:
    """A batch's, none where it has ended."""
    found = []
    for each in children(pid) if Path(f"/proc/{pid}").exists() else []:
        try:
            if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(each)
        except OSError:
            continue
    return found


@pytest.fixture
def page(tiny_repository: Path, tmp_path: Path) -> Iterator[PageServer]:
    server = PageServer(
        tmp_path / "page/data", "--engine", "local", "--model-repository", tiny_repository, "--workers", 2
    )
    server.data.parent.mkdir()
    server.start()
    yield server
    server.stop()


PARTS = ("page", "work.worker", "web.server")


def test_the_page(runs: Runs, page: PageServer, nothing_left: Surroundings, rounds: Rounds) -> None:
    """All of it, its workers, or its web server, while somebody's job runs; each is done once and shown whole."""
    watched = Watched(Settings(data=page.data))
    try:
        watched_rounds(runs, page, watched, nothing_left, rounds(3, 40))
    finally:
        watched.database.close()


def test_a_worker_that_is_stuck_ends_with_the_page(page: PageServer, nothing_left: Surroundings) -> None:
    """Stopped, it cannot end in order, as one that hangs in whatever it does."""
    wait_for(lambda: page.log().count("worker is ready") == 2, "its workers")
    for pid in page.parts("work.worker"):
        os.kill(pid, signal.SIGSTOP)
    assert page.process
    page.process.kill()
    page.process.wait()
    wait_alone(nothing_left)


def watched_rounds(runs: Runs, page: PageServer, watched: Watched, surroundings: Surroundings, count: int) -> None:
    longest = timed(lambda: watched.wait(add(watched, runs), "done", seconds=300))
    for number in range(count):
        moment, part = Moment("page", number, longest), PARTS[number % len(PARTS)]
        with moment.told():
            id = add(watched, runs)
            if part == "page":
                assert page.process
                moment.kill(lambda: [page.process.pid])  # type: ignore[union-attr]
                page.process.wait()
                wait_for(lambda: not surroundings.processes(), "the end of the page's processes")
                page.start()
            else:
                moment.kill(lambda: page.parts(part))  # noqa: B023
            job = watched.wait(id, "done", "failed", seconds=300)
            assert (job.state, job.frames) == ("done", runs.count), job
            assert_shown_whole(runs, page, job)


def add(watched: Watched, runs: Runs) -> str:
    return watched.queue.add("ann", title="walk.mp4", spec=job_spec(runs.video))


def assert_shown_whole(runs: Runs, page: PageServer, job: Job) -> None:
    """The rows are an undisturbed run's; nothing of other attempts is left."""
    folder = page.data / "jobs" / job.id
    shown = folder / str(job.published)
    assert (shown / "result.txt").read_text() == runs.undisturbed
    assert (
        len(read_results(shown / "result.txt")) and json.loads((shown / "result.json").read_text())["state"] == "done"
    )
    wait_for(lambda: {path.name for path in folder.iterdir() if path.is_dir()} == {shown.name}, "removal of the others")
    assert not [path for path in folder.rglob("*") if ".partial" in path.name]
