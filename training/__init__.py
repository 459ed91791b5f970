"""Training: model, data, losses, the loop, and the `mot-train` command."""

from mot import __version__ as __version__  # before ONNX Runtime, which it keeps from reporting
