"""Parity: does ONNX Runtime give what PyTorch gives?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import nn

from client.detection.custom_ops import register
from export.cuda import CPU
from export.parity import LIMITS, Comparison, Difference, Limits, Parity
from export.to_onnx import PRECISION_KEY
from mot.contract import ModelSpec
from mot.geometry import Letterbox
from training.data.pictures import read_picture
from training.model.appearance import places
from training.model.networks import Network, make_predictor
from training.model.rtmdet import RTMDet

Image = npt.NDArray[np.uint8]
MISPLACED = 1.0  # pixels; a faint row that float64 has so far away is another cell's, and which one is arbitrary


class Rows(NamedTuple):
    """What a program found in one image."""

    boxes: npt.NDArray[np.float32]  # (K, 4)
    scores: npt.NDArray[np.float32]  # (K,)
    embeddings: npt.NDArray[np.float32]  # (K, D)
    cells: npt.NDArray[np.int64]  # (K, P): where in the map each embedding was read


def sample_images(spec: ModelSpec, paths: Sequence[Path], count: int = 8) -> npt.NDArray[np.uint8]:
    """(count, H, W, 3) letterboxed images, files in turn; where none are given, soft random shapes.

    A trained network finds nobody in such shapes, only faint peaks, which half precision moves by pixels.

    Raises:
        MotError: a file is no image.
    """
    images: list[npt.NDArray[np.uint8]] = []
    for path in paths[:count]:
        pixels = read_picture(path)
        height, width = pixels.shape[:2]
        fit = Letterbox(source_width=width, source_height=height, width=spec.width, height=spec.height)
        images.append(fit.apply(pixels))
    if images:
        return np.stack([images[i % len(images)] for i in range(count)])
    rng = np.random.default_rng(0)
    while len(images) < count:
        coarse = rng.integers(0, 256, (spec.height // 16, spec.width // 16, 3), np.uint8)
        smooth = cv2.resize(coarse, (spec.width, spec.height), interpolation=cv2.INTER_CUBIC)
        images.append(np.asarray(smooth, np.uint8))
    return np.stack(images)


def compare(
    model: Network,
    path: Path,
    spec: ModelSpec,
    images: npt.NDArray[np.uint8],
    precision: str = "fp32",
    *,
    library: Path | None = None,
    providers: Sequence[str] = (CPU,),
) -> Comparison:
    """Differences for batches of 1 and for all images at once.

    Args:
        precision: of the graph; it has its own limits.
        library: the plugin, for a graph that needs it.
        providers: what of ONNX Runtime computes the graph; PyTorch computes on the CPU.
    """
    limits = LIMITS[precision]
    predictor = make_predictor(model, spec.top_k).eval()
    exact = _Exact(model, spec.top_k)
    options = ort.SessionOptions()
    if library:
        register(library, options)
    session = ort.InferenceSession(path, options, providers=list(providers))
    names = [tensor.name for tensor in spec.outputs]

    def run(part: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        return list(session.run(names, {spec.image.name: part}))

    results = []
    for batch in (1, len(images)):
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        expected = [rows for part in parts for rows in _rows(_predict(predictor, part), model)]
        actual = [rows for part in parts for rows in _rows(run(part), model)]
        results.append(_judge(batch, images, expected, actual, exact, limits))
    return Comparison(results=results, limits=limits)


class _Exact:
    """PyTorch in float64, asked only where it decides something: it takes many times as long."""

    def __init__(self, model: Network, top_k: int) -> None:
        self._model, self._top_k = model, top_k
        self._predictor: nn.Module | None = None
        self._known: dict[bytes, Rows] = {}  # by image: samples repeat themselves

    def __call__(self, image: Image) -> Rows:
        if self._predictor is None:
            self._predictor = make_predictor(copy.deepcopy(self._model).double(), self._top_k).eval()
        key = image.tobytes()
        if key not in self._known:
            (self._known[key],) = _rows(_predict(self._predictor, image[None]), self._model)
        return self._known[key]


def _predict(predictor: nn.Module, part: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
    with torch.no_grad():
        return [tensor.numpy() for tensor in predictor(torch.from_numpy(part))]


def _rows(outputs: Sequence[npt.NDArray[np.float32]], model: Network) -> list[Rows]:
    """Of each image of a batch."""
    images = zip(*outputs, strict=True)
    return [Rows(boxes, scores, embeddings, _cells(boxes, model)) for boxes, scores, embeddings in images]


def _cells(boxes: npt.NDArray[np.float32], model: Network) -> npt.NDArray[np.int64]:
    """(K, P) cells that embeddings of (K, 4) boxes are read in; none where boxes do not decide that."""
    if not isinstance(model, RTMDet):
        return np.zeros((len(boxes), 0), np.int64)
    # Never clamped: a box off the picture may differ from its likeness then, too, which only leaves out one row more.
    return places(torch.from_numpy(boxes)[None], 1 << 20, 1 << 20)[0].numpy()


def _judge(
    batch: int,
    images: npt.NDArray[np.uint8],
    expected: Sequence[Rows],
    actual: Sequence[Rows],
    exact: Callable[[Image], Rows],
    limits: Limits,
) -> Parity:
    """People against PyTorch's float32; faint rows, too, or against float64 where that is not enough."""
    confident, faint = Difference(), Difference()
    for ours, theirs in zip(expected, actual, strict=True):
        rows = _comparable(ours, limits)
        sure = ours.scores[rows] >= limits.confident
        confident |= _difference(ours, rows[sure], theirs)
        faint |= _difference(ours, rows[~sure], theirs)
        if not len(rows):
            faint |= Difference(scores=float(abs(ours.scores - theirs.scores).max()))
    if faint.within(limits) or not faint.rows:
        return Parity(batch=batch, confident=confident, faint=faint)
    faint, rounding = Difference(), Difference()
    for image, ours, theirs in zip(images, expected, actual, strict=True):
        rows = _comparable(ours, limits)
        rows = rows[ours.scores[rows] < limits.confident]
        truth = exact(image)
        pair, distance = _nearest(ours.boxes[rows], truth.boxes)
        placed = distance < MISPLACED
        rounding |= _difference(ours, rows[placed], truth)
        faint |= _difference(truth, pair[placed], theirs)
    return Parity(batch=batch, confident=confident, faint=faint, rounding=rounding)


