"""A disk without a free byte, under uploads, jobs and database at once: what is said, what is kept, what goes on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.ui.page.english import ENGLISH
from client.ui.settings import Settings
from client.ui.store.database import StoreError
from client.ui.store.pruning import prune
from client.ui.web.services import Services
from tests.client.ui.pages import Watched, job_spec, page_settings, wait_for, worker
from tests.client.ui.test_page import Page
from tests.client.ui.test_upload_routes import Browser, page
from tests.command import walk
from tests.full_disk import clear, disk, fill, half_written


@pytest.fixture
def settings(tmp_path: Path, small_disk: Path) -> Settings:
    return page_settings(tmp_path, data=small_disk / "data")


def test_uploads_are_refused_in_words_and_go_on_when_there_is_room(
    tmp_path: Path, settings: Settings, small_disk: Path
) -> None:
    data = walk(tmp_path / "walk.mp4", 10).read_bytes()
    with page(tmp_path, data=settings.data) as (services, app):
        browser = Browser(services, app)
        id = browser.begin("walk.mp4", len(data)).json()["id"]
        assert browser.send(id, 0, data[:100]).json() == {"received": 100}
        fill(small_disk)
        before = sorted(services.settings.uploads.iterdir())
        for answer in (browser.begin("other.mp4", 9), browser.send(id, 100, data[100:])):
            assert (answer.status_code, answer.json()["kind"]) == (507, "disk_full")
        assert sorted(services.settings.uploads.iterdir()) == before
        clear(small_disk)
        received = browser.state(id)["received"]
        browser.send(id, received, data[received:])
        assert browser.checked(id)["state"] == "ready"
        assert services.uploads.file(services.uploads.of(browser.owner or "")[0]).read_bytes() == data
        browser.close()


def test_what_was_found_in_a_file_is_noted_when_there_is_room(
    tmp_path: Path, settings: Settings, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.ui.web.checking._FULL_S", 0.1)
    data = walk(tmp_path / "walk.mp4", 10).read_bytes()
    with page(tmp_path, data=settings.data) as (services, app):
        refused: list[StoreError] = []
        ready = services.uploads.ready

        def noted(id: str, facts: dict[str, object]) -> None:
            if not refused:
                fill(small_disk)
            try:
                ready(id, facts)
            except StoreError as error:
                refused.append(error)
                raise

        monkeypatch.setattr(services.uploads, "ready", noted)
        browser = Browser(services, app)
        id = browser.upload("walk.mp4", data)
        wait_for(lambda: len(refused) > 1, "attempts to note it")
        assert browser.state(id)["state"] == "checking"
        clear(small_disk)
        assert browser.checked(id)["state"] == "ready"
        browser.close()


@pytest.fixture
def larger_disk(tmp_path: Path) -> Iterator[Path]:
    """With room for a job's results."""
    with disk(tmp_path / "larger", "8m") as folder:
        yield folder


def test_a_job_fails_in_words_or_goes_on_when_there_is_room(tmp_path: Path, larger_disk: Path) -> None:
    """While the disk is full, its worker cannot even write down that it has failed."""
    video = walk(tmp_path / "long.mp4", 600, 160, 120)
    settings = page_settings(tmp_path, data=larger_disk / "data")
    watched = Watched(settings)
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(video))
    with worker(settings):
        watched.wait_frames(id, 1)
        fill(larger_disk)
        wait_for(lambda: not _attempts(settings, id), "removal of what was begun")
        fill(larger_disk)  # what that has freed
        clear(larger_disk)
        job = watched.wait(id, "failed", "done")
        if job.state == "failed":
            assert (job.error_kind, job.error) == ("disk_full", "no space left on the server's disk")
            assert half_written(settings.data) == [] and not _attempts(settings, id)
            assert watched.queue.retry("ann", id)
        job = watched.wait(id, "done", "failed")
        assert (job.state, job.frames) == ("done", 600), job.error
        wait_for(lambda: _attempts(settings, id) == [str(job.attempt)], "removal of the other attempts")
    assert half_written(settings.data) == []
    watched.database.close()


def _attempts(settings: Settings, id: str) -> list[str]:
    return [path.name for path in (settings.jobs / id).iterdir() if path.is_dir()]


@pytest.fixture
def person(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    services = Services.open(settings)
    yield Page(services, monkeypatch)
    services.database.close()


def test_a_click_that_cannot_be_noted_is_answered_with_a_sentence(person: Page, small_disk: Path) -> None:
    id = person.add()
    app = person.run(job=id)
    fill(small_disk)
    app.button(key=f"cancel-{id}").click().run()
    assert ENGLISH.error_disk_full in person.text()
    clear(small_disk)
    app = person.run(job=id)
    app.button(key=f"cancel-{id}").click().run()
    assert ENGLISH.cancelled in person.text()


def test_deleting_makes_room_where_there_is_none(person: Page, small_disk: Path) -> None:
    id = person.add()
    person.services.jobs.cancel(person.owner, id)
    folder = person.services.settings.jobs / id
    folder.mkdir()
    (folder / "result.mp4").write_bytes(bytes(40_000))
    fill(small_disk)
    person.run(job=id).button(key=f"delete-{id}").click().run()
    assert person.services.jobs.of(person.owner) == [] and not folder.exists()


def test_old_jobs_are_removed_from_a_full_disk(settings: Settings, small_disk: Path) -> None:
    services = Services.open(settings)
    id = services.jobs.add("ann", title="a.mp4", spec=json.dumps({}))
    services.jobs.cancel("ann", id)
    (settings.jobs / id).mkdir()
    (settings.jobs / id / "result.mp4").write_bytes(bytes(40_000))
    fill(small_disk)
    prune(services.database, settings, now=1e12)
    assert services.jobs.of("ann") == [] and not (settings.jobs / id).exists()
    services.database.close()


def test_a_zip_whose_images_do_not_fit(tmp_path: Path, settings: Settings, small_disk: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 150, 3)).astype(np.uint8)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("noise.png", cv2.imencode(".png", noise)[1].tobytes())
    packed = file.getvalue()
    with page(tmp_path, data=settings.data) as (services, app):
        browser = Browser(services, app)
        id = browser.begin("noise.zip", len(packed)).json()["id"]
        fill(small_disk, len(packed) + len(packed) // 2)  # for the zip, and half of what is in it
        browser.send(id, 0, packed)
        found = browser.checked(id)
        assert (found["state"], found["kind"]) == ("refused", "no_room")
        assert not services.uploads.path(id).exists()
        browser.close()
