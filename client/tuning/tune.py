"""A tracker's settings searched on some sequences and judged on others, which the search has not seen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from client.evaluation.pair import EvaluationError
from client.evaluation.scoring import Benchmark
from client.tracking import BotSortConfig, TrackerConfig
from client.tuning.labelled import Labelled, Scores, judged
from client.tuning.search import Found, Plateau, Values, plateaus, search
from client.tuning.space import Range, with_values
from mot.errors import MotError
from mot.files import whole_file

Judge = Callable[[Sequence[str], TrackerConfig], list[Scores]]  # names of sequences, settings -> scores


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One search, and what came of it on the sequences left out."""

    searched: tuple[str, ...]
    found: Found
    default: Mapping[str, Scores]  # by sequence left out: with the settings the search began with
    tuned: Mapping[str, Scores]  # and with those it has found


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The settings chosen, and how far they can be trusted."""

    tracker: str
    benchmark: str
    ranges: tuple[Range, ...]
    folds: tuple[Fold, ...]  # none where there is a single sequence
    chosen: Found  # by the sequences named in ``chosen_on``
    chosen_on: tuple[str, ...]
    plateaus: tuple[Plateau, ...]  # the setting that matters most first

    @property
    def gain(self) -> float | None:
        """Points of the mean of HOTA, MOTA and IDF1 gained on the sequences left out; None without any."""
        default = [scores for fold in self.folds for scores in fold.default.values()]
        tuned = [scores for fold in self.folds for scores in fold.tuned.values()]
        return judged(tuned) - judged(default) if tuned else None

    def to_json(self) -> str:
        """All of it but the single trials' settings."""
        return json.dumps({**asdict(self), "gain": self.gain}, indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Write the JSON; the file appears whole or not at all.

        Raises:
            MotError: it cannot be written.
        """
        try:
            with whole_file(path) as temporary:
                temporary.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise MotError(f"{path}: cannot be written: {error.strerror}; choose another file") from error


def tune(
    sequences: Sequence[Labelled],
    base: TrackerConfig,
    ranges: Sequence[Range],
    *,
    tracker: str,
    benchmark: Benchmark = "MOT17",
    left_out: Sequence[str] = (),
    trials: int = 100,
    seed: int = 0,
    watch: Callable[[], None] = lambda: None,
) -> Tuning:
    """Search the ranges for the settings with the best mean of HOTA, MOTA and IDF1.

    With ``left_out`` one search on the other sequences gives the settings, judged on those. Without, each sequence is
    left out in turn to see what a search is worth, and the settings come from one on all.

    Args:
        base: what the search begins with; settings that are not searched stay as they are.
        trials: settings tried in each search; see :func:`searches` for how many there are.
        watch: called after each trial.

    Raises:
        EvaluationError: two sequences of one name, a name that none has, or all are left out.
    """
    names = [one.name for one in sequences]
    if not names or len(set(names)) < len(names):
        raise EvaluationError(f"expected one or more sequences with different names, got {names}")
    unknown = sorted(set(left_out) - set(names))
    if unknown or set(left_out) == set(names):
        what = f"{', '.join(unknown)} is not among them" if unknown else "all are left out, so none is searched"
        raise EvaluationError(f"sequences {', '.join(names)}: {what}")
    with _judging(sequences, benchmark) as judge:

        def searched(on: Sequence[str]) -> Found:
            return search(lambda config: judged(judge(on, config)), base, ranges, trials=trials, seed=seed, watch=watch)

        def fold(out: Sequence[str]) -> Fold:
            on = [name for name in names if name not in out]
            found = searched(on)
            tuned = judge(out, with_values(base, found.settings))
            return Fold(
                searched=tuple(on),
                found=found,
                default=dict(zip(out, judge(out, base), strict=True)),
                tuned=dict(zip(out, tuned, strict=True)),
            )

        folds = [fold(out) for out in _left_out(names, left_out)]
        on = list(folds[0].searched) if left_out else names
        chosen = folds[0].found if left_out else searched(on)
        width = plateaus(lambda config: judged(judge(on, config)), base, chosen, ranges)
    return Tuning(
        tracker=tracker,
        benchmark=benchmark,
        ranges=tuple(ranges),
        folds=tuple(folds),
        chosen=chosen,
        chosen_on=tuple(on),
        plateaus=tuple(width),
    )


def searches(sequences: int, left_out: int) -> int:
    """How many searches :func:`tune` makes of so many sequences."""
    return 1 if left_out or sequences == 1 else sequences + 1


def without_images(base: TrackerConfig) -> TrackerConfig:
    """The settings with what asks for pictures left out, of which recordings have none."""
    return replace(base, camera_motion=False) if isinstance(base, BotSortConfig) else base


def as_options(settings: Values) -> str:
    """For a command line: ``--tracker-set NAME=VALUE`` each."""
    return " ".join(f"--tracker-set {name}={str(value).lower()}" for name, value in settings.items())


def _left_out(names: Sequence[str], chosen: Sequence[str]) -> list[list[str]]:
    if chosen:
        return [list(chosen)]
    return [[name] for name in names] if len(names) > 1 else []


@contextmanager
def _judging(sequences: Sequence[Labelled], benchmark: Benchmark) -> Iterator[Judge]:
    """Scores by sequence and settings, several sequences at a time; what was scored before is remembered."""
    by_name = {one.name: one for one in sequences}
    known: dict[tuple[str, TrackerConfig], Scores] = {}
    workers = min(os.cpu_count() or 1, len(sequences))
    if workers == 1:

        def alone(names: Sequence[str], config: TrackerConfig) -> list[Scores]:
            for name in names:
                if (name, config) not in known:
                    known[name, config] = by_name[name].score(config, benchmark)
            return [known[name, config] for name in names]

        yield alone
        return
    # Spawned, not forked: ONNX Runtime's and OpenBLAS's threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_keep, initargs=(by_name, benchmark)) as pool:

        def together(names: Sequence[str], config: TrackerConfig) -> list[Scores]:
            new = [name for name in names if (name, config) not in known]
            for name, scores in zip(new, pool.map(_score, new, [config] * len(new)), strict=True):
                known[name, config] = scores
            return [known[name, config] for name in names]

        yield together


_kept: tuple[Mapping[str, Labelled], Benchmark]  # of a worker process: sent once, not with every trial


def _keep(sequences: Mapping[str, Labelled], benchmark: Benchmark) -> None:
    global _kept  # noqa: PLW0603 - a worker process has no other place
    _kept = sequences, benchmark


def _score(name: str, config: TrackerConfig) -> Scores:
    sequences, benchmark = _kept
    return sequences[name].score(config, benchmark)
