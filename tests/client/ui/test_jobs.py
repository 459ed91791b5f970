"""client.ui.store.jobs: claims, leases, turns, and what people may do to their jobs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from client.ui.store.database import Database
from client.ui.store.jobs import LEASE_S, JobQueue, QueueError


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    database = Database(tmp_path / "page.db")
    yield JobQueue(database, sure_s=0)
    database.close()


def add(queue: JobQueue, owner: str, title: str = "a.mp4") -> str:
    return queue.add(owner, title=title, spec="{}")


def test_a_job_from_queue_to_done(queue: JobQueue) -> None:
    id = queue.add("ann", title="a.mp4", spec='{"input": "a"}', upload="u", total=50)
    job = queue.claim("w1")
    assert job and (job.id, job.spec, job.upload, job.attempt) == (id, '{"input": "a"}', "u", 1)
    assert queue.claim("w2") is None
    assert queue.renew(job, frames=20, total=60, rate=12.5)
    seen = queue.get("ann", id)
    assert seen and (seen.state, seen.frames, seen.total, seen.rate) == ("running", 20, 60, 12.5)
    assert queue.done(job, frames=58)
    seen = queue.get("ann", id)
    assert seen and (seen.state, seen.frames, seen.total, seen.published) == ("done", 58, 58, 1)
    assert not seen.live and not queue.waits()


def test_nobody_sees_or_touches_what_is_anothers(queue: JobQueue) -> None:
    id = add(queue, "ann")
    assert queue.get("bob", id) is None and queue.of("bob") == []
    assert not queue.cancel("bob", id) and not queue.delete("bob", id) and not queue.retry("bob", id)
    assert queue.cancel("ann", id)
    assert not queue.redraw("bob", id, "{}")


def test_users_take_turns(queue: JobQueue) -> None:
    greedy = [add(queue, "greedy", f"{number}") for number in range(5)]
    modest = add(queue, "modest")
    first, second, third = (queue.claim("w") for _ in range(3))
    assert first and second and third
    assert [first.id, second.id, third.id] == [greedy[0], modest, greedy[1]]


def test_turns_are_remembered_when_jobs_end(queue: JobQueue) -> None:
    for number in range(3):
        add(queue, "ann", f"a{number}")
        add(queue, "bob", f"b{number}")
    titles = []
    while job := queue.claim("w"):
        titles.append(job.title)
        queue.done(job, frames=1)
    assert titles == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_silent_workers_job_is_done_again_and_its_late_words_do_not_count(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(queue, "ann")
    lost, clock = queue.claim("lost"), time.time
    assert lost and queue.claim("other") is None
    monkeypatch.setattr(time, "time", lambda: clock() + LEASE_S + 1)
    assert queue.waits()
    other = queue.claim("other")
    assert other and (other.id, other.attempt) == (lost.id, 2)
    assert not queue.holds(lost)
    assert not queue.renew(lost, frames=99)
    assert not queue.done(lost, frames=99)
    assert not queue.failed(lost, "other", "late")
    seen = queue.get("ann", lost.id)
    assert seen and (seen.state, seen.frames) == ("running", 0)
    assert queue.done(other, frames=3)


@pytest.mark.parametrize("set_by", [-3600.0, 3600.0], ids=["back", "forward"])
def test_a_clock_that_is_set_takes_no_job_from_who_renews_and_every_one_from_who_does_not(
    queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_by: float
) -> None:
    add(queue, "ann")
    job = queue.claim("first")
    assert job
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + set_by)
    database = Database(tmp_path / "page.db")
    patient = JobQueue(database, sure_s=0.2)
    assert not patient.waits() and patient.claim("other") is None
    assert queue.renew(job)
    time.sleep(0.3)
    assert not patient.waits() and patient.claim("other") is None and queue.holds(job)
    monkeypatch.setattr(time, "time", lambda: clock() + 3 * set_by)  # and it renews no more
    assert not patient.waits()
    time.sleep(0.3)
    assert patient.waits()
    again = patient.claim("other")
    assert again and again.attempt == 2 and not queue.holds(job)
    assert patient.done(again, frames=5)
    database.close()


def test_turns_are_kept_and_no_job_takes_less_than_no_time_when_the_clock_is_set_back(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in ("ann", "bob", "bob"):
        add(queue, owner)
    titles, clock = [], time.time
    for hours in range(3):
        monkeypatch.setattr(time, "time", lambda hours=hours: clock() - hours * 3600)
        job = queue.claim("w")
        assert job
        monkeypatch.setattr(time, "time", lambda hours=hours: clock() - hours * 3600 - 60)
        assert queue.done(job, frames=1)
        titles.append(next(owner for owner in ("ann", "bob") if queue.get(owner, job.id)))
        seen = queue.get(titles[-1], job.id)
        assert seen and seen.seconds == 0
        if hours == 0:
            add(queue, "ann")
    assert titles == ["ann", "bob", "ann"]


def test_a_dead_workers_jobs_are_free_at_once(queue: JobQueue) -> None:
    add(queue, "ann")
    assert queue.claim("dead", lease_s=1000)
    queue.release("dead")
    again = queue.claim("alive")
    assert again and again.attempt == 2


def test_a_job_that_kills_its_workers_fails_at_the_third(queue: JobQueue) -> None:
    id = add(queue, "ann")
    for _ in range(3):
        assert queue.claim("w", lease_s=1000)
        queue.release("w")
    assert queue.claim("w") is None
    seen = queue.get("ann", id)
    assert seen and (seen.state, seen.error_kind) == ("failed", "lost") and "died 3 times" in seen.error
    assert queue.retry("ann", id)
    assert queue.claim("w", lease_s=1000)
    queue.release("w")
    assert queue.waits()  # losses are counted anew


def test_cancelled_while_running(queue: JobQueue) -> None:
    id = add(queue, "ann")
    job = queue.claim("w")
    assert job and queue.cancel("ann", id)
    assert not queue.holds(job) and not queue.renew(job) and not queue.done(job, frames=1)
    seen = queue.get("ann", id)
    assert seen and seen.state == "cancelled"
    assert not queue.cancel("ann", id)  # once is enough


def test_deleted_while_running(queue: JobQueue) -> None:
    id = add(queue, "ann")
    job = queue.claim("w")
    assert job and queue.delete("ann", id)
    assert not queue.holds(job) and queue.get("ann", id) is None


def test_a_retried_job_goes_to_the_end(queue: JobQueue) -> None:
    first, second = add(queue, "ann"), add(queue, "ann")
    job = queue.claim("w")
    assert job and queue.failed(job, "not_video", "not a video")
    seen = queue.get("ann", first)
    assert seen and (seen.state, seen.error_kind, seen.error) == ("failed", "not_video", "not a video")
    assert queue.retry("ann", first)
    order = [queue.claim("w"), queue.claim("w")]
    assert [job.id for job in order if job] == [second, first]


def test_drawn_anew_it_keeps_its_results_whatever_happens(queue: JobQueue) -> None:
    id = add(queue, "ann")
    job = queue.claim("w")
    assert job and queue.done(job, frames=5)
    assert queue.redraw("ann", id, '{"trail": 0}')
    drawing = queue.claim("w")
    assert drawing and (drawing.kind, drawing.spec, drawing.published) == ("draw", '{"trail": 0}', 1)
    assert queue.failed(drawing, "disk_full", "full")
    seen = queue.get("ann", id)
    assert seen and (seen.state, seen.published, seen.error_kind) == ("done", 1, "disk_full")
    assert queue.redraw("ann", id, "{}") and queue.cancel("ann", id)
    seen = queue.get("ann", id)
    assert seen and (seen.state, seen.published) == ("done", 1)
    assert queue.redraw("ann", id, "{}")
    again = queue.claim("w")
    assert again and queue.done(again, frames=5)
    seen = queue.get("ann", id)
    assert seen and (seen.published, seen.attempt) == (3, 3)


def test_put_back_it_is_the_next_one(queue: JobQueue) -> None:
    first, _ = add(queue, "ann"), add(queue, "ann")
    job = queue.claim("w")
    assert job and queue.give_back(job)
    again = queue.claim("w")
    assert again and again.id == first


def test_the_limit_of_one_person_is_not_anothers(queue: JobQueue) -> None:
    for _ in range(2):
        queue.add("ann", title="a", spec="{}", most=2)
    with pytest.raises(QueueError, match="2 jobs wait or run already, and 2 is the limit"):
        queue.add("ann", title="a", spec="{}", most=2)
    queue.add("bob", title="b", spec="{}", most=2)


def test_ids_cannot_be_guessed(queue: JobQueue) -> None:
    ids = [add(queue, "ann") for _ in range(50)]
    assert len(set(ids)) == 50 and all(len(id) == 32 for id in ids)


def _claim_all(path: Path, name: str) -> list[str]:
    database = Database(path)
    claimed = []
    while job := JobQueue(database).claim(name):
        claimed.append(job.id)
    database.close()
    return claimed


def test_processes_at_once_take_each_job_once(tmp_path: Path) -> None:
    path = tmp_path / "page.db"
    database = Database(path)
    ids = [add(JobQueue(database), f"owner{number % 7}") for number in range(120)]
    with get_context("spawn").Pool(3) as pool:
        claims = pool.starmap(_claim_all, [(path, f"w{number}") for number in range(3)])
    database.close()
    assert Counter(id for claim in claims for id in claim) == Counter(ids)


@pytest.mark.parametrize("owners", [1, 40, 2000])
def test_a_claim_among_2000_is_quick(queue: JobQueue, owners: int) -> None:
    for number in range(2000):
        add(queue, f"owner{number % owners}")
    took = []
    for _ in range(10):
        begun = time.perf_counter()
        assert queue.claim("w")
        took.append(time.perf_counter() - begun)
    assert sorted(took)[2] < 0.02  # one or another waits for the disk
