"""Run a graph of the plugin in whatever ONNX Runtime there is; a program of its own for test_plugin_versions.py.

python plugin_in_old_runtime.py LIBRARY FOLDER     # graph.onnx and tensors.npz in FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

library, folder = sys.argv[1], Path(sys.argv[2])
tensors = dict(np.load(folder / "tensors.npz"))
expected = tensors.pop("expected")
options = ort.SessionOptions()
options.register_custom_ops_library(library)
session = ort.InferenceSession(str(folder / "graph.onnx"), options, providers=["CPUExecutionProvider"])
found = session.run(None, tensors)[0]
np.testing.assert_allclose(found, expected, atol=1e-4)
sys.stdout.write(f"{ort.__version__}: largest difference {abs(found - expected).max():.2g}\n")
