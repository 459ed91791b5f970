"""Targets under fire, each in a process of its own, which it may crash; what was found, with the inputs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.fuzz.catalog import CATALOG, entry_of, load

_ROOT = Path(__file__).resolve().parents[2]
_CRASHES = 5  # of one target, after which it is given up
_STUCK_S = 1200.0  # without a new input: more than a hang may take, whose process ends itself


@dataclass
class Outcome:
    """Of one target: how much was tried, what was found (what was told and the input, by kind)."""

    name: str
    engine: str
    inputs: int = 0
    seconds: float = 0.0
    findings: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, told: dict[str, Any]) -> None:
        self.inputs += told["inputs"]
        self.seconds += told["seconds"]
        for kind, found in told["findings"].items():
            self.findings.setdefault(kind, (found["told"], bytes.fromhex(found["input"])))

    def keep(self, folder: Path) -> Iterator[Path]:
        """Write the inputs of the findings into a folder, each with what was told."""
        for kind, (told, data) in self.findings.items():
            place = folder / self.name / sha256(kind.encode()).hexdigest()[:12]
            place.mkdir(parents=True, exist_ok=True)
            (place / Path(load(self.name).file).name).write_bytes(data)
            (place / "told.txt").write_text(f"{kind}\n\n{told}\n", encoding="utf-8", errors="backslashreplace")
            yield place


def run(name: str, *, inputs: int, seconds: float, seed: int = 0, engine: str = "") -> Outcome:
    """Try at least so many inputs for at least so long; after a crash, go on with another seed."""
    guided = entry_of(name).readers and importlib.util.find_spec("atheris")
    engine = engine or ("atheris" if guided else "plain")
    outcome = Outcome(name, engine)
    for attempt in range(_CRASHES):
        left, left_s = inputs - outcome.inputs, seconds - outcome.seconds
        if attempt and left <= 0 and left_s <= 0:
            break
        if not _one_process(outcome, left, left_s, seed + attempt * 1000):
            break
    return outcome


def _one_process(outcome: Outcome, inputs: int, seconds: float, seed: int) -> bool:
    """Whether the process ended otherwise than it should."""
    target = load(outcome.name)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="mot-fuzz-", dir=memory if memory.is_dir() else None) as place:
        folder = Path(place)
        command = [sys.executable, "-m", "tests.fuzz.worker", outcome.name, "--folder", place, "--seed", str(seed)]
        command += ["--inputs", str(max(inputs, 1)), "--seconds", str(max(seconds, 0)), "--engine", outcome.engine]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with (folder / "said.txt").open("w+b") as said:
            process = subprocess.Popen(
                command, cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            code = _awaited(process, folder / target.file)
            said.seek(max(0, said.tell() - 20_000))
            tail = said.read().decode(errors="replace")
        tally = folder / "tally.json"
        outcome.add(json.loads(tally.read_text()) if tally.is_file() else {"inputs": 0, "seconds": 0, "findings": {}})
        if code == 0:
            return False
        data = (folder / target.file).read_bytes() if (folder / target.file).is_file() else b""
        outcome.findings.setdefault(_end(code, tail), (tail, data))
        return True


def _awaited(process: subprocess.Popen[bytes], input: Path) -> int:
    """The process's status; one that has tried no new input for long is killed."""
    begun = time.time()
    while True:
        try:
            return process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            since = input.stat().st_mtime if input.exists() else begun
            if time.time() - since > _STUCK_S:
                process.kill()


def _end(code: int, tail: str) -> str:
    """What a process died of, and where."""
    ours = re.findall(rf'File "{re.escape(str(_ROOT))}/((?:mot|client|training|export)/[^"]+)", line (\d+)', tail)
    place = f"{ours[0][0]}:{ours[0][1]}" if ours else "an unknown place"
    if -code in (signal.SIGPROF, signal.SIGALRM):
        return f"a hang in {place}"
    return f"the process ended by {signal.Signals(-code).name if code < 0 else f'status {code}'} in {place}"


def main() -> None:
    """Run the targets that are named, or all, and print a table; status 1 where something was found."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(CATALOG)}; by default all")
    parser.add_argument("--inputs", type=int, default=100_000, help="at least so many a target (100,000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="and for at least so long (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("atheris", "plain"), default="", help="atheris where it is installed")
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"), help="folder of findings (build/fuzz)")
    given = parser.parse_args()
    if unknown := set(given.targets) - CATALOG.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(CATALOG)}")
    print(f"| {'target':16} | {'engine':7} | {'inputs':>9} | {'seconds':>7} | findings |\n|---|---|--:|--:|--:|")
    found = 0
    for name in given.targets or CATALOG:
        outcome = run(name, inputs=given.inputs, seconds=given.seconds, seed=given.seed, engine=given.engine)
        numbers = f"{outcome.inputs:9,} | {outcome.seconds:7.0f} | {len(outcome.findings):8}"
        print(f"| {name:16} | {outcome.engine:7} | {numbers} |", flush=True)
        for (kind, _), place in zip(outcome.findings.items(), outcome.keep(given.output), strict=False):
            print(f"  {kind}: {place}", file=sys.stderr, flush=True)
        found += len(outcome.findings)
    sys.exit(bool(found))
