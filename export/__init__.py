"""From a checkpoint to a served model: ONNX graph, parity check, Triton configuration, `mot-export`."""

from mot import __version__ as __version__  # before ONNX Runtime, which it keeps from reporting
