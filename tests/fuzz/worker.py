"""The process of one target: ``python -m tests.fuzz.worker TARGET …``, which :mod:`tests.fuzz.campaign` starts.

The engine is atheris (libFuzzer guided by the branches that the readers take) where it is installed; else the same
mutations, without a guide. Both are deterministic by the seed: a short run tries the first inputs of a long one.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import FunctionType
from typing import NoReturn

from tests.fuzz.catalog import entry_of, load
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target
from tests.fuzz.trial import attempt

try:
    import atheris
except ImportError:  # no wheel for this machine
    atheris = None

_TOLD_EVERY_S = 1.0
Trial = Callable[[bytes], None]


class Tally:
    """What came of the inputs so far, in a file that outlives a crash."""

    def __init__(self, target: Target, folder: Path, inputs: int, seconds: float) -> None:
        self._target, self._path, self._least, self._least_s = target, folder / "tally.json", inputs, seconds
        self._input = folder / target.file
        self._begun = self._told = time.monotonic()
        self._inputs = 0
        self._findings: dict[str, dict[str, str]] = {}

    def try_one(self, data: bytes) -> None:
        """Try an input; ends the process after the last."""
        for found in attempt(self._target, self._input, data):
            known = self._findings.get(found.kind)
            if known is None or len(data) * 2 < len(known["input"]):
                self._findings[found.kind] = {"told": found.told, "input": data.hex()}
        self._inputs += 1
        now = time.monotonic()
        done = self._inputs >= self._least and now - self._begun >= self._least_s
        if done or now - self._told > _TOLD_EVERY_S:
            self._tell(now)
        if done:
            os._exit(0)  # libFuzzer knows no other way

    def _tell(self, now: float) -> None:
        self._told = now
        told = {"inputs": self._inputs, "seconds": now - self._begun, "findings": self._findings}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(told))
        temporary.replace(self._path)


def main() -> NoReturn:
    """Try inputs until there were enough of them for long enough."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--engine", choices=("atheris", "plain"), required=True)
    given = parser.parse_args()
    # As many decoders' threads on any machine: what is read of damaged streams, and the memory, depend on them.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    target = _loaded(given.target, given.engine)
    target.prepare()
    _guard(target)
    tally = Tally(target, given.folder, given.inputs, given.seconds)
    (_guided if given.engine == "atheris" else _unguided)(target, tally.try_one, given.seed)
    raise AssertionError("a tally ends the process")


def _loaded(name: str, engine: str) -> Target:
    target = load(name)
    if engine == "atheris":
        for function in _functions(entry_of(name).readers):
            atheris.instrument_func(function)
    return target


def _functions(readers: tuple[str, ...]) -> Iterator[FunctionType]:
    """Those of the readers' modules alone: atheris' hook would take whole packages, and numba compiles some of ours."""
    for name, module in list(sys.modules.items()):
        if any(name == reader or name.startswith(f"{reader}.") for reader in readers):
            for one in vars(module).values():
                inner = vars(one).values() if isinstance(one, type) else (one,)
                for each in (getattr(each, "__func__", getattr(each, "fget", each)) for each in inner):
                    if isinstance(each, FunctionType) and each.__module__ == name:
                        yield each


def _guard(target: Target) -> None:
    """Signals that end a hang with a traceback, and an end to the memory."""
    for number in (signal.SIGPROF, signal.SIGALRM):
        faulthandler.register(number, all_threads=True, chain=True)
    faulthandler.enable()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (target.memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _unguided(target: Target, trial: Trial, seed: int) -> None:
    random = Random(seed)
    for data in target.seeds:
        trial(data)
    while True:
        trial(mutated(random.choice(target.seeds), random, target.mutations, target.longest))


def _guided(target: Target, trial: Trial, seed: int) -> None:
    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < 0.2:
            return bytes(atheris.Mutate(data, most))
        try:
            return mutated(random.choice(target.seeds) if len(data) < 2 else data, random, target.mutations, most)
        except Exception:  # noqa: BLE001 - whatever it is
            traceback.print_exc()
            os._exit(3)  # an exception that libFuzzer sees here is one that it waits about for ever

    with tempfile.TemporaryDirectory(prefix="mot-fuzz-") as corpus:
        for number, data in enumerate(target.seeds):
            Path(corpus, f"{number:03}").write_bytes(data)
        options = (f"-seed={seed + 1}", f"-max_len={target.longest}", "-len_control=0", "-rss_limit_mb=0", "-reload=0")
        # Entropic scheduling looks at the clock. A seed of 0 is any, a timeout of 0 is one at once; alarms are ours.
        options = (*options, "-entropic=0", "-timeout=100000", "-verbosity=0")
        options = (*options, "-report_slow_units=100000")  # else each becomes a file where the user happens to be
        atheris.Setup([sys.argv[0], *options, corpus], trial, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
