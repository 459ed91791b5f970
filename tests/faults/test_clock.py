"""The wall clock is set back an hour in the middle of a run, as where a machine asks late what time it is."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch_killer import begun
from tests.client.ui.pages import Watched, job_spec, page_settings, worker
from tests.command import finish, start, walk
from tests.faults.kills import wait_for
from tests.faults.results import assert_complete
from tests.faults.runs import Runs

_HOUR_S = 3600
_PLACES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


class Clock:
    """The wall clock of all processes that the test starts; others, and monotonic clocks, go on as they were."""

    def __init__(self, file: Path) -> None:
        self._file, self.offset = file, 0
        self._write()

    def set_back(self, seconds: int = _HOUR_S) -> None:
        self.offset -= seconds
        self._write()

    def _write(self) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text(f"{self.offset:+d}\n")
        temporary.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    libraries = (Path(folder).glob("**/faketime/libfaketimeMT.so.1") for folder in _PLACES)
    library = os.environ.get("MOT_FAKETIME") or next(itertools.chain.from_iterable(libraries), None)
    if library is None:
        pytest.skip("needs libfaketime: apt-get install libfaketime, or MOT_FAKETIME names libfaketimeMT.so.1")
    clock = Clock(tmp_path / "clock")
    for name, value in {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
        "NO_FAKE_STAT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return clock


@pytest.fixture
def engine(tiny_repository: Path) -> tuple[object, ...]:
    return ("--engine", "local", "--model-repository", tiny_repository)


def test_the_client(runs: Runs, engine: tuple[object, ...], clock: Clock, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert runs.undisturbed
    process = runs.start(out, *engine)
    wait_for(lambda: begun(out), "a row")
    clock.set_back()
    finish(process)
    runs.assert_complete(out)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    finish(runs.start(out, *engine))
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before  # kept, also as it is from the future


def test_a_batch(runs: Runs, engine: tuple[object, ...], clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        walk(tmp_path / f"in/{name}.mp4", 200)
    out, given = tmp_path / "out", ("batch", tmp_path / "in", "--jobs", 2, "--conf-thres", 0.2, *engine)
    finish(start(*given, "-o", tmp_path / "undisturbed"))
    process = start(*given, "-o", out)
    wait_for(lambda: begun(out), "a row")
    clock.set_back()
    finish(process)
    for name in "abc":
        assert_complete(out, name, (tmp_path / f"undisturbed/{name}.txt").read_text(), 200)
    assert "3 kept" in finish(start(*given, "-o", out))[0]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(page_settings(tmp_path))
    yield watched
    watched.database.close()


def test_the_pages_worker(runs: Runs, watched: Watched, clock: Clock, tmp_path: Path) -> None:
    """Its job is done, and takes no time less than none; a lost worker's is another's, before the hour is over."""
    settings = page_settings(tmp_path)
    first, second = (watched.queue.add("ann", title="walk.mp4", spec=job_spec(runs.video)) for _ in range(2))
    with worker(settings) as process:
        watched.wait_frames(first, 1)
        clock.set_back()
        job = watched.wait(first, "done")
        assert job.attempt == 1 and job.seconds is not None and job.seconds >= 0
        watched.wait_frames(second, 1)
        started = watched.job(second).started
        assert started is not None and started < time.time() - _HOUR_S / 2  # it was set indeed
        process.kill()
    clock.set_back()
    with worker(settings):
        assert watched.wait(second, "done").attempt == 2
    for job in (watched.job(first), watched.job(second)):
        rows = settings.jobs / job.id / str(job.published) / "result.txt"
        assert rows.read_text() == runs.undisturbed
