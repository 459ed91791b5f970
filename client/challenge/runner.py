"""Several sequences side by side in one process: each has a thread and a tracker of its own, all share the network.

So the network has frames of every sequence to choose from: Triton's dynamic batcher fills its batches, and
nothing waits while one sequence decodes its next image or associates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Literal, Self

from client.challenge.task import ChallengeError, Task
from client.detection.detector import DetectorError
from client.detection.given import BlankFrames, GivenDetections
from client.jobs.job import JobSummary, associate_video, track_video
from client.jobs.record import (
    Record,
    Settings,
    counts_of,
    differences,
    model_settings,
    read_record,
    record_path,
    task_settings,
    write_record,
)
from client.outputs.embeddings import MeanLooks, looks_path
from client.pipeline.tracked import TrackedFrame
from client.serving.network import Engine, EngineConfig, open_engine
from client.tracking import TrackerConfig
from client.video.open import open_source
from mot.errors import MotError
from mot.files import whole_file
from mot.sequence import format_rows


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How to track a benchmark."""

    out: Path
    engine: EngineConfig
    tracker: TrackerConfig
    jobs: int = 2  # sequences side by side
    overwrite: bool = False  # results of other settings
    embeddings: bool = False  # also SEQUENCE.embeddings.npz, what each person looks like, for `mot refine`


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a task."""

    task: Task
    state: Literal["tracked", "kept", "failed"]  # kept: from an earlier run
    record: Record | None = None  # None where it failed
    error: str = ""


class _Rows:
    """A sink of memory: one sequence's rows, and its people's looks, which become files when all are there."""

    def __init__(self, *, embeddings: bool) -> None:
        self._lines: list[str] = []
        self._looks = MeanLooks() if embeddings else None

    def write(self, tracked: TrackedFrame) -> None:
        self._lines.append(format_rows(tracked.frame.index, tracked.tracks))
        if self._looks:
            self._looks.add(tracked)

    def save(self, path: Path) -> None:
        """Write one result; its looks come first, so that where there are rows there is all."""
        if self._looks:
            with whole_file(looks_path(path)) as temporary, temporary.open("wb") as file:
                self._looks.write(file)
        with whole_file(path) as temporary:
            temporary.write_text("".join(self._lines), encoding="ascii", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def run_tasks(tasks: Sequence[Task], config: RunConfig, *, advance: Callable[[], None] = lambda: None) -> list[Outcome]:
    """Track what an earlier run with the same settings has not finished; outcomes are in the tasks' order.

    Every result, ``OUT/SEQUENCE.txt``, appears whole or not at all, with a record of its settings beside it. A
    sequence that cannot be read does not stop the others. What is finished but lacks the embeddings that are asked
    for is tracked again.

    Args:
        advance: called for each frame that is done, or need not be, by one thread at a time.

    Raises:
        ChallengeError: there are results of other settings; nothing has been touched.
        MotError: the network or its server failed for good; what was finished until then is kept.
    """
    needs_network = any(task.detections is None for task in tasks)
    model = model_settings(config.engine) if needs_network else None
    settings = {task: task_settings(task, None if task.detections else model, config.tracker) for task in tasks}
    finished = _finished(settings, config)
    outcomes = {task: Outcome(task=task, state="kept", record=record) for task, record in finished.items()}
    for task in finished:
        for _ in range(task.frames):
            advance()
    # The longest first, so that none is left over alone at the end.
    waiting = sorted((task for task in tasks if task not in finished), key=lambda task: -task.frames)
    with ExitStack() as stack:
        engine = None
        if any(task.detections is None for task in waiting):
            videos = min(config.jobs, len(waiting))
            engine = stack.enter_context(open_engine(replace(config.engine, videos=videos)))
        run = _Run(config, engine, advance)
        threads = stack.enter_context(ThreadPoolExecutor(config.jobs, thread_name_prefix="sequence"))
        futures = {threads.submit(run.track, task, settings[task]): task for task in waiting}
        try:
            for future in as_completed(futures):
                task, error = futures[future], future.exception()
                if error is None:
                    outcomes[task] = Outcome(task=task, state="tracked", record=future.result())
                elif isinstance(error, MotError) and not isinstance(error, DetectorError):
                    outcomes[task] = Outcome(task=task, state="failed", error=str(error))
                else:
                    raise error
        except BaseException:
            run.stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
            if engine:
                engine.detector.close()  # so that nobody waits for an answer
            raise
    return [outcomes[task] for task in tasks]


def _finished(settings: dict[Task, Settings], config: RunConfig) -> dict[Task, Record]:
    """The tasks that need not run again."""
    finished, changed = {}, []
    for task, wanted in settings.items():
        path = record_path(config.out, task.name)
        files = [config.out / f"{name}.txt" for name in task.results]
        there = [file for file in files if file.exists()]
        looks = [looks_path(file) for file in files] if config.embeddings else []
        record = read_record(path)
        if record is None:
            if there:
                changed.append(f"{there[0]}: nothing says how it was made, {path.name} is missing")
        elif new := differences(record.settings, wanted):
            if there:
                changed.append(f"{path}: made with other settings ({'; '.join(new)})")
        elif record.counts and all(file.exists() for file in files + looks):
            finished[task] = record
    if changed and not config.overwrite:
        raise ChallengeError(
            "\n".join([*changed, "replace these results with --overwrite, or choose another folder with --out"])
        )
    return finished


class _Run:
    """What the threads share."""

    def __init__(self, config: RunConfig, engine: Engine | None, advance: Callable[[], None]) -> None:
        self.stopped = Event()
        self._config, self._engine = config, engine
        self._advance, self._lock = advance, Lock()

    def track(self, task: Task, settings: Settings) -> Record:
        """Track one sequence and write its results."""
        path = record_path(self._config.out, task.name)
        files = [self._config.out / f"{name}.txt" for name in task.results]
        rows = _Rows(embeddings=self._config.embeddings)
        try:
            # First, so that nothing of other settings is left beside this record.
            for file in files:
                file.unlink(missing_ok=True)
                looks_path(file).unlink(missing_ok=True)
            write_record(path, Record(settings=settings, length=task.length))
            summary = self._follow(task, rows)
            for file in files:
                rows.save(file)
            record = Record(settings=settings, length=task.length, counts=counts_of(summary))
            write_record(path, record)
        except OSError as error:
            raise ChallengeError(f"{error.filename}: cannot be written: {error.strerror}; check --out") from error
        return record

    def _follow(self, task: Task, rows: _Rows) -> JobSummary:
        tracker = self._config.tracker
        if task.detections is None:
            assert self._engine
            detector, in_flight = self._engine.detector, self._engine.in_flight
            with open_source(str(task.folder), task.first, task.last) as source:
                _check_count(task, source.frame_count)
                return track_video(source, detector, [rows], config=tracker, in_flight=in_flight, watch=self._watch)
        given = GivenDetections(task.detections)
        given.check_length(task.length)
        if tracker.needs_images:
            with open_source(str(task.folder), task.first, task.last) as source:
                _check_count(task, source.frame_count)
                return associate_video(source, given, [rows], config=tracker, watch=self._watch)
        blank = BlankFrames(task.name, first=task.first, last=task.last, frame_rate=task.frame_rate)
        return associate_video(blank, given, [rows], config=tracker, watch=self._watch)

    def _watch(self, _: TrackedFrame) -> None:
        if self.stopped.is_set():
            raise CancelledError  # the run has ended; nobody asks for this
        with self._lock:
            self._advance()


def _check_count(task: Task, frames: int | None) -> None:
    if frames != task.frames:
        raise ChallengeError(
            f"{task.folder}: frames {task.first} to {task.last} are wanted, but there are images of {frames} of them; "
            "fetch the rest of the sequence"
        )
