"""Several inputs, one after the other, with progress and reports in the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from client.commands.tables import summary_table
from client.detection.given import GivenDetections, open_blank
from client.jobs.job import JobSummary, associate_video, result_files, track_video
from client.serving.network import Engine, EngineConfig, open_engine
from client.terminal import progress, show
from client.tracking import TrackerConfig
from client.video.open import open_source
from client.video.source import Source, VideoError
from mot.sequence import SequenceError


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """What to do with each input."""

    output_root: Path
    engine: EngineConfig
    tracker: TrackerConfig
    detections: Path | None = None  # people found elsewhere: no network runs
    start: int = 1
    end: int | None = None
    video: bool = True  # write the video, too
    embeddings: bool = False  # and what each person looks like


def track_inputs(inputs: Sequence[str], config: BatchConfig) -> int:
    """Track every input; returns how many could not be read, of which the reasons have been printed.

    The engine is opened once, when the first input has proved to be readable; with given detections never.

    Raises:
        MotError: the engine failed or a result cannot be written, so that no other input would fare better.
    """
    given = GivenDetections(config.detections) if config.detections else None
    engine: Engine | None = None
    taken: set[str] = set()
    failures = 0
    with ExitStack() as stack:
        for input in inputs:
            try:
                with _open(input, given, config) as source:
                    name = _unused(source.name, taken)
                    follow: Callable[..., JobSummary]
                    if given:
                        follow = partial(associate_video, given=given)
                    else:
                        engine = engine or stack.enter_context(open_engine(config.engine))
                        follow = partial(track_video, detector=engine.detector, in_flight=engine.in_flight)
                    _track_one(input, name, source, follow, config)
            except (VideoError, SequenceError) as error:
                show("error", str(error))
                failures += 1
    return failures


def _open(input: str, given: GivenDetections | None, config: BatchConfig) -> Source:
    """The input's frames: those of a sequence without their pixels where nobody looks at them."""
    if given and not config.video and not config.tracker.needs_images and Path(input).is_dir():
        return open_blank(Path(input), given, config.start, config.end)
    return open_source(input, config.start, config.end)


def _unused(name: str, taken: set[str]) -> str:
    """The name, or NAME-2, NAME-3, ... where an earlier input has taken it; takes it."""
    numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    free = next(candidate for candidate in numbered if candidate not in taken)
    taken.add(free)
    return free


def _track_one(input: str, name: str, source: Source, follow: Callable[..., JobSummary], config: BatchConfig) -> None:
    sinks = result_files(
        config.output_root / name,
        input=input,
        frame_rate=source.frame_rate,
        video=config.video,
        embeddings=config.embeddings,
    )
    with progress(name, source.frame_count) as advance:
        summary = follow(source=source, sinks=sinks, config=config.tracker, watch=lambda _: advance())
    results = Console()
    results.print(summary_table(name, summary))
    for sink in sinks:
        results.print(str(sink.path), soft_wrap=True, markup=False, highlight=False)
