"""Parity: does ONNX Runtime give what PyTorch gives?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from rich.table import Table

from client.detection.custom_ops import register
from export.cuda import CPU
from export.to_onnx import PRECISION_KEY
from mot.contract import ModelSpec
from mot.errors import MotError
from mot.geometry import Letterbox
from training.model.decode import Predictor
from training.model.fairmot import FairMOT

Array = npt.NDArray[np.float32]


class ParityError(MotError):
    """The exported graph and PyTorch differ by more than allowed."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest differences allowed; by default those of fp32."""

    boxes: float = 0.01  # pixels
    scores: float = 1e-4
    embeddings: float = 1e-4
    floor: float = 1e-3  # compared are the people whose score is above


# Half precision has 11 bits. A faint peak may move to a neighbouring cell, so only people are compared of whom the
# network is sure enough that a tracker may use them.
LIMITS = {"fp32": Limits(), "fp16": Limits(boxes=0.5, scores=0.01, embeddings=0.02, floor=0.1)}


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Largest differences found over ``rows`` compared rows."""

    batch: int
    rows: int
    boxes: float
    scores: float
    embeddings: float

    def within(self, limits: Limits) -> bool:
        return self.boxes <= limits.boxes and self.scores <= limits.scores and self.embeddings <= limits.embeddings


def sample_images(spec: ModelSpec, paths: Sequence[Path], count: int = 8) -> npt.NDArray[np.uint8]:
    """(count, H, W, 3) letterboxed images, files in turn; where none are given, soft random shapes.

    A trained network finds nobody in such shapes, only faint peaks, which half precision moves by pixels.

    Raises:
        MotError: a file is no image.
    """
    images: list[npt.NDArray[np.uint8]] = []
    for path in paths[:count]:
        pixels = cv2.imread(str(path))
        if pixels is None:
            raise MotError(f"{path}: missing or no readable image")
        height, width = pixels.shape[:2]
        fit = Letterbox(source_width=width, source_height=height, width=spec.width, height=spec.height)
        images.append(fit.apply(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)))
    if images:
        return np.stack([images[i % len(images)] for i in range(count)])
    rng = np.random.default_rng(0)
    while len(images) < count:
        coarse = rng.integers(0, 256, (spec.height // 16, spec.width // 16, 3), np.uint8)
        smooth = cv2.resize(coarse, (spec.width, spec.height), interpolation=cv2.INTER_CUBIC)
        images.append(np.asarray(smooth, np.uint8))
    return np.stack(images)


def compare(
    model: FairMOT,
    path: Path,
    spec: ModelSpec,
    images: npt.NDArray[np.uint8],
    limits: Limits = LIMITS["fp32"],
    library: Path | None = None,
    providers: Sequence[str] = (CPU,),
) -> list[Parity]:
    """Differences for batches of 1 and for all images at once.

    Args:
        limits: they say which rows can be compared.
        library: the plugin, for a graph that needs it.
        providers: what of ONNX Runtime computes the graph; PyTorch computes on the CPU.
    """
    predictor = Predictor(model, spec.top_k).eval()
    options = ort.SessionOptions()
    if library:
        register(library, options)
    session = ort.InferenceSession(path, options, providers=list(providers))
    names = [tensor.name for tensor in spec.outputs]
    results = []
    for batch in (1, len(images)):
        differences = []
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            with torch.no_grad():
                expected = [tensor.numpy() for tensor in predictor(torch.from_numpy(part))]
            actual = session.run(names, {spec.image.name: part})
            differences += [
                _difference([e[i] for e in expected], [a[i] for a in actual], limits) for i in range(len(part))
            ]
        table = np.array(differences)
        worst = table[:, 1:].max(axis=0)
        results.append(
            Parity(
                batch=batch,
                rows=int(table[:, 0].sum()),
                boxes=float(worst[0]),
                scores=float(worst[1]),
                embeddings=float(worst[2]),
            )
        )
    return results


def _difference(expected: Sequence[Array], actual: Sequence[Array], limits: Limits) -> tuple[int, float, float, float]:
    """Rows compared and the largest difference of boxes, scores, embeddings in one image.

    Rows are paired by box, because almost equal scores may swap places; rows whose score almost equals the
    last one's are left out, because another row may have taken their place among the best K. Peaks of
    nothing (score below the limits' floor) are left out too: there a plateau's cell is arbitrary.
    """
    (boxes, scores, embeddings), (other_boxes, other_scores, other_embeddings) = expected, actual
    rows = np.flatnonzero((scores > scores[-1] + limits.scores) & (scores > limits.floor))
    if not len(rows):
        return 0, 0.0, float(abs(scores - other_scores).max()), 0.0
    distance = abs(boxes[rows][:, None] - other_boxes[None]).max(axis=2)  # (rows, K)
    pair = distance.argmin(axis=1)
    return (
        len(rows),
        float(distance.min(axis=1).max()),
        float(abs(scores[rows] - other_scores[pair]).max()),
        float(abs(embeddings[rows] - other_embeddings[pair]).max()),
    )


def read_precision(path: Path) -> str:
    """The precision that an exported file says it computes in; files of earlier exports are fp32."""
    notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return str(notes.get(PRECISION_KEY, "fp32"))


def parity_table(results: Sequence[Parity], limits: Limits) -> Table:
    table = Table(title="PyTorch against ONNX Runtime, largest difference")
    for column in ("batch", "rows", "boxes [px]", "scores", "embeddings", ""):
        table.add_column(column, justify="right")
    for r in results:
        verdict = "ok" if r.within(limits) else "differs"
        numbers = (f"{r.boxes:.2g}", f"{r.scores:.2g}", f"{r.embeddings:.2g}")
        table.add_row(str(r.batch), str(r.rows), *numbers, verdict)
    table.add_row("limit", "", f"{limits.boxes:g}", f"{limits.scores:g}", f"{limits.embeddings:g}", "")
    return table


def require(results: Sequence[Parity], limits: Limits, path: Path) -> None:
    """Raise :class:`ParityError` unless every result is within the limits and something was compared."""
    for r in results:
        if not r.within(limits):
            raise ParityError(
                f"{path}: ONNX Runtime differs from PyTorch at batch {r.batch}: boxes {r.boxes:.3g} px "
                f"(limit {limits.boxes:g}), scores {r.scores:.3g} ({limits.scores:g}), "
                f"embeddings {r.embeddings:.3g} ({limits.embeddings:g})"
            )
    if not any(r.rows for r in results):
        raise ParityError(f"{path}: no image gave a score to compare; pass real images with --image")
