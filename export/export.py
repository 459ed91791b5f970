"""The promise of export: a graph is written only where ONNX Runtime agrees with PyTorch, whoever asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx

from client.detection.onnx import OnnxDetector
from export.library import install, needed_by, providers
from export.parity import Comparison
from export.passes.plan import ALL
from export.to_onnx import Precision, export_onnx, make_spec
from export.triton.config import write_model_dir
from export.verify import compare, read_precision, sample_images
from mot.contract import MODEL_NAME, REMARKS, SIZES, ModelSpec
from mot.errors import MotError
from mot.files import whole_file
from training.checkpoint import load_model


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What people and ``mot tune`` found out about a model, by the names of its contract; the rest stays as it is."""

    remarks: Mapping[str, str] = field(default_factory=dict)  # by mot.contract.REMARKS
    thresholds: Mapping[str, float] = field(default_factory=dict)  # by mot.contract.THRESHOLDS

    def added_to(self, spec: ModelSpec) -> ModelSpec:
        """The contract with them."""
        assert set(self.remarks) <= set(REMARKS)
        return replace(spec.with_thresholds(self.thresholds), **self.remarks)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Export:
    """What to export, and how."""

    checkpoint: Path
    output: Path  # model directory of a Triton repository, such as model_repository/fairmot
    version: int = 1
    architecture: str | None = None  # refuse checkpoints of another one
    width: int | None = None  # of the input, pixels; None: the recipe's
    height: int | None = None
    top_k: int = 128  # rows an image
    passes: Sequence[str] = ALL  # out of export.passes.plan
    precision: Precision = "fp32"
    library: Path | None = None  # the plugin, for a graph with its deformable convolutions
    notes: Notes = field(default_factory=Notes)  # kept in the file
    images: Sequence[Path] = ()  # for the comparison; none: soft random shapes
    overwrite: bool = False  # a model that stands there


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    graph: Path
    spec: ModelSpec
    changed: Mapping[str, int]  # each graph pass, and in how many places it changed the graph
    comparison: Comparison


def export_model(export: Export) -> Exported:
    """Write OUTPUT/VERSION/model.onnx with Triton's files around it, if it agrees with the checkpoint.

    Raises:
        ParityError: it does not agree; nothing is written, and what stood there stays.
        MotError: the checkpoint cannot be read, the input does not suit it, or the place is no place for it.
    """
    graph = require_place(export.output, export.version, overwrite=export.overwrite)
    network, recipe = load_model(export.checkpoint, export.architecture)
    spec = make_spec(network, recipe, width=export.width, height=export.height, top_k=export.top_k)
    spec = export.notes.added_to(spec)
    images = sample_images(spec, export.images)
    library, precision = export.library, export.precision
    with whole_file(graph) as candidate:
        changed = export_onnx(
            network, spec, candidate, passes=export.passes, precision=precision, plugin=library is not None
        )
        comparison = compare(
            network, candidate, spec, images, precision, library=library, providers=providers(library, precision)
        )
        comparison.require(graph)
        install(library, graph)
    write_model_dir(export.output, export.version, spec, library is not None)
    return Exported(graph=graph, spec=spec, changed=changed, comparison=comparison)


def require_place(output: Path, version: int, *, overwrite: bool) -> Path:
    """Where the graph goes.

    Raises:
        MotError: Triton would refuse the folder, or a model stands there and may not be replaced.
    """
    name = (output if output.name not in ("", "..") else output.resolve()).name
    if name not in SIZES.values():
        raise MotError(
            f"--output {output}: Triton wants a model's folder to bear the model's name, which is {MODEL_NAME!r} to "
            f"all clients ({', '.join(sorted({*SIZES.values()} - {MODEL_NAME}))} beside it); write it to "
            f"{output / MODEL_NAME} and name the repository {output}"
        )
    graph = output / str(version) / "model.onnx"
    if graph.exists() and not overwrite:
        raise MotError(f"{graph} exists; choose another --output or --version, or give --overwrite to replace it")
    return graph


def verify_model(checkpoint: Path, graph: Path, images: Sequence[Path] = ()) -> Comparison:
    """Compare an exported graph with its checkpoint again.

    Raises:
        MotError: one of them cannot be read, or they are of different architectures.
    """
    spec = read_spec(graph)
    precision, library = read_precision(graph), needed_by(graph)
    network, _ = load_model(checkpoint, spec.architecture)
    return compare(
        network,
        graph,
        spec,
        sample_images(spec, images),
        precision,
        library=library,
        providers=providers(library, precision),
    )


def rewrite_configs(output: Path, version: int, notes: Notes | None = None) -> Path:
    """Write Triton's files around a graph again, from what the graph says of itself; returns the graph.

    Args:
        notes: first written into the graph's file, whose weights stay; None: nothing new.

    Raises:
        MotError: there is no graph of the contract, or Triton would refuse the folder.
    """
    graph = require_place(output, version, overwrite=True)
    before = read_spec(graph)
    spec = notes.added_to(before) if notes else before
    if spec != before:
        _note(graph, spec)
    write_model_dir(output, version, spec, needed_by(graph) is not None)
    return graph


def _note(graph: Path, spec: ModelSpec) -> None:
    """Change what an ONNX file says of itself; its weights stay."""
    model = onnx.load(graph)
    notes = {one.key: one.value for one in model.metadata_props}
    onnx.helper.set_model_props(model, notes | spec.to_metadata())
    with whole_file(graph) as temporary:
        onnx.save(model, temporary)


def read_spec(graph: Path) -> ModelSpec:
    """The contract of an ONNX file, through the same checks as the client's."""
    detector = OnnxDetector(graph, workers=1)
    detector.close()
    return detector.spec
