"""Runs ``model.onnx`` beside it with ONNX Runtime, in Triton's python backend.

Only the embedded server uses this program: its build has no onnxruntime backend. It imports nothing of the
project, because it runs in Triton's own Python process. ``model.py`` beside a graph is a copy of
``export/triton/backend.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance is one process with a session of its own."""

    def initialize(self, args: dict[str, str]) -> None:
        sys.unraisablehook = _report
        config: dict[str, Any] = json.loads(args["model_config"])
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["intra_op_threads"]["string_value"])
        options.inter_op_num_threads = 1
        # Spinning threads would take the CPU from the client, which runs on the same machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = Path(args["model_repository"], args["model_version"], "model.onnx")
        for name in config.get("model_operations", {}).get("op_library_filename", []):
            options.register_custom_ops_library(_library(Path(args["model_repository"], name)))
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        """One request, of one image or several.

        Tensors cross by DLPack, which copies nothing; the backend's own numpy functions need numpy 1.
        """
        try:
            feeds = {name: np.from_dlpack(pb_utils.get_input_tensor_by_name(request, name)) for name in self._inputs}
            arrays = self._session.run(self._outputs, feeds)
        except Exception as error:  # noqa: BLE001  ONNX Runtime's errors have no other base
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor.from_dlpack(name, array) for name, array in zip(self._outputs, arrays, strict=True)]
        )


def _library(path: Path) -> str:
    """The path of a library with the graph's own operators, if it is there."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such library, but the graph needs it; `make plugin` builds it, "
            "mot-export model --dcn plugin puts it there; --dcn native needs none"
        )
    return str(path)


def _report(problem: Any) -> None:
    """Keep one false alarm out of the server's log, where it would take 300 bytes for each output.

    Triton 2.51 marks a tensor that it has taken over as "used_dlpack" where DLPack says "used_dltensor", so
    numpy, which need not free it any more, complains that it is not one of its own.
    """
    if "PyCapsule_GetPointer called with incorrect name" not in str(problem.exc_value):
        sys.__unraisablehook__(problem)
