"""The search for the best settings on some sequences, by Optuna, and how far one may stray from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.tracking import TrackerConfig, TrackerError
from client.tuning.space import Range, Value, shortened, with_values
from mot.errors import MotError

try:
    import optuna
except ImportError as error:
    raise MotError(f"Optuna is missing ({error}); pip install 'fairmot-mit[tune]'") from error

TOLERANCE = 1.0  # points of the mean of HOTA, MOTA and IDF1 that belong to the plateau
POINTS = 7  # values of each setting that are tried, alone, around the best

Values = Mapping[str, Value]
Objective = Callable[[TrackerConfig], float]  # the larger the better


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search has found."""

    settings: Values
    value: float
    default: float  # of the settings it began with
    tried: tuple[float, ...]  # value of every trial that the tracker accepts

    @property
    def near(self) -> float:
        """Share of the trials that are hardly worse than the best."""
        return sum(value >= self.value - TOLERANCE for value in self.tried) / len(self.tried)


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """One setting moved alone, the others at their best."""

    name: str
    best: Value
    low: Value  # the plateau: from here
    high: Value  # to here, nothing tried is worse than the best by more than TOLERANCE
    worst: float  # points lost at the worst value of the range
    values: tuple[tuple[Value, float], ...]  # tried, with what they are worth


def search(
    objective: Objective,
    base: TrackerConfig,
    ranges: Sequence[Range],
    *,
    trials: int,
    seed: int = 0,
    watch: Callable[[], None] = lambda: None,
) -> Found:
    """Try ``trials`` settings, the first of which are those of ``base``; the same seed tries the same.

    The sampler is Optuna's TPE (Watanabe, "Tree-Structured Parzen Estimator", 2023). Settings that the tracker
    refuses count as tried.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    beginning = {one.name: _inside(one, getattr(base, one.name)) for one in ranges}
    study.enqueue_trial(beginning)

    def attempt(trial: Any) -> float:
        try:
            return objective(with_values(base, {one.name: _suggested(trial, one) for one in ranges}))
        except TrackerError as error:
            raise optuna.TrialPruned from error
        finally:
            watch()

    default = objective(base)
    study.optimize(attempt, n_trials=trials)
    tried = tuple(float(trial.value) for trial in study.trials if trial.value is not None)
    if max(tried, default=default) <= default:
        settings, value = {one.name: getattr(base, one.name) for one in ranges}, default
    else:
        settings, value = _shown(study.best_params), float(study.best_value)
    return Found(settings=settings, value=value, default=default, tried=(*tried, default))


def plateaus(objective: Objective, base: TrackerConfig, found: Found, ranges: Sequence[Range]) -> list[Plateau]:
    """How wide each setting's plateau is, measured by moving it alone over its range; the narrowest first."""
    best = with_values(base, found.settings)
    measured = []
    for one in ranges:
        here = found.settings[one.name]
        values: dict[Value, float] = {here: found.value}
        for point in one.points(POINTS):
            if point in values:
                continue
            try:
                values[point] = objective(with_values(best, {one.name: point}))
            except TrackerError:
                continue
        measured.append(_plateau(one.name, here, sorted(values.items()), found.value))
    return sorted(measured, key=lambda one: -one.worst)


def _plateau(name: str, here: Value, values: list[tuple[Value, float]], best: float) -> Plateau:
    place = [value for value, _ in values].index(here)
    low = high = place
    while low > 0 and values[low - 1][1] >= best - TOLERANCE:
        low -= 1
    while high < len(values) - 1 and values[high + 1][1] >= best - TOLERANCE:
        high += 1
    worst = best - min(value for _, value in values)
    return Plateau(name=name, best=here, low=values[low][0], high=values[high][0], worst=worst, values=tuple(values))


def _inside(one: Range, value: Value) -> Value:
    return value if one.switch else min(max(value, one.low), one.high)


def _suggested(trial: Any, one: Range) -> Value:
    if one.switch:
        return bool(trial.suggest_categorical(one.name, [False, True]))
    if one.whole:
        return int(trial.suggest_int(one.name, int(one.low), int(one.high)))
    return shortened(trial.suggest_float(one.name, one.low, one.high))


def _shown(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """As they were tried."""
    return {name: shortened(value) if isinstance(value, float) else value for name, value in parameters.items()}
