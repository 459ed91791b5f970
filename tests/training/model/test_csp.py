from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from mot.errors import MotError
from training.model.csp import CSPDarknetPAFPN

YOLOX = "models/yolox_nano_416x416.onnx"


def test_maps_at_strides_4_to_32() -> None:
    maps = CSPDarknetPAFPN().eval()(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 16, 24), (64, 8, 12), (128, 4, 6), (256, 2, 3)]


@pytest.mark.data
def test_published_weights_give_the_published_maps(mot_data: Path) -> None:
    """The three maps that the published graph's head reads, from ONNX Runtime; it reads BGR, we RGB."""
    path = mot_data / YOLOX
    backbone = CSPDarknetPAFPN().eval()
    backbone.load_yolox_onnx(path)
    model = onnx.load(path)
    # The head's three stems are the convolutions after the backbone's whose input the backbone made.
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    count = sum(isinstance(m, torch.nn.Conv2d) for m in backbone.modules())
    made_before = {
        name for node in model.graph.node[: list(model.graph.node).index(convolutions[count])] for name in node.output
    }
    stems = [node.input[0] for node in convolutions[count:] if node.input[0] in made_before]
    wanted = list(dict.fromkeys(stems))
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    for name in wanted:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    published = session.run(wanted, {session.get_inputs()[0].name: image[:, ::-1].copy()})
    with torch.no_grad():
        ours = backbone(torch.from_numpy(image))[1:]
    for a in ours:
        b = next(torch.from_numpy(array) for array in published if array.shape == tuple(a.shape))
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_missing_and_other_files_are_messages(tmp_path: Path) -> None:
    backbone = CSPDarknetPAFPN()
    with pytest.raises(MotError, match=r"none\.onnx: no such file"):
        backbone.load_yolox_onnx(tmp_path / "none.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("not a graph")
    with pytest.raises(MotError, match=r"text\.onnx: not an ONNX file"):
        backbone.load_yolox_onnx(text)
    other = tmp_path / "other.onnx"
    onnx.save(graph(convolutions=1, channels=12), other)
    with pytest.raises(MotError, match=r"other\.onnx: 1 convolutions, YOLOX-nano's backbone has"):
        backbone.load_yolox_onnx(other)
    onnx.save(graph(convolutions=200, channels=3), other)
    with pytest.raises(MotError, match=r"convolution 0 is \(16, 3, 3, 3\), expected \(16, 12, 3, 3\)"):
        backbone.load_yolox_onnx(other)
    onnx.save(graph(convolutions=200, channels=3, bias=False), other)
    with pytest.raises(MotError, match="without stored weight and bias"):
        backbone.load_yolox_onnx(other)


def graph(*, convolutions: int, channels: int, bias: bool = True) -> onnx.ModelProto:
    """So many convolutions of one kind, side by side."""
    names = ["x", "w", "b"] if bias else ["x", "w"]
    nodes = [helper.make_node("Conv", names, [f"y{i}"]) for i in range(convolutions)]
    arrays = {"w": np.zeros((16, channels, 3, 3), np.float32), "b": np.zeros(16, np.float32)}
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, 8, 8])
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    return helper.make_model(helper.make_graph(nodes, "other", [value], [], tensors))
