"""Shared vocabulary of training, export and client: what a frame, a box and the model's contract are."""

import os

__version__ = "0.1.0"

# ONNX Runtime's official builds report to Microsoft since 1.29, and keep a device's number in ~/.cache, unless they are
# told not to before they are imported (microsoft/onnxruntime#27379). Every program here imports this package first, and
# an embedded server has our environment. Who sets the variable to 0 wants it so.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
