"""Checkpoint to ONNX graph to Triton model repository."""
