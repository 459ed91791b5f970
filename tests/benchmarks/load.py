"""Streams side by side against the embedded server: how fast, how late, what is rejected or lost, what it takes.

    python -m tests.benchmarks.load $(mot sample)             the README's figures: 25 minutes on 2 cores
    python -m tests.benchmarks.load $(mot sample) --short     the same in 6 minutes at most

A stream keeps as many frames in the network as `mot track` does and takes the answers in order; they were decoded and
letterboxed beforehand. Each side's streams are in a process of their own and share a client, as `mot watch` has them.
Sides take turns in each round, and so does "bare": nothing but `session.run` on batches of the size that the server
made with 8 streams, with one single-threaded run a core, and with one run that all cores share. So a drifting machine
touches all of them, and ratios are of the same minutes: the median of the rounds' own. Frames are counted while all
streams run. Two servers stand behind one name and have half of the cores each; the frames go to them in turn. A queue
with a bound makes Triton 2.51 stall: that side is there for what becomes of the frames, not for its speed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is imported

import numpy as np
from rich.console import Console
from rich.table import Table

from client.detection.onnx import available_cores, read_spec
from client.serving.keeper import children
from client.serving.network import MODEL_REPOSITORY
from client.serving.server import EmbeddedServer
from tests.benchmarks.batching import Batches, bounded_repository, mean_batch
from tests.benchmarks.load_client import Measured, Streams, Target, resident
from tests.benchmarks.throughput import bare, letterboxed
from tests.integration.name_server import NameServer

LOCAL, WIRE, SHARED, TWO = "local engine", "one server", "one server, shared memory", "two servers"
FULL = "one server, queue of 4"
ALL, SATURATED = (1, 2, 4, 8, 16), 8  # streams
Key = tuple[str, int]  # side, streams


@dataclass(frozen=True, kw_only=True)
class Side:
    """A client, and the servers that it asks."""

    client: Streams
    servers: Sequence[EmbeddedServer] = ()
    counts: tuple[int, ...] = ALL


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One side with so many streams, once."""

    client: Measured
    batches: list[Batches]
    server_megabytes: float

    @property
    def mean_batch(self) -> float:
        return sum(each.images for each in self.batches) / max(1, sum(each.batches for each in self.batches))


