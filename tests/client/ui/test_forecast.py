"""client.ui.store.forecast: places in the queue are those in which claims come."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.ui.store.database import Database
from client.ui.store.forecast import places
from client.ui.store.jobs import JobQueue


def test_places_follow_the_turns(tmp_path: Path) -> None:
    database = Database(tmp_path / "page.db")
    queue = JobQueue(database)
    for owner, title in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")]:
        queue.add(owner, title=title, spec="{}", total=100)
    expected = places(database, workers=1)
    names = {job.id: job.title for owner in "abc" for job in queue.of(owner)}
    order = [names[id] for id, _ in sorted(expected.items(), key=lambda each: each[1].ahead)]
    claimed = []
    while job := queue.claim("w"):
        claimed.append(job.title)
        queue.done(job, frames=100)
    assert order[:4] == claimed[:4] == ["a1", "b1", "c1", "a2"]
    database.close()


def test_the_time_is_that_of_what_comes_before(tmp_path: Path) -> None:
    database = Database(tmp_path / "page.db")
    queue = JobQueue(database)
    queue.add("a", title="running", spec="{}", total=300)
    queue.add("b", title="next", spec="{}", total=100)
    last = queue.add("b", title="last", spec="{}", total=100)
    job = queue.claim("w")
    assert job and queue.renew(job, frames=100, rate=50.0)
    expected = places(database, workers=1)
    assert sorted(place.seconds for place in expected.values()) == pytest.approx([4.0, 4.0 + 100 / 20])
    assert expected[last].ahead == 1
    assert all(place.seconds == 0 for place in places(database, workers=3).values())
    assert places(database, workers=0) == expected, "workers elsewhere: as many as are seen"
    database.close()
