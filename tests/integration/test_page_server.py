"""The page's own Triton server: whatever becomes of it, there is another at the same address, and jobs go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from client.serving import supervisor as supervisor_module
from client.serving.supervisor import Supervisor
from client.ui import keeper as keeper_module
from client.ui.keeper import Keeper
from client.ui.metrics import read_state
from client.ui.settings import Limits, Settings
from mot.sequence import read_results
from tests.client.ui.pages import Watched, job_spec, wait_for
from tests.command import walk
from tests.page_server import free_port

pytestmark = pytest.mark.triton
FRAMES = 800


@pytest.fixture
def page(tiny_repository: Path, tmp_path: Path) -> Callable[[], AbstractContextManager[Keeper]]:
    settings = Settings(
        data=tmp_path / "data",
        model_repository=tiny_repository,
        workers=1,
        port=free_port(),
        limits=Limits(free_bytes=0),
    )
    return partial(_kept, settings)


@contextmanager
def _kept(settings: Settings) -> Iterator[Keeper]:
    """A page whose keeper watches, in this process."""
    ended = Event()
    with Keeper(settings) as keeper:
        watching = Thread(target=keeper.watch, args=(ended,))
        watching.start()
        try:
            yield keeper
        finally:
            ended.set()
            watching.join()


def _pid(keeper: Keeper) -> int:
    server = keeper._server
    assert server and server.process
    return server.process.pid


def _infers(keeper: Keeper) -> bool:
    return read_state(keeper.settings).ready


def test_a_server_that_is_stuck_is_replaced_and_the_job_goes_on(
    page: Callable[[], AbstractContextManager[Keeper]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keeper_module, "_CANARY_EVERY_S", 0.5)
    monkeypatch.setattr(supervisor_module, "_CANARY_DEADLINE_S", 8.0)  # longer than it takes to say that it is away
    video = walk(tmp_path / "walk.mp4", FRAMES, 64, 48)
    with page() as keeper:
        watched = Watched(keeper.settings)
        id = watched.queue.add("ann", title="walk.mp4", spec=job_spec(video))
        watched.wait_frames(id, 1)
        first = _pid(keeper)
        os.killpg(first, signal.SIGSTOP)
        wait_for(lambda: watched.job(id).error_kind == "server_away", "the word that the server is away")
        wait_for(lambda: _pid(keeper) != first, "another server")
        job = watched.wait(id, "done", seconds=120)
        watched.database.close()
    assert (job.frames, job.attempt, job.error_kind) == (FRAMES, 1, "")
    assert read_results(keeper.settings.jobs / id / "1/result.txt").frames.max() == FRAMES


def test_a_server_that_was_given_up_is_tried_again(
    page: Callable[[], AbstractContextManager[Keeper]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "_GIVEN_UP_S", 1.0)
    monkeypatch.setattr(keeper_module, "Supervisor", partial(Supervisor, restarts=1))
    with page() as keeper:
        for _ in range(2):
            before = _pid(keeper)
            os.kill(before, signal.SIGKILL)
            wait_for(lambda before=before: _pid(keeper) != before and _infers(keeper), "another server")


def test_it_ends_at_once_though_the_server_is_stuck(
    page: Callable[[], AbstractContextManager[Keeper]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "_CANARY_EVERY_S", 0.1)
    monkeypatch.setattr(supervisor_module, "_CANARY_DEADLINE_S", 3600.0)
    with page() as keeper:
        process = _pid(keeper)
        os.killpg(process, signal.SIGSTOP)
        wait_for(lambda: not _infers(keeper), "silence")
    assert not Path(f"/proc/{process}").exists()
