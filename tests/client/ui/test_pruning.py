"""client.ui.store.pruning: what goes, what stays."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.ui.settings import Limits
from client.ui.store.pruning import prune
from client.ui.web.services import Services
from tests.client.ui.pages import page_settings

DAY = 86_400


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = Services.open(page_settings(tmp_path, limits=Limits(keep_days=7, keep_bytes=2500, free_bytes=0)))
    yield services
    services.database.close()


def finished(services: Services, size: int) -> str:
    """A finished job of ``size`` bytes with an upload of 10 more."""
    upload = services.uploads.begin("ann", "a.mp4", 10, str(time.time()))
    (services.uploads.path(upload.id) / "part").write_bytes(bytes(10))
    id = services.jobs.add("ann", title="a.mp4", spec="{}", upload=upload.id)
    job = services.jobs.claim("w")
    assert job and services.jobs.done(job, frames=1)
    (services.settings.jobs / id).mkdir()
    (services.settings.jobs / id / "result.mp4").write_bytes(bytes(size))
    return id


def left(services: Services) -> set[str]:
    return {job.id for job in services.jobs.of("ann")}


def test_young_and_small_is_kept(services: Services) -> None:
    id = finished(services, 1000)
    prune(services.database, services.settings)
    assert left(services) == {id} and len(services.uploads.of("ann")) == 1


def test_old_jobs_go_with_their_files(services: Services) -> None:
    finished(services, 1000)
    prune(services.database, services.settings, now=time.time() + 8 * DAY)
    assert left(services) == set() and services.uploads.of("ann") == []
    assert list(services.settings.jobs.iterdir()) == list(services.settings.uploads.iterdir()) == []


def test_of_too_much_the_oldest_go(services: Services) -> None:
    ids = [finished(services, 1000) for _ in range(4)]
    prune(services.database, services.settings)
    assert left(services) == set(ids[2:])


def test_what_waits_or_runs_is_never_removed(services: Services) -> None:
    upload = services.uploads.begin("ann", "a.mp4", 10, "s")
    services.jobs.add("ann", title="a.mp4", spec="{}", upload=upload.id)
    services.jobs.add("ann", title="b.mp4", spec="{}")
    services.jobs.claim("w")
    prune(services.database, services.settings, now=time.time() + 100 * DAY)
    assert len(left(services)) == 2 and services.uploads.path(upload.id).exists()


def test_uploads_that_nobody_uses_age(services: Services) -> None:
    upload = services.uploads.begin("ann", "a.mp4", 10, "s")
    prune(services.database, services.settings, now=time.time() + 6 * DAY)
    assert services.uploads.path(upload.id).exists()
    prune(services.database, services.settings, now=time.time() + 8 * DAY)
    assert services.uploads.of("ann") == [] and not services.uploads.path(upload.id).exists()


def test_folders_of_nothing_go_when_they_are_old(services: Services) -> None:
    stranger = services.settings.jobs / "stranger"
    stranger.mkdir()
    prune(services.database, services.settings)
    assert stranger.exists()  # perhaps one that is just being made
    os.utime(stranger, (time.time() - 2 * 3600,) * 2)
    prune(services.database, services.settings)
    assert not stranger.exists()
