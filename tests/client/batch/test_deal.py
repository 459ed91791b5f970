"""client.batch.deal: what is tried again, set aside, given up; with an executor of the test's own."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest

from client.batch.deal import Dealer, Observer, Result, aside
from client.batch.executor import Lost
from client.batch.journal import Journal
from client.batch.work import Ended, Work
from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobError, JobSpec
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
        self.stopped = False

    @property
    def room(self) -> int:
        return self._room - len(self._under_way)

    def submit(self, key: str, work: Work) -> None:
        self.begun.append(work.job.name)
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


def test_results_that_are_not_here_are_missed(tmp_path: Path, journal: Journal) -> None:
    answers = defaultdict(list, {"a": [Ended(state="tracked")]})  # an equal one, without a record
    with pytest.raises(JobError, match="give an --output that all machines share"):
        deal(Scripted(answers), journal, works(tmp_path, "a"))


def test_nothing_to_do(journal: Journal) -> None:
    assert deal(Scripted({}), journal, []) == {}
