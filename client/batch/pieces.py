"""Long videos cut into pieces that overlap, so that several workers are at one video."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from client.batch import remote
from client.batch.deal import Observer, Result, State, aside
from client.batch.journal import Journal
from client.batch.work import Work, key_of
from client.jobs.spec import JobSpec
from client.video.open import open_source
from mot.errors import MotError

OVERLAP_S = 4.0  # seconds that two pieces share: with fewer, whoever is hidden in them is lost (benchmarks/pieces.py)
FOLDER = ".pieces"  # in the output folder, until they are joined
_WORST: tuple[State, ...] = ("stopped", "set aside", "failed")
_PATIENCE_S = 60.0  # for a look at a video
_SPAWN = multiprocessing.get_context("spawn")

Extent = tuple[int, float]  # frames, frames per second


def cut(frames: int, frame_rate: float, seconds: float, overlap_s: float = OVERLAP_S) -> list[tuple[int, int | None]]:
    """First and last frame of each piece, counted from 1; None: to the end. One piece where cutting is no use.

    Args:
        frames: of the whole video, as far as it says.
        seconds: of a piece, without what it shares with the next.
    """
    step, overlap = max(1, round(seconds * frame_rate)), max(1, round(overlap_s * frame_rate))
    begins = list(range(1, max(2, frames - overlap + 1), step))
    return [(begin, None if begin == begins[-1] else begin + step + overlap - 1) for begin in begins]


def with_pieces(works: Sequence[Work], seconds: float) -> list[tuple[Work, list[Work]]]:
    """Each work and its pieces, none where it is not cut: too short, of unknown length, or not a file here."""
    extents = _extents([work.job.input for work in works])
    found = []
    for work, extent in zip(works, extents, strict=True):
        spans = cut(*extent, seconds) if extent else []
        found.append((work, [_piece(work, *span) for span in spans] if len(spans) > 1 else []))
    return found


def deal_in_pieces(
    works: Sequence[Work],
    seconds: float,
    deal: Callable[[Sequence[Work], Observer], dict[str, Result]],
    journal: Journal,
    *,
    tries: int,
    again: bool,
    observer: Observer,
) -> None:
    """Do all works, those that are long piece by piece; the pieces are joined when all is tracked.

    Args:
        deal: does works, and tells an observer; results by the works' keys.
        again: try the pieces, too, that were set aside.
        observer: told of whole videos alone when they end, and of pieces that are tried again.
    """
    cuts = with_pieces(works, seconds)
    first = [each for work, pieces in cuts for each in pieces or [work]]
    for each in first if again else ():
        journal.forget(each.job.name, each.settings)
    passed = {each.key: result for each in first if (result := aside(journal, each, tries))}
    pieces_keys = {piece.key for _, pieces in cuts for piece in pieces}
    results = passed | deal([each for each in first if each.key not in passed], _Wholes(observer, pieces_keys))
    joins = []
    for work, pieces in cuts:
        ended = [(piece, results[piece.key]) for piece in pieces]
        bad = [(piece, result) for piece, result in ended if result.state not in ("tracked", "kept")]
        if bad:
            piece, result = min(bad, key=lambda each: _WORST.index(each[1].state))
            reason = f"frames from {piece.job.start} on: {result.reason}" if result.reason else ""
            observer.ended(work.job, replace(result, reason=reason))
        elif pieces:
            joins.append(replace(work, pieces=tuple(piece.job for piece in pieces)))
    deal(joins, observer)


class _Wholes(Observer):
    """Passes on what is of whole videos; of pieces, that they are tried again, and warnings."""

    def __init__(self, observer: Observer, pieces: Collection[str]) -> None:
        self._observer, self._pieces = observer, pieces

    def ended(self, job: JobSpec, result: Result) -> None:
        if key_of(job) not in self._pieces:
            self._observer.ended(job, result)

    def again(self, job: JobSpec, reason: str) -> None:
        self._observer.again(job, reason)

    def frames(self, job: JobSpec, frames: int) -> None:
        self._observer.frames(job, frames)

    def warned(self, job: JobSpec, message: str) -> None:
        self._observer.warned(job, message)


def _piece(work: Work, start: int, end: int | None) -> Work:
    job = work.job.model_copy(
        update={
            "output": work.job.output / FOLDER / work.job.name,
            "name": f"{work.job.name}.{start}",
            "start": start,
            "end": end,
            "video": False,
            "embeddings": True,
        }
    )
    return Work(job=job, settings={**work.settings, "frames": [start, end], "results": [job.name]})


def _extents(inputs: Sequence[str]) -> list[Extent | None]:
    """Of each input, where that can be told; looked at by another process, which may die of a file or hang at it."""
    found: list[Extent | None] = []
    while len(found) < len(inputs):
        theirs, ours = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=_look, args=(inputs[len(found) :], ours), daemon=True)
        process.start()
        ours.close()
        with suppress(EOFError, OSError):
            while theirs.poll(_PATIENCE_S):
                found.append(theirs.recv())
        process.kill()
        process.join()
        if len(found) < len(inputs):
            found.append(None)  # it was this one
    return found


def _look(inputs: Sequence[str], pipe: Connection) -> None:
    for input in inputs:
        pipe.send(_extent(input))


def _extent(input: str) -> Extent | None:
    if remote.is_remote(input):
        return None
    try:
        with closing(open_source(input)) as source:
            return (source.frame_count, source.frame_rate) if source.frame_count and not source.live else None
    except MotError:
        return None
