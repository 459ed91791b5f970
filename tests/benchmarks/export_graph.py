"""What each step of export brings: the whole graph without any, with one more each time, and with the plugin.

All graphs are sessions of one process with the same threads and take turns; the table shows medians, and what ONNX
Runtime is left with after its own optimisation. An untrained network has the speed of a trained one; its offsets are
bent to a pixel or so. Whatever the graph, its outputs stay those of the first.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir
import onnxruntime as ort
import torch
from rich.console import Console
from rich.table import Table

from client.detection.custom_ops import register
from client.detection.onnx import read_spec
from export.passes.plan import GRAPH_PASSES, HEADS
from export.passes.plugin_dcn import use_plugin
from export.to_onnx import export_onnx, make_spec
from export.verify import sample_images
from training.checkpoint import load_model
from training.model.fairmot import FairMOT
from training.model.networks import Network
from training.recipe import Recipe

PEOPLE = 128


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network at an input size; without a checkpoint it is untrained."""

    architecture: str
    width: int
    height: int
    checkpoint: Path | None = None

    def load(self) -> tuple[Network, Recipe]:
        if self.checkpoint:
            return load_model(self.checkpoint, self.architecture)
        torch.manual_seed(0)
        model = FairMOT(self.architecture)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "conv_offset" in name:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        return model, Recipe(name="untrained", architecture=self.architecture)


def shipped(root: Path) -> Subject:
    """The shipped model at its size."""
    checkpoint, spec = (
        root / "training/pretrained/fairmot.pt",
        read_spec(root / "model_repository/fairmot/1/model.onnx"),
    )
    return Subject(architecture=spec.architecture, width=spec.width, height=spec.height, checkpoint=checkpoint)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One graph on the way."""

    name: str
    graph: onnx.ModelProto
    plugin: Path | None = None  # the library that the graph needs


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of a step's graph, and nodes in what ONNX Runtime makes of it."""

    name: str
    median: float
    least: float
    nodes: int
    transpositions: int
    reorders: int  # from and to the convolutions' own layout


def steps(subject: Subject, library: Path | None) -> list[Step]:
    """The graph without any pass, then with each that changes it, in the plan's order."""
    model, recipe = subject.load()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, passes, people in (
            ("no pass", (), PEOPLE),
            (HEADS, (HEADS,), PEOPLE),
            ("all, 500 people", None, 500),
        ):
            spec = make_spec(model, recipe, width=subject.width, height=subject.height, top_k=people, accuracy="")
            path = Path(folder) / "model.onnx"
            export_onnx(model, spec, path, **({} if passes is None else {"passes": passes}))
            found.append(Step(name=name, graph=onnx.load(path)))
    plain, at_peaks, crowd = found
    found = [plain, at_peaks]
    working = onnx_ir.from_proto(at_peaks.graph)
    for graph_pass in GRAPH_PASSES:
        if graph_pass.apply(working):
            found.append(Step(name=graph_pass.name, graph=onnx_ir.to_proto(working)))
    if library:
        for name, source in (("all and plugin", found[-1]), ("plugin alone", plain)):
            graph = onnx.ModelProto()
            graph.CopyFrom(source.graph)
            use_plugin(graph)
            found.append(Step(name=name, graph=graph, plugin=library))
    return [*found, crowd]


def measure(subject: Subject, library: Path | None, rounds: int, threads: int) -> list[Timing]:
    """Time every step's graph on one image, taking turns."""
    chain = steps(subject, library)
    sessions, counts = zip(*(_session(step, threads) for step in chain), strict=True)
    spec = make_spec(*subject.load(), width=subject.width, height=subject.height, top_k=PEOPLE, accuracy="")
    image = sample_images(spec, [], count=1)
    outputs = [session.run(None, {"image": image}) for session in sessions]  # warm, too
    for step, answer in zip(chain, outputs, strict=True):
        _require_same(step.name, answer, outputs[0])
    seconds: list[list[float]] = [[] for _ in chain]
    for _ in range(rounds):
        for session, spent in zip(sessions, seconds, strict=True):
            begun = time.perf_counter()
            session.run(None, {"image": image})
            spent.append(time.perf_counter() - begun)
    return [
        Timing(name=step.name, median=1000 * statistics.median(spent), least=1000 * min(spent), **count)
        for step, spent, count in zip(chain, seconds, counts, strict=True)
    ]


def table_of(timings: list[Timing], title: str) -> Table:
    """One line a step, each with the passes of the lines above it."""
    table = Table(title=title)
    for column in ("step", "median ms", "least ms", "gain", "nodes", "transposes", "reorders"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for t in timings:
        numbers = (f"{t.median:.1f}", f"{t.least:.1f}", f"{timings[0].median / t.median:.2f}")
        table.add_row(t.name, *numbers, str(t.nodes), str(t.transpositions), str(t.reorders))
    return table


def report(console: Console, subject: Subject, library: Path | None, *, rounds: int, threads: int) -> list[Timing]:
    """Measure and print one subject's table."""
    timings = measure(subject, library, rounds, threads)
    title = (
        f"{subject.architecture} at {subject.width}x{subject.height}, {threads} threads, "
        f"ONNX Runtime {ort.__version__}, {rounds} rounds"
    )
    console.print(table_of(timings, title))
    return timings


def _session(step: Step, threads: int) -> tuple[ort.InferenceSession, dict[str, int]]:
    """A session, and the counts of nodes that ONNX Runtime's own optimisation leaves."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # it warns that the optimised file suits this machine alone
    # The idle sessions' threads must not spin on the cores that another is timed on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if step.plugin:
        register(step.plugin, options)
    with tempfile.TemporaryDirectory() as folder:
        optimised = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(optimised)
        session = ort.InferenceSession(step.graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        kinds = [node.op_type for node in onnx.load(optimised).graph.node]
    counts = {
        "nodes": len(kinds),
        "transpositions": kinds.count("Transpose"),
        "reorders": kinds.count("ReorderInput") + kinds.count("ReorderOutput"),
    }
    return session, counts


def _require_same(name: str, answer: list[npt.NDArray[np.float32]], wanted: list[npt.NDArray[np.float32]]) -> None:
    """Scores agree row by row; equal ones may swap their boxes, which export's own check pairs."""
    difference = float(abs(answer[1][:, :PEOPLE] - wanted[1]).max())
    if difference > 1e-4:
        raise SystemExit(f"{name}: scores differ by {difference:.2g} from those of no pass")