def opened(stack: ExitStack, repository: Path, images: list[np.ndarray]) -> dict[str, Side]:
    """Start the servers and the clients' processes."""
    cores = available_cores()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    one = stack.enter_context(EmbeddedServer(repository, instances=cores))
    full = stack.enter_context(EmbeddedServer(bounded_repository(repository, folder / "full", 4), instances=cores))
    names = stack.enter_context(closing(NameServer("127.0.0.2", "127.0.0.3")))
    port = common_port(names.addresses)
    two = [
        stack.enter_context(EmbeddedServer(repository, host=address, grpc_port=port, instances=max(1, cores // 2)))
        for address in names.addresses
    ]

    def client(target: Target) -> Streams:
        return stack.enter_context(closing(Streams(target, images, in_flight=cores + 2)))

    shared = Target(url=one.grpc_url, headers=one.access.headers, shared_memory="on")
    return {
        LOCAL: Side(client=client(Target(model_repository=repository)), counts=(1, SATURATED)),
        WIRE: Side(client=client(Target(url=one.grpc_url)), servers=[one]),
        SHARED: Side(client=client(shared), servers=[one]),
        TWO: Side(client=client(Target(url="triton.test", names=names.port, port=port)), servers=two),
        FULL: Side(client=client(Target(url=full.grpc_url)), servers=[full], counts=(SATURATED,)),
    }


def common_port(addresses: list[str]) -> int:
    """Free on all of them, as pods have one port."""
    with ExitStack() as stack:
        first = stack.enter_context(socket.create_server((addresses[0], 0)))
        port = int(first.getsockname()[1])
        for address in addresses[1:]:
            stack.enter_context(socket.create_server((address, port)))
    return port


def take_turn(side: Side, streams: int, seconds: float) -> Turn:
    with ExitStack() as stack:
        batches = [stack.enter_context(mean_batch(server.http_url)) for server in side.servers]
        measured = side.client.measure(streams, seconds)
    processes = [server.process.pid for server in side.servers if server.process]
    processes += [child for process in processes for child in children(process)]
    return Turn(client=measured, batches=batches, server_megabytes=sum(map(resident, processes)))


def bare_sides(model: Path, images: list[np.ndarray], batch: int, seconds: float) -> dict[str, Callable[[], float]]:
    """Images per second of the network alone, on batches of one size."""
    cores, rate = available_cores(), 0.0
    for runs, threads in ((cores, 1), (1, cores)):
        rate = max(rate, bare(model, images, runs=runs, threads=threads)())
    count = max(cores, round(rate * seconds / batch))
    batches = [np.concatenate([images[(i * batch + k) % len(images)] for k in range(batch)]) for i in range(count)]
    sides = {
        f"bare, {cores} runs x 1 thread": bare(model, batches, runs=cores, threads=1),
        f"bare, 1 run x {cores} threads": bare(model, batches, runs=1, threads=cores),
    }
    return {name: (lambda measure=measure: batch * measure()) for name, measure in sides.items()}


def show_turns(turns: dict[Key, list[Turn]], late_s: float) -> None:
    """A row a side and number of streams: frames/s of the median round, latencies of all rounds together."""
    rights = ("streams", "frames/s", "p50 ms", "p95", "p99", f"late (> {late_s:g} s)", "rejected", "lost")
    table = Table("side", *rights, "client MB", "servers MB", "mean batch")
    for (name, streams), rounds in turns.items():
        latencies = [each for turn in rounds for each in turn.client.latencies]
        middle, slow, slowest = 1000 * np.percentile(latencies, (50, 95, 99))
        table.add_row(
            name,
            str(streams),
            f"{statistics.median(turn.client.frames_per_second for turn in rounds):.1f}",
            *(f"{each:.0f}" for each in (middle, slow, slowest)),
            f"{100 * np.mean(np.array(latencies) > late_s):.1f} %",
            *(str(sum(getattr(turn.client, what) for turn in rounds)) for what in ("rejected", "lost")),
            f"{max(turn.client.megabytes for turn in rounds):.0f}",
            f"{max(turn.server_megabytes for turn in rounds):.0f}" if rounds[0].batches else "",
            f"{statistics.median(turn.mean_batch for turn in rounds):.2f}" if rounds[0].batches else "",
        )
    Console(width=160).print(table)


def show_ratios(turns: dict[Key, list[Turn]], bares: dict[str, list[float]], batch: int) -> None:
    """Efficiency at saturation, and what shared memory makes of the distance to the local engine."""
    say = Console(width=160, highlight=False).print
    speeds = {key: [turn.client.frames_per_second for turn in rounds] for key, rounds in turns.items()}
    for name, values in bares.items():
        low, high = min(values), max(values)
        say(f"{name}, batch of {batch}: {statistics.median(values):.1f} images/s ({low:.1f} to {high:.1f})")
        for side in (WIRE, SHARED, TWO):
            ratios = [ours / alone for ours, alone in zip(speeds[side, SATURATED], values, strict=True)]
            say(f"  {side}, {SATURATED} streams ÷ that: {statistics.median(ratios):.3f}")
    for streams in (1, SATURATED):
        wire, shared, local = (statistics.median(speeds[side, streams]) for side in (WIRE, SHARED, LOCAL))
        share = f"{100 * (shared - wire) / (local - wire):.0f} %" if local > wire else "nothing: there is none"
        say(
            f"{streams} streams: {wire:.2f} through the connection, {shared:.2f} in shared memory, {local:.2f} local; "
            f"of the distance shared memory closes {share}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model-repository", type=Path, default=MODEL_REPOSITORY)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each side in each round")
    parser.add_argument("--short", action="store_true", help="2 rounds of 2.5 seconds")
    parser.add_argument("--late", type=float, default=1, help="seconds from which an answer is late")
    parser.add_argument("--json", type=Path, help="also write frames/s, round by round, here")
    options = parser.parse_args()
    rounds, seconds = (2, 2.5) if options.short else (options.rounds, options.seconds)
    model = options.model_repository / "fairmot/1/model.onnx"
    spec = read_spec(model)
    images = letterboxed(options.video, 32, spec.width, spec.height)
    turns: dict[Key, list[Turn]] = defaultdict(list)
    bares: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        sides = opened(stack, options.model_repository, images)
        batch = max(1, round(take_turn(sides[WIRE], SATURATED, 1).mean_batch))  # warms up, too
        alone = bare_sides(model, images, batch, seconds)
        for _ in range(rounds):
            for streams in ALL:
                for name, side in sides.items():
                    if streams in side.counts:
                        turns[name, streams].append(take_turn(side, streams, seconds))
                if streams == SATURATED:  # in the same minute
                    for name, measure in alone.items():
                        bares[name].append(measure())
    show_turns(turns, options.late)
    show_ratios(turns, bares, batch)
    if options.json:
        found = {
            f"{name}, {streams}": [t.client.frames_per_second for t in all] for (name, streams), all in turns.items()
        }
        options.json.write_text(json.dumps({**found, **bares}, indent=1))


if __name__ == "__main__":
    main()