def _comparable(rows: Rows, limits: Limits) -> npt.NDArray[np.intp]:
    """Numbers of the rows that the other program must have, too.

    Rows whose score almost equals the last one's are left out, because another row may have taken their place among
    the best K, and so are peaks of nothing (score below the floor): there a plateau's cell is arbitrary.
    """
    return np.flatnonzero((rows.scores > rows.scores[-1] + limits.scores) & (rows.scores > limits.floor))


def _difference(ours: Rows, rows: npt.NDArray[np.intp], theirs: Rows) -> Difference:
    """Largest differences of some of our rows; paired by box, because almost equal scores may swap places.

    Where a box's rounding moves the reading of its embedding to the next cell, the embeddings are not compared: they
    are of different places, and rightly so.
    """
    if not len(rows):
        return Difference()
    pair, distance = _nearest(ours.boxes[rows], theirs.boxes)
    same = (ours.cells[rows] == theirs.cells[pair]).all(axis=1)
    return Difference(
        rows=len(rows),
        boxes=float(distance.max()),
        scores=float(abs(ours.scores[rows] - theirs.scores[pair]).max()),
        embeddings=float(abs(ours.embeddings[rows[same]] - theirs.embeddings[pair[same]]).max(initial=0)),
    )


def _nearest(
    boxes: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """For each of (M, 4) boxes the number of the nearest of (K, 4) others, and its distance: the worst side's."""
    distance = abs(boxes[:, None] - others[None]).max(axis=2)  # (M, K)
    return distance.argmin(axis=1), distance.min(axis=1)


def read_precision(path: Path) -> str:
    """The precision that an exported file says it computes in; files of earlier exports are fp32."""
    notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return str(notes.get(PRECISION_KEY, "fp32"))
