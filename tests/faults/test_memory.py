"""Memory that runs out in the middle of a run, so that the kernel kills; and too few open files."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from client.serving.keeper import is_running
from tests.batch_killer import begun
from tests.client.ui.pages import Watched, job_spec, page_settings, worker
from tests.command import ROOT, finish, start, walk
from tests.faults.kills import assert_whole_or_absent, wait_for
from tests.faults.results import assert_complete
from tests.faults.runs import Runs

_LARGE = (640, 480)  # whose pictures the allocator asks the kernel for, each anew
_COUNT = 300


def kernel_kills(pid: int) -> None:
    """The next memory that it asks for is too much for its control group, so the kernel kills it."""
    groups = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]
    for parent, limit in zip(groups, ("memory.limit_in_bytes", "memory.max"), strict=True):
        group = parent / f"mot-faults-{uuid.uuid4().hex[:8]}"
        with suppress(OSError):
            group.mkdir()
            if (group / limit).exists():
                try:
                    (group / limit).write_text(str(1 << 20))
                    (group / "cgroup.procs").write_text(str(pid))
                    wait_for(lambda: not is_running(pid), "its end")
                    return
                finally:
                    wait_for(lambda: _removed(group), "removal of the control group")  # noqa: B023
            group.rmdir()
    pytest.skip("no control group for memory can be made here")


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


@pytest.fixture(scope="module")
def large(tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("large")
    return Runs(walk(folder / "large.mp4", _COUNT, *_LARGE), _COUNT, tiny_repository, folder / "undisturbed")


@pytest.fixture
def engine(tiny_repository: Path) -> tuple[object, ...]:
    return ("--engine", "local", "--model-repository", tiny_repository)


def test_a_worker_of_a_batch(large: Runs, engine: tuple[object, ...], tmp_path: Path) -> None:
    """Its video is tried again by a worker that has memory, and all are done."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        shutil.copy(large.video, tmp_path / f"in/{name}.mp4")
    out = tmp_path / "out"
    process = start("batch", tmp_path / "in", "-o", out, "--jobs", 2, "--conf-thres", 0.2, *engine)
    wait_for(lambda: begun(out), "a row")
    kernel_kills(next(iter(begun(out).values())))
    _, err = finish(process)
    assert re.search(r"warning: [abc]: tried again: ", err), err  # it may be at the next by then
    for each in "abc":
        assert_complete(out, each, large.undisturbed, _COUNT)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(page_settings(tmp_path))
    yield watched
    watched.database.close()


def test_the_pages_worker(large: Runs, watched: Watched, tmp_path: Path) -> None:
    """Its job is another's, or has failed in words and can be tried again."""
    settings = page_settings(tmp_path)
    id = watched.queue.add("ann", title="large.mp4", spec=job_spec(large.video))
    with worker(settings) as process:
        watched.wait_frames(id, 1)
        kernel_kills(process.pid)
        wait_for(lambda: process.poll() is not None or not watched.job(id).live, "the worker's or the job's end")
    job = watched.job(id)
    assert job.state == "running" or (job.state == "failed" and "memory" in job.error), job
    assert job.live or watched.queue.retry("ann", id)
    with worker(settings):
        job = watched.wait(id, "done", "failed", seconds=120)
    assert (job.state, job.frames, job.attempt) == ("done", _COUNT, 2), job.error
    assert (settings.jobs / id / "2/result.txt").read_text() == large.undisturbed


# Open files are a resource, too.


@pytest.mark.parametrize("most", [16, 20, 24])
def test_open_files_for_the_workers_of_a_batch(
    large: Runs, engine: tuple[object, ...], tmp_path: Path, most: int
) -> None:
    """There are enough, or the limit is named; it does not hang."""
    (tmp_path / "in").mkdir()
    for name in "abcd":
        shutil.copy(large.video, tmp_path / f"in/{name}.mp4")
    given = ("batch", tmp_path / "in", "-o", tmp_path / "out", "--jobs", 4, "--conf-thres", 0.2, *engine)
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n {most}; exec "$@"', "sh", *_command(*given)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0 or (process.returncode == 1 and "no more open files" in err), err
    assert "Traceback" not in err
    for name in "abcd":
        assert_whole_or_absent(tmp_path / "out", name, large.undisturbed, _COUNT)
    finish(start(*given))
    for name in "abcd":
        assert_complete(tmp_path / "out", name, large.undisturbed, _COUNT)


def _command(*arguments: object) -> list[str]:
    import sys

    return [sys.executable, "-m", "client.cli", *map(str, arguments)]
