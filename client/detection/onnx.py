"""The network in this process, with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from client.detection.custom_ops import register_beside
from client.detection.detector import LetterboxDetector
from client.detection.errors import DetectorError
from mot.contract import ContractError, ModelSpec
from mot.custom_ops import DOMAIN, LIBRARY, REMEDY
from mot.detections import Detections
from mot.errors import shortened

OLDEST_RUNTIME = (1, 25)  # the first ONNX Runtime with kernels for DeformConv

# ONNX Runtime's errors have no base of their own.
_ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    UnicodeDecodeError,  # of a message that quotes a name which is no text
)

_CUDA = (
    "CUDAExecutionProvider",
    {
        "cudnn_conv_algo_search": "HEURISTIC",  # the default tries every algorithm at each new shape
        "arena_extend_strategy": "kSameAsRequested",  # the default doubles an arena that never shrinks
    },
)


class OnnxDetector(LetterboxDetector):
    """Runs an ONNX file of the contract; uses CUDA where ONNX Runtime was built with it.

    Several single-threaded runs side by side finish more images per second than one run that shares each
    operator among the cores, so by default there is one worker per core with one thread each.
    """

    def __init__(self, path: Path, *, workers: int | None = None, threads: int = 1) -> None:
        """Load and check the model.

        Args:
            path: the ONNX file.
            workers: images computed at the same time; by default the cores this process may use.
            threads: cores that one image may use.

        Raises:
            DetectorError: the file is missing, is not ONNX, or ONNX Runtime cannot run it.
            PluginError: the library beside the file cannot be loaded.
            ContractError: the model speaks another contract.
        """
        check_runtime(ort.__version__)
        self._path = path
        self._session = _load(path, threads)
        super().__init__(_checked_spec(self._session, path), workers=workers or available_cores(), name="onnx")
        self._outputs = [tensor.name for tensor in self.spec.outputs]

    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        """See :meth:`client.detection.detector.LetterboxDetector.infer`."""
        try:
            boxes, scores, embeddings = self._session.run(self._outputs, {self.spec.image.name: image[None]})
        except _ORT_ERRORS as error:
            raise DetectorError(f"{self._path}: ONNX Runtime failed on an image of {image.shape}: {error}") from error
        return Detections(boxes=boxes[0], scores=scores[0], embeddings=embeddings[0])


def spec_of(path: Path) -> ModelSpec:
    """What an ONNX file says of itself, checked against its tensors.

    Raises:
        DetectorError, PluginError, ContractError: as :class:`OnnxDetector`.
    """
    return _checked_spec(_load(path, threads=1), path)


def read_spec(path: Path) -> ModelSpec:
    """What an ONNX file says of itself, without making it ready to run.

    Raises:
        DetectorError, PluginError, ContractError: as :class:`OnnxDetector`.
    """
    check_runtime(ort.__version__)
    return _checked_spec(_load(path, 1, ready=False), path)


def missing_model(path: Path) -> DetectorError:
    return DetectorError(f"{path}: no such model file; give the path of an ONNX file written by mot-export")


def check_runtime(version: str) -> None:
    """Refuse an ONNX Runtime that would fail later with a message about missing kernels.

    Raises:
        DetectorError: it is older than 1.25.
    """
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_RUNTIME:
        raise DetectorError(
            f"ONNX Runtime {version} has no deformable convolution (DeformConv); "
            f"install a newer one: pip install 'onnxruntime>={OLDEST_RUNTIME[0]}.{OLDEST_RUNTIME[1]}'"
        )


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load(path: Path, threads: int, *, ready: bool = True) -> Any:
    if not path.is_file():
        raise missing_model(path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not ready:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Threads that spin between two operators would take the CPU from decoding and tracking.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    register_beside(path, options)
    providers: list[Any] = ["CPUExecutionProvider"]
    if _CUDA[0] in ort.get_available_providers():
        providers.insert(0, _CUDA)
    try:
        return ort.InferenceSession(path, options, providers=providers)
    except _ORT_ERRORS as error:
        if f"{DOMAIN}:" in str(error) and not path.with_name(LIBRARY).is_file():
            raise DetectorError(f"{path}: needs {LIBRARY} beside it, which is missing; {REMEDY}") from error
        raise DetectorError(
            f"{path}: ONNX Runtime {ort.__version__} cannot load it as an ONNX model: {shortened(str(error))}; "
            "export it again with mot-export"
        ) from error


def _checked_spec(session: Any, path: Path) -> ModelSpec:
    try:
        metadata = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: its metadata are no text ({error}); export it again with mot-export") from error
    spec = ModelSpec.from_metadata(metadata, str(path))
    spec.check_tensors(_described(session.get_inputs()), _described(session.get_outputs()), str(path))
    return spec


def _described(tensors: Sequence[Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name -> numpy's type name, shape without batch, of what ONNX Runtime calls ``tensor(float)`` and so on."""
    names = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
    return {tensor.name: (names.get(tensor.type, tensor.type), tuple(tensor.shape[1:])) for tensor in tensors}
