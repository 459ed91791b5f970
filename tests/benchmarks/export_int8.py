"""What would int8 bring on a CPU, and cost? Static quantisation (QDQ) of the exported graph, by ONNX Runtime's tool.

    python tests/benchmarks/export_int8.py                                  # the shipped default: speed and accuracy
    python tests/benchmarks/export_int8.py --section speed --arch mit_b1    # untrained: speed alone

Convolutions and matrix products are quantised, weights by channel. In float stay deformable convolutions, which have
no int8 kernel; depthwise ones, whose channels differ too much in range for one scale (with them in int8 the default
finds nobody); what follows the choice of the K best, a few rows whose boxes are pixels; and the rest between
convolutions. Ranges come from training frames of the research data (MOT_DATA, by default ../shared/data): the frames
before those of the validation. One image per run, both graphs take turns.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # Python puts this script's folder there, where `export` would mean a script beside it

from client.detection.onnx import OnnxDetector  # noqa: E402
from client.tuning.recording import replay  # noqa: E402
from client.video.open import open_source  # noqa: E402
from export.to_onnx import export_onnx, make_spec  # noqa: E402
from mot.contract import ModelSpec  # noqa: E402
from mot.geometry import Letterbox  # noqa: E402
from tests.benchmarks import export_graph, validation  # noqa: E402

QUANTISED = ("Conv", "MatMul")
DEFAULT = ROOT / "model_repository/fairmot/1/model.onnx"
MEASURES = ("HOTA", "MOTA", "IDF1")
SCENES = [validation.SCENES[name] for name in validation.USUAL]


class TrainingFrames(CalibrationDataReader):  # type: ignore[misc]
    """Letterboxed training frames of every scene, evenly spaced, one at a time."""

    def __init__(self, data: Path, spec: ModelSpec, count: int) -> None:
        self._images = frames(data, spec, count)
        self._name = spec.image.name

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        image = next(self._images, None)
        return None if image is None else {self._name: image}


def frames(data: Path, spec: ModelSpec, count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """About ``count`` images (1, H, W, 3), as many of each scene; none that validation uses."""
    share = max(1, count // len(SCENES))
    for sequence in SCENES:
        last = sequence.first - 1
        with open_source(str(data / sequence.source), start=1, end=last) as source:
            for frame in itertools.islice(source, 0, None, max(1, last // share)):
                height, width = frame.image.shape[:2]
                box = Letterbox(source_width=width, source_height=height, width=spec.width, height=spec.height)
                yield box.apply(frame.image)[None]


def quantise(graph: Path, output: Path, images: TrainingFrames) -> int:
    """Write the int8 graph with the float graph's metadata; returns how many nodes were quantised."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(graph, prepared, skip_symbolic_shape=True)
        nodes = onnx.load(prepared).graph.node
        excluded = kept_in_float(nodes)
        quantize_static(
            prepared,
            output,
            images,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_exclude=excluded,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # Without VNNI, products of whole bytes overflow the 16 bits that pairs of them are added in.
            reduce_range=True,
        )
    model = onnx.load(output)
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load(graph).metadata_props)
    onnx.save(model, output)
    return sum(node.op_type in QUANTISED and node.name not in excluded for node in nodes)


def kept_in_float(nodes: list[onnx.NodeProto]) -> list[str]:
    """Names of depthwise convolutions and of what depends on the K best; ``nodes`` are in order of computation."""
    late: set[str] = set()
    names = []
    for node in nodes:
        if node.op_type == "TopK" or late.intersection(node.input):
            late.update(node.output)
            names.append(node.name)
        elif node.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in node.attribute):
            names.append(node.name)
    return names


def export_untrained(architecture: str, path: Path) -> None:
    """The production network at its size, untrained: as fast as a trained one."""
    subject = export_graph.Subject(architecture=architecture, width=1088, height=608)
    model, recipe = subject.load()
    spec = make_spec(model, recipe, width=subject.width, height=subject.height, top_k=128, accuracy="")
    export_onnx(model, spec, path)


def milliseconds(graphs: list[Path], image: npt.NDArray[np.uint8], rounds: int, threads: int) -> list[float]:
    """Each graph's median, taking turns."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # The idle session's threads must not spin on the cores that the other is timed on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = [ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"]) for graph in graphs]
    seconds: list[list[float]] = [[] for _ in graphs]
    for turn in range(rounds + 1):
        for session, spent in zip(sessions, seconds, strict=True):
            begun = time.perf_counter()
            session.run(None, {"image": image})
            if turn:  # the first one warms
                spent.append(time.perf_counter() - begun)
    return [1000 * statistics.median(spent) for spent in seconds]


def accuracy_table(graphs: list[Path], data: Path) -> Table:
    """HOTA, MOTA and IDF1 of each graph with the default tracker."""
    table = Table("graph", "sequence", *MEASURES, title="validation, TrackEval")
    as_is = validation.DISGUISES["as is"]
    for name, graph in zip(("fp32", "int8"), graphs, strict=True):
        detector = OnnxDetector(graph)
        for sequence in SCENES:
            recording, width = validation.record_scene(sequence, data, detector, as_is)
            rows = replay(recording, validation.config_for(detector.spec).tracker(recording.frame_rate))
            values = validation.score(rows, recording, sequence, data, as_is, width)
            table.add_row(name, sequence.name, *(f"{values[measure]:.1f}" for measure in MEASURES))
        detector.close()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=("default", "mit_b1"), default="default")
    parser.add_argument("--section", choices=("speed", "accuracy"), help="by default both; mit_b1 has speed alone")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--images", type=int, default=64, help="for calibration")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.arch != "default" and options.section == "accuracy":
        parser.error("mit_b1 is untrained here and has no accuracy")
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        plain, whole = DEFAULT, Path(folder) / "int8.onnx"
        if options.arch != "default":
            plain = Path(folder) / "fp32.onnx"
            export_untrained(options.arch, plain)
        detector = OnnxDetector(plain, workers=1)
        detector.close()
        count = quantise(plain, whole, TrainingFrames(options.data, detector.spec, options.images))
        sizes = [path.stat().st_size / 1e6 for path in (plain, whole)]
        console.print(f"{count} nodes in int8; {sizes[0]:.1f} MB in fp32, {sizes[1]:.1f} MB in int8")
        if options.section in (None, "speed"):
            image = next(frames(options.data, detector.spec, 2))
            fp32, int8 = milliseconds([plain, whole], image, options.rounds, options.threads)
            table = Table(
                "graph", "median ms", "fp32/int8", title=f"{options.threads} threads, {options.rounds} rounds"
            )
            table.add_row("fp32", f"{fp32:.1f}", "")
            table.add_row("int8", f"{int8:.1f}", f"{fp32 / int8:.2f}")
            console.print(table)
        if options.section in (None, "accuracy") and options.arch == "default":
            console.print(accuracy_table([plain, whole], options.data))


if __name__ == "__main__":
    main()
