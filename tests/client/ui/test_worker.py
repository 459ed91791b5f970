"""client.ui.work.worker: real processes, a real graph, real kills."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from client.ui.results import ROWS, SCENE, SUMMARY
from client.ui.rows import read_rows
from client.ui.settings import Limits, Settings
from client.ui.work.summary import HEAT, WAYS
from client.ui.work.watching import PORTRAITS, PREVIEW
from client.video.open import open_source
from mot.sequence import read_results
from tests.client.ui.pages import Watched, job_spec, page_settings, wait_for, worker
from tests.command import walk

SHORT, LONG = 30, 1500


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return page_settings(tmp_path)


@pytest.fixture
def watched(settings: Settings) -> Iterator[Watched]:
    watched = Watched(settings)
    yield watched
    watched.database.close()


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes the tiny model some ten seconds."""
    return walk(tmp_path_factory.mktemp("long") / "long.mp4", LONG, 160, 120)


def test_a_job_gives_rows_video_and_pictures(settings: Settings, watched: Watched, tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", SHORT)
    id = watched.queue.add("ann", title="walk.mp4", spec=job_spec(video))
    with worker(settings):
        job = watched.wait(id, "done")
    assert (job.frames, job.total, job.published) == (SHORT, SHORT, 1)
    folder = settings.jobs / id
    assert (folder / PREVIEW).read_bytes()[:2] == b"\xff\xd8"
    result = folder / "1"
    rows = read_results(result / "result.txt")
    assert len(rows) > SHORT
    assert (result / SCENE).exists()
    assert {int(path.stem) for path in (result / PORTRAITS).iterdir()} <= set(rows.ids.tolist())
    with open_source(str(result / "result.mp4")) as source:
        assert sum(1 for _ in source) == SHORT


def test_the_summary_is_that_of_the_rows(settings: Settings, watched: Watched, tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", SHORT)
    id = watched.queue.add("ann", title="walk.mp4", spec=job_spec(video, start=6, end=25))
    with worker(settings):
        watched.wait(id, "done")
    folder = settings.jobs / id / "1"
    rows = read_results(folder / "result.txt")
    summary = json.loads((folder / SUMMARY).read_text())
    assert (summary["frames"], summary["start"], summary["width"], summary["height"]) == (20, 6, 64, 48)
    assert summary["people"] == [[round(n / 10, 3), int((rows.frames == n + 6).sum())] for n in range(20)]
    assert [track["id"] for track in summary["tracks"]] == sorted(set(rows.ids.tolist()))
    one = summary["tracks"][0]
    frames = rows.frames[rows.ids == one["id"]]
    assert (one["first_frame"], one["last_frame"]) == (frames.min(), frames.max())
    assert one["begin_s"] == pytest.approx((frames.min() - 6) / 10)
    assert one["portrait"] == (folder / PORTRAITS / f"{one['id']}.jpg").exists()
    assert (folder / HEAT).exists() and (folder / WAYS).read_text().startswith("<svg")
    assert len(read_rows(folder / ROWS)) == len(rows)


def test_drawn_anew_the_rows_stay_and_the_picture_changes(settings: Settings, watched: Watched, tmp_path: Path) -> None:
    video = walk(tmp_path / "walk.mp4", SHORT, 320, 240)
    id = watched.queue.add("ann", title="walk.mp4", spec=job_spec(video))
    with worker(settings):
        watched.wait(id, "done")
        first = (settings.jobs / id / "1" / "result.txt").read_text()
        drawn = _first_image(settings.jobs / id / "1" / "result.mp4")
        assert watched.queue.redraw("ann", id, job_spec(video, trail=0, labels=False, caption=False))
        job = watched.wait(id, "done")
        wait_for(lambda: not (settings.jobs / id / "1").exists(), "removal of the earlier drawing")
    assert job.published == 2
    assert (settings.jobs / id / "2" / "result.txt").read_text() == first
    assert np.abs(_first_image(settings.jobs / id / "2" / "result.mp4") - drawn).max() > 50  # no caption
    assert (settings.jobs / id / "2" / SUMMARY).exists()


def _first_image(path: Path) -> npt.NDArray[np.int16]:
    with open_source(str(path)) as source:
        return next(iter(source)).image.astype(np.int16)


def test_a_killed_workers_job_is_done_by_another(settings: Settings, watched: Watched, long_video: Path) -> None:
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
    with worker(settings) as first:
        watched.wait_frames(id, 1)
        first.kill()
        first.wait()
        begun = time.monotonic()
        with worker(settings):
            assert watched.wait(id, "done", seconds=120).attempt == 2
    assert time.monotonic() - begun > 1
    assert read_results(settings.jobs / id / "2" / "result.txt").frames.max() == LONG


def test_a_running_job_is_cancelled_at_once(settings: Settings, watched: Watched, long_video: Path) -> None:
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
    with worker(settings):
        watched.wait_frames(id, 1)
        assert watched.queue.cancel("ann", id)
        following = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
        watched.wait(following, "running", seconds=30)  # the worker is free again
    assert watched.job(id).state == "cancelled"
    assert read_results(settings.jobs / id / "1" / "result.partial.txt").frames.max() < LONG


def test_a_worker_that_is_told_to_end_puts_its_job_back(settings: Settings, watched: Watched, long_video: Path) -> None:
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
    with worker(settings) as process:
        watched.wait_frames(id, 1)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    assert watched.job(id).state == "queued"


def test_what_is_no_video_fails_with_a_sentence(settings: Settings, watched: Watched, tmp_path: Path) -> None:
    path = tmp_path / "input.mp4"
    path.write_text("words, many words")
    bad = watched.queue.add("ann", title="holiday.mp4", spec=job_spec(path))
    empty = watched.queue.add("ann", title="x", spec='{"input": "a", "unknown": 1}')
    with worker(settings):
        job = watched.wait(bad, "failed")
        other = watched.wait(empty, "failed")
    assert job.error_kind == "not_video"
    assert job.error.startswith("holiday.mp4: not a video that can be read")
    assert str(tmp_path) not in job.error
    assert other.error_kind == "other" and "this is no job" in other.error


def test_a_video_longer_than_it_said_is_ended_at_the_limit(watched: Watched, tmp_path: Path, long_video: Path) -> None:
    settings = page_settings(tmp_path, limits=Limits(seconds=2))
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
    with worker(settings):
        job = watched.wait(id, "failed")
    assert job.error_kind == "too_long"


def test_a_full_disk_during_the_job(watched: Watched, tmp_path: Path, small_disk: Path, long_video: Path) -> None:
    settings = page_settings(tmp_path)
    id = watched.queue.add("ann", title="long.mp4", spec=job_spec(long_video))
    settings.jobs.mkdir(parents=True, exist_ok=True)
    (settings.jobs / id).symlink_to(small_disk)
    with worker(settings):
        job = watched.wait(id, "failed")
    assert job.error_kind == "disk_full" and str(tmp_path) not in job.error
