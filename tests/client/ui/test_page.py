"""client.ui.page.script, run by Streamlit without a browser: what is said of each state, and what buttons do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import client.ui.page.show as show
from client.jobs.spec import JobSpec
from client.tracking.catalog import DEFAULT
from client.tracking.catalog import TRACKERS as REAL_TRACKERS
from client.ui.page.chinese import CHINESE
from client.ui.page.english import ENGLISH
from client.ui.page.options import LEAST, MOST, TRACKERS, Options
from client.ui.rows import save_rows
from client.ui.store.people import COOKIE
from client.ui.web.services import Services
from mot.sequence import read_results
from tests.client.ui.pages import page_settings

SCRIPT = Path(show.__file__).with_name("script.py")


class Page:
    """Somebody's look at it."""

    def __init__(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        cookie = services.people.new_cookie()
        monkeypatch.setattr(show, "services", lambda: services)
        monkeypatch.setattr(type(show.st.context), "cookies", {COOKIE: cookie})
        monkeypatch.setattr(type(show.st.context), "locale", "en-GB")
        # Streamlit makes its script the main module and leaves it so; processes that later tests spawn would run it.
        monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        self.services, self.owner = services, services.owner(cookie) or ""
        self.app = AppTest.from_file(str(SCRIPT), default_timeout=120)

    def run(self, **query: str) -> AppTest:
        for name, value in query.items():
            self.app.query_params[name] = value
        self.app.run()
        assert not self.app.exception, self.app.exception
        return self.app

    def text(self) -> str:
        shown = [
            getattr(each, "value", "")
            for kind in ("info", "error", "warning", "caption")
            for each in self.app.get(kind)
        ]
        return "\n".join([*map(str, shown), *(each.proto.body for each in self.app.get("html"))])

    def add(self, **spec: Any) -> str:
        return self.services.jobs.add(
            self.owner, title="walk.mp4", spec=json.dumps(Options().spec("in.mp4") | spec), total=100
        )


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    services = Services.open(page_settings(tmp_path))
    yield Page(services, monkeypatch)
    services.database.close()


def test_the_empty_page_says_what_to_do(page: Page) -> None:
    page.run()
    assert ENGLISH.none_yet in page.text() and ENGLISH.claim in page.text()
    page.run(lang="zh")
    assert CHINESE.none_yet in page.text() and CHINESE.claim in page.text()


def test_the_sample_is_one_click(page: Page) -> None:
    app = page.run()
    app.button(key="sample").click().run()
    (job,) = page.services.jobs.of(page.owner)
    assert app.query_params["job"] == job.id
    assert (job.state, job.total, job.upload) == ("queued", 795, None)
    assert JobSpec.parse(job.spec).tracker.settings == {}  # thresholds are the model's, as for `mot track`
    assert ENGLISH.queued_next in page.text()


def test_settings_are_the_jobs(page: Page) -> None:
    app = page.run()
    app.selectbox(key="tracker").select("byte").run()
    assert app.slider(key="threshold-byte").value == 0.7
    app.slider(key="threshold-byte").set_value(0.4)
    app.toggle(key="anonymise-new").set_value(True)
    app.toggle(key="range").set_value(True).run()
    app.number_input(key="first").set_value(11)
    app.number_input(key="last").set_value(60)
    app.button(key="sample").click().run()
    (job,) = page.services.jobs.of(page.owner)
    spec = JobSpec.parse(job.spec)
    assert (spec.tracker.name, spec.tracker.settings, spec.start, spec.end) == ("byte", {"conf_thres": 0.4}, 11, 60)
    assert spec.anonymise and job.total == 50


def test_the_limit_of_jobs_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = page_settings(tmp_path)
    limits = settings.limits.model_copy(update={"jobs": 1})
    services = Services.open(settings.model_copy(update={"limits": limits}))
    page = Page(services, monkeypatch)
    page.add()
    page.run().button(key="sample").click().run()
    assert ENGLISH.error_limit in page.text()
    services.database.close()


def test_a_running_job_its_place_and_its_cancelling(page: Page) -> None:
    first, second = page.add(), page.add()
    job = page.services.jobs.claim("w")
    assert job and page.services.jobs.renew(job, frames=25, rate=5.0)
    app = page.run(job=first)
    assert "25 % · frame 25 of 100 · 5.0 frames/s · 0:15 left" in page.text()
    page.run(job=second)
    assert "Next in line; starts in about 0:15." in page.text()
    page.run(job=first)
    app.button(key=f"cancel-{first}").click().run()
    assert ENGLISH.cancelled in page.text()
    app.button(key=f"retry-{first}").click().run()
    waiting = page.services.jobs.get(page.owner, first)
    assert waiting and waiting.state == "queued"


def test_a_server_that_is_away_is_said(page: Page) -> None:
    id = page.add()
    job = page.services.jobs.claim("w")
    assert job and page.services.jobs.renew(job, note="server_away")
    page.run(job=id)
    assert ENGLISH.waiting_server in page.text()


@pytest.mark.parametrize("kind", ["not_video", "disk_full", "server_away", "lost", "other"])
def test_failures_are_sentences(page: Page, kind: str) -> None:
    id = page.add()
    job = page.services.jobs.claim("w")
    assert job and page.services.jobs.failed(job, kind, "walk.mp4: the header is missing")
    page.run(job=id)
    assert getattr(ENGLISH, f"error_{kind}") in page.text()
    assert ("the header is missing" in page.text()) == (kind in ("not_video", "other"))


def test_deleted_after_asking(page: Page) -> None:
    id = page.add()
    page.services.jobs.cancel(page.owner, id)
    (page.services.settings.jobs / id).mkdir()
    page.run(job=id).button(key=f"delete-{id}").click().run()
    assert page.services.jobs.of(page.owner) == [] and not (page.services.settings.jobs / id).exists()
    assert ENGLISH.none_yet in page.text()


def test_anothers_job_is_not_there(page: Page) -> None:
    id = page.services.jobs.add("somebody", title="secret.mp4", spec="{}")
    page.run(job=id)
    assert ENGLISH.gone in page.text() and "secret" not in page.text()


def test_names_are_text_whatever_they_hold(page: Page) -> None:
    page.services.jobs.add(page.owner, title="<img src=x onerror=alert(1)>.mp4", spec="{}")
    page.run()
    assert "&lt;img src=x onerror=alert(1)&gt;.mp4" in page.text()
    assert "<img src=x" not in page.text()


def test_a_video_is_searched_again_with_other_settings(page: Page) -> None:
    upload = page.services.uploads.begin(page.owner, "walk.mp4", 9, "")
    id = page.services.jobs.add(
        page.owner, title="walk.mp4", spec=json.dumps(Options().spec("in.mp4")), upload=upload.id
    )
    job = page.services.jobs.claim("w")
    assert job and page.services.jobs.done(job, frames=0)
    folder = page.services.settings.jobs / id / "1"
    folder.mkdir(parents=True)
    (folder / "result.txt").write_text("")
    save_rows(folder / "rows.npz", read_results(folder / "result.txt"))
    summary = {"frame_rate": 10, "frames": 5, "start": 1, "width": 64, "height": 48, "tracks": []}
    (folder / "summary.json").write_text(json.dumps(summary))
    app = page.run(job=id)
    assert ENGLISH.nobody in page.text()
    app.slider(key=f"threshold-{next(iter(TRACKERS))}").set_value(LEAST)
    app.button(key=f"search-{id}").click().run()
    again = page.services.jobs.get(page.owner, str(app.query_params["job"]))
    assert again and again.id != id and (again.title, again.upload) == ("walk.mp4", upload.id)
    spec = JobSpec.parse(again.spec)
    assert (spec.input, spec.tracker.settings) == ("in.mp4", {"conf_thres": LEAST})
    before = page.services.jobs.get(page.owner, id)
    assert before and before.state == "done"


def test_of_many_jobs_the_newest_and_all_that_are_not_done(page: Page) -> None:
    ids = [page.add() for _ in range(30)]
    for id in ids[1:]:
        page.services.jobs.cancel(page.owner, id)
    app = page.run()
    shown = [id for id in ids if f"open-{id}" in {button.key for button in app.button}]
    assert shown == [ids[0], *ids[-12:]]
    app.button(key="older").click().run()
    assert {f"open-{id}" for id in ids} <= {button.key for button in app.button}


def test_options_are_jobs() -> None:
    for tracker in TRACKERS:
        spec = JobSpec.parse(Options(tracker=tracker, threshold=TRACKERS[tracker]).spec("in.mp4"))
        assert spec.tracker.config()
    assert {name: kind().conf_thres for name, kind in REAL_TRACKERS.items()} == TRACKERS  # type: ignore[attr-defined]
    assert next(iter(TRACKERS)) == DEFAULT
    assert all(LEAST <= threshold <= MOST for threshold in TRACKERS.values())
    assert Options(start=11, end=60).frames_of(50) == 40
    assert Options(start=11).frames_of(None) is None
