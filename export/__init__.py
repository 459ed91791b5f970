"""From a checkpoint to a served model: ONNX graph, parity check, Triton configuration, `mot-export`."""
