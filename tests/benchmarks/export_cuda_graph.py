"""Whole graphs in fp16 on a GPU: frames a second at several batches, and the share of what its matrix units give.

The share is the network's products (tests/benchmarks/flops.py) a second, over those of one large fp16 torch.matmul
that is timed on the same card. Variants differ in passes and operator.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import torch
from rich.table import Table
from torch import Tensor

from export.cuda import CPU
from export.passes.plan import SETS
from export.passes.plugin_dcn import use_plugin
from export.to_onnx import Precision, export_onnx, make_spec
from export.verify import LIMITS, sample_images
from mot.contract import ModelSpec
from tests.benchmarks.device_session import bound, open_session, placement, synchronise, take_turns
from tests.benchmarks.export_graph import PEOPLE, Subject
from tests.benchmarks.flops import flops
from training.model.decode import Predictor

MATMUL_SIZE = 8192


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One graph, and the library that it needs."""

    name: str
    graph: onnx.ModelProto
    library: Path | None = None  # of a graph with the plugin's operator


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One variant at one batch."""

    variant: str
    batch: int
    milliseconds: float  # a batch
    flops: int  # a batch
    matmul: float  # operations a second of the large product
    on_cpu: dict[str, int] = field(default_factory=dict)  # operators that ran on the CPU, and how many

    @property
    def frames(self) -> float:
        """Frames a second."""
        return 1000 * self.batch / self.milliseconds

    @property
    def share(self) -> float:
        """Of the large product's rate."""
        return 1000 * self.flops / self.milliseconds / self.matmul


def matmul_rate(device: str, dtype: torch.dtype, *, size: int, rounds: int, repeats: int) -> float:
    """Operations a second of the product of two square matrices."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in "ab")
    out = torch.empty_like(a)
    (milliseconds,) = take_turns([lambda: torch.matmul(a, b, out=out)], device, rounds=rounds, repeats=repeats)
    return 2 * size**3 / milliseconds * 1000


def variants(subject: Subject, spec: ModelSpec, library: Path, precision: Precision) -> Iterator[Variant]:
    """ONNX's operator and the plugin's, with each set of passes that makes a graph faster."""
    model, _ = subject.load()
    for name in ("portable", "all"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            export_onnx(model, spec, path, passes=SETS[name], precision=precision)
            native = onnx.load(path)
        plugin = onnx.ModelProto()
        plugin.CopyFrom(native)
        use_plugin(plugin)
        yield Variant(name=f"native, {name} passes", graph=native)
        yield Variant(name=f"plugin, {name} passes", graph=plugin, library=library)


def outputs_of(spec: ModelSpec, batch: int, device: str) -> dict[str, Tensor]:
    """Room for the graph's outputs, which are fp32 in every precision."""
    return {tensor.name: torch.empty(batch, *tensor.shape, device=device) for tensor in spec.outputs}


def measure(
    subject: Subject,
    library: Path,
    *,
    batches: Sequence[int],
    rounds: int,
    repeats: int,
    device: str,
    precision: Precision,
    say: Callable[[str], None] = print,
    matmul_size: int = MATMUL_SIZE,
) -> list[Timing]:
    """Time all variants at each batch, taking turns; ``say`` is told which ones the device cannot compute.

    Raises:
        SystemExit: a variant's scores differ from PyTorch's in fp32.
    """
    model, recipe = subject.load()
    spec = make_spec(model, recipe, width=subject.width, height=subject.height, top_k=PEOPLE, accuracy="")
    predictor = Predictor(model, PEOPLE).eval()
    work = flops(predictor, (1, *spec.image.shape), torch.uint8)
    dtype = {"fp32": torch.float32, "fp16": torch.float16}[precision]
    rate = matmul_rate(device, dtype, size=matmul_size, rounds=rounds, repeats=repeats)
    predictor = predictor.to(device)
    images = torch.from_numpy(sample_images(spec, [], count=max(batches))).to(device)
    inputs = {spec.image.name: images[: batches[0]].contiguous()}
    chain: list[tuple[Variant, Any, dict[str, int]]] = []
    for variant in variants(subject, spec, library, precision):
        outputs = outputs_of(spec, batches[0], device)
        on_cpu = dict(placement(variant.graph, device, variant.library, inputs, outputs).get(CPU, {}))
        if device != "cpu" and deformable(on_cpu):
            say(f"{variant.name}: left out, this ONNX Runtime computes its deformable convolutions on the CPU")
            continue
        chain.append((variant, open_session(variant.graph, device, variant.library), on_cpu))
    found = []
    for batch in batches:
        inputs = {spec.image.name: images[:batch].contiguous()}
        with torch.no_grad():
            wanted = predictor(inputs[spec.image.name])[1]
        calls = []
        for variant, session, _ in chain:
            outputs = outputs_of(spec, batch, device)
            calls.append(bound(session, inputs, outputs))
            calls[-1]()
            synchronise(device)
            require_scores(variant.name, outputs[spec.outputs[1].name], wanted)
        times = take_turns(calls, device, rounds=rounds, repeats=repeats)
        found += [
            Timing(variant=variant.name, batch=batch, milliseconds=time, flops=batch * work, matmul=rate, on_cpu=on_cpu)
            for (variant, _, on_cpu), time in zip(chain, times, strict=True)
        ]
    return found


def require_scores(name: str, actual: Tensor, wanted: Tensor) -> None:
    """Raise SystemExit unless the best people's scores agree as export demands of fp16; NaN never does."""
    difference = float((actual - wanted).abs().max())
    if not difference <= LIMITS["fp16"].scores:
        raise SystemExit(f"{name}: scores differ by {difference:.2g} from PyTorch's in fp32")


def deformable(operators: Mapping[str, int]) -> int:
    """How many of the operators are deformable convolutions, ONNX's or the plugin's."""
    return sum(count for kind, count in operators.items() if "DeformConv" in kind)


def table_of(timings: Sequence[Timing], title: str) -> Table:
    """One line a variant and batch."""
    table = Table(title=title)
    for column in ("graph", "batch", "ms a batch", "frames/s", "TFLOP/s", "of matmul", "nodes on CPU"):
        table.add_column(column, justify="left" if column == "graph" else "right")
    for t in timings:
        numbers = (f"{t.milliseconds:.2f}", f"{t.frames:.1f}", f"{t.share * t.matmul / 1e12:.3g}", f"{t.share:.1%}")
        table.add_row(t.variant, str(t.batch), *numbers, str(sum(t.on_cpu.values())))
    return table
