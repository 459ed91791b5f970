"""client.batch.deal: what is tried again, set aside, given up; with an executor of the test's own."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest

from client.batch.deal import Dealer, Observer, Result, aside
from client.batch.executor import Lost
from client.batch.journal import Journal
from client.batch.servers import Servers
from client.batch.work import Ended, Work
from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobError, JobSpec
from client.serving.network import NetworkConfig
from tests.media import names

SUMMARY = JobSummary(frames=1, boxes=0, ids=0, seconds=1.0, milliseconds={})
TRACKED = Ended(state="tracked")
BAD = Ended(state="failed", reason="no video", blamed=True)
AWAY = Ended(state="failed", reason="no server", blamed=False)
KILLED = Lost(reason="its worker was killed by signal 9", blamed=True)
NODE = Lost(reason="its machine was lost", blamed=False)


class Scripted:
    """Answers at once what a test has written down, and goes well where that ends."""

    def __init__(self, script: dict[str, Sequence[Ended | Lost]], room: int = 1) -> None:
        self._script = {name: deque(answers) for name, answers in script.items()}
        self._room, self._under_way = room, dict[str, Work]()
        self.begun: list[str] = []
        self.urls: list[str | None] = []
        self.stopped = False

    @property
    def room(self) -> int:
        return self._room - len(self._under_way)

    @property
    def width(self) -> int:
        return self._room

    def kill(self, key: str, reason: str) -> None:
        raise AssertionError("nothing hangs here")

    def submit(self, key: str, work: Work) -> None:
        self.begun.append(work.job.name)
        self.urls.append(work.job.network.url)
        self._under_way[key] = work

    def wait(self, timeout_s: float) -> list[tuple[str, Ended | Lost]]:
        answers = []
        for key, work in self._under_way.items():
            left = self._script.get(work.job.name)
            answer = Ended(state="stopped") if self.stopped else left.popleft() if left else TRACKED
            record = Record(settings=dict(work.settings), state="running", frames=7)
            if answer is TRACKED:
                record = Record(settings=dict(work.settings), state="done", frames=1, summary=SUMMARY)
            record.write(work.job.output, work.job.name)
            answers.append((key, answer))
        self._under_way.clear()
        return answers

    def stop(self) -> None:
        self.stopped = True


class Noted(Observer):
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def ended(self, job: JobSpec, result: Result) -> None:
        self.lines.append((job.name, result.state))

    def frames(self, job: JobSpec, frames: int) -> None:
        self.lines.append((job.name, f"{frames} frames"))

    def again(self, job: JobSpec, reason: str) -> None:
        self.lines.append((job.name, reason))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def works(folder: Path, *names: str) -> list[Work]:
    return [
        Work(job=JobSpec(input=f"/{name}.mp4", output=folder, name=name), settings={"input": name}) for name in names
    ]


def states(results: dict[str, Result]) -> dict[str, str]:
    return {Path(key).name: result.state for key, result in results.items()}


def deal(executor: Scripted, journal: Journal, given: list[Work], *, stop: Event | None = None) -> dict[str, Result]:
    return by_name(Dealer(executor, journal, tries=3, stop=stop or Event()).run(given))


def by_name(results: dict[str, Result]) -> dict[str, Result]:
    return {Path(key).name: result for key, result in results.items()}


def test_all_are_done_in_their_order(tmp_path: Path, journal: Journal) -> None:
    executor = Scripted({}, room=2)
    assert states(deal(executor, journal, works(tmp_path, *"abc"))) == dict.fromkeys("abc", "tracked")
    assert executor.begun == ["a", "b", "c"]


def test_a_video_that_fails_is_tried_after_the_others_and_set_aside(tmp_path: Path, journal: Journal) -> None:
    executor, seen = Scripted({"a": [BAD, KILLED, BAD]}), Noted()
    given = works(tmp_path, *"abc")
    results = by_name(Dealer(executor, journal, tries=3, stop=Event(), observer=seen).run(given))
    assert executor.begun == ["a", "b", "c", "a", "a"]
    assert results["a"] == Result(state="set aside", tries=3, reason="no video")
    assert seen.lines[0] == ("a", "no video") and seen.lines[-1] == ("a", "set aside")
    assert journal.tries("a", given[0].settings) == ["no video", KILLED.reason, "no video"]
    assert aside(journal, given[0], 3) == results["a"] and aside(journal, given[0], 4) is None


def test_one_that_fails_once_is_done(tmp_path: Path, journal: Journal) -> None:
    assert deal(Scripted({"a": [KILLED]}), journal, works(tmp_path, "a"))["a"] == Result(state="tracked", tries=1)


def test_tries_of_earlier_runs_count(tmp_path: Path, journal: Journal) -> None:
    given = works(tmp_path, "a")
    for _ in range(2):
        journal.failed("a", given[0].settings, "killed")
    assert deal(Scripted({"a": [BAD]}), journal, given)["a"].state == "set aside"


def test_a_lost_machine_is_nobodys_fault(tmp_path: Path, journal: Journal) -> None:
    given = works(tmp_path, "a", "b")
    results = deal(Scripted({"a": [NODE] * 9, "b": [NODE] * 99}), journal, given)
    assert states(results) == {"a": "tracked", "b": "failed"}  # some day it is no chance any more
    assert journal.tries("a", given[0].settings) == journal.tries("b", given[1].settings) == []


def test_a_server_that_is_away_ends_the_batch_and_blames_no_video(tmp_path: Path, journal: Journal) -> None:
    given = works(tmp_path, *"abcd")
    executor = Scripted({name: [AWAY] * 9 for name in "abcd"})
    with pytest.raises(JobError, match="3 videos in a row have failed for one reason; the last: no server"):
        deal(executor, journal, given)
    assert executor.begun == ["a", "b", "c"]
    assert not any(journal.tries(work.job.name, work.settings) for work in given)


def test_one_video_that_a_server_refuses_does_not_end_the_batch(tmp_path: Path, journal: Journal) -> None:
    given = works(tmp_path, *"abcd")
    results = deal(Scripted({"a": [AWAY] * 9}), journal, given)
    assert states(results) == {"a": "failed", "b": "tracked", "c": "tracked", "d": "tracked"}
    assert results["a"].tries == 3 and journal.tries("a", given[0].settings) == []  # tried again by the next run


def test_stop_begins_nothing_more(tmp_path: Path, journal: Journal) -> None:
    stop = Event()
    stop.set()
    executor = Scripted({})
    assert states(deal(executor, journal, works(tmp_path, *"ab"), stop=stop)) == dict.fromkeys("ab", "stopped")
    assert executor.begun == []


def test_stop_in_the_middle(tmp_path: Path, journal: Journal) -> None:
    stop = Event()

    class StopsAfterOne(Noted):
        def ended(self, job: JobSpec, result: Result) -> None:
            super().ended(job, result)
            stop.set()

    executor = Scripted({"b": [BAD]})
    dealer = Dealer(executor, journal, tries=3, stop=stop, observer=StopsAfterOne())
    assert Counter(states(dealer.run(works(tmp_path, *"abc"))).values()) == Counter(tracked=1, stopped=2)
    assert executor.stopped and executor.begun == ["a"]


def test_the_record_of_a_lost_worker_says_why_and_nothing_of_it_lies_about(tmp_path: Path, journal: Journal) -> None:
    hidden = tmp_path / ".a.4711.partial.txt"
    hidden.touch()
    deal(Scripted({"a": [KILLED] * 3}), journal, works(tmp_path, "a"))
    record = Record.read(tmp_path, "a", done=False)
    assert record and (record.state, record.frames, record.error) == ("failed", 7, KILLED.reason)
    assert names(tmp_path) == {"batch.jsonl", "a.partial.json"} and not hidden.exists()


class Hanging(Scripted):
    """Its workers write a record and nothing more, those of ``busy`` another one at each look; none ever ends."""

    def __init__(self, busy: str = "") -> None:
        super().__init__({}, room=2)
        self._busy, self._looks, self.killed = busy, 0, dict[str, str]()

    def kill(self, key: str, reason: str) -> None:
        self.killed[key] = reason

    def wait(self, timeout_s: float) -> list[tuple[str, Ended | Lost]]:
        time.sleep(0.02)
        self._looks += 1
        answers: list[tuple[str, Ended | Lost]] = []
        for key, work in list(self._under_way.items()):
            if key in self.killed:
                answers.append((key, Lost(reason=self.killed.pop(key), blamed=True)))
            elif self.stopped:
                answers.append((key, Ended(state="stopped")))
            elif self._looks == 1 or work.job.name == self._busy:
                record = Record(settings=dict(work.settings), state="running", frames=self._looks)
                record.write(work.job.output, work.job.name)
        for key, _ in answers:
            del self._under_way[key]
        return answers


def test_a_worker_that_hangs_is_killed_and_its_video_has_failed_once(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.batch.deal._PROGRESS_EVERY_S", 0.0)
    stop = Event()

    class StopsAfterOne(Noted):
        def ended(self, job: JobSpec, result: Result) -> None:
            super().ended(job, result)
            stop.set()

    seen = StopsAfterOne()
    dealer = Dealer(Hanging("b"), journal, tries=1, stop=stop, timeout_s=1.5, observer=seen)
    results = by_name(dealer.run(works(tmp_path, *"ab")))
    assert results["a"] == Result(
        state="set aside", tries=1, reason="no new frame for 1.5 s (--timeout): its worker was killed"
    )
    assert results["b"].state == "stopped", "one that goes on is left alone"
    assert ("a", "1 frames") in seen.lines
    told = [int(text.split()[0]) for name, text in seen.lines if name == "b" and text.endswith(" frames")]
    assert told == sorted(told) and told[-1] > 10


def test_a_server_that_is_away_is_left_out_and_its_videos_go_to_the_others(tmp_path: Path, journal: Journal) -> None:
    away, told = Ended(state="failed", reason="no server", away=True), list[str]()
    networks = [NetworkConfig(url=f"127.0.0.1:{port}") for port in (1, 2)]
    executor = Scripted({"a": [away]})
    servers = Servers(networks, told.append)
    given = works(tmp_path, *"abc")
    results = by_name(Dealer(executor, journal, tries=1, stop=Event(), servers=servers).run(given))
    assert states(results) == dict.fromkeys("abc", "tracked") and results["a"].tries == 0
    assert executor.urls == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:2", "127.0.0.1:2"]
    assert told == ["127.0.0.1:1 is left out from now on: no server"]


def test_when_no_server_is_left_the_batch_ends_and_blames_no_video(tmp_path: Path, journal: Journal) -> None:
    away = Ended(state="failed", reason="no server", away=True)
    servers = Servers([NetworkConfig(url=f"127.0.0.1:{port}") for port in (1, 2)], lambda _: None)
    given = works(tmp_path, *"abc")
    executor = Scripted({name: [away] * 9 for name in "abc"})
    with pytest.raises(JobError, match="none of 2 servers answers"):
        Dealer(executor, journal, tries=3, stop=Event(), servers=servers).run(given)
    assert executor.begun == ["a", "b"] and not journal.tries("a", given[0].settings)


def test_results_that_are_not_here_are_missed(tmp_path: Path, journal: Journal) -> None:
    answers = defaultdict(list, {"a": [Ended(state="tracked")]})  # an equal one, without a record
    with pytest.raises(JobError, match="give an --output that all machines share"):
        deal(Scripted(answers), journal, works(tmp_path, "a"))


def test_nothing_to_do(journal: Journal) -> None:
    assert deal(Scripted({}), journal, []) == {}
