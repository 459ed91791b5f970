from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mot.contract import IMAGENET_MEAN, IMAGENET_STD
from training.model.networks import make_network
from training.model.rtmdet import RTMDet
from training.recipe import Recipe
from training.weights.file import WeightError
from training.weights.initial import initialise

PUBLISHED = "models/rtmdet_nano_person.onnx"


def recipe(path: Path, **settings: object) -> Recipe:
    return Recipe(name="test", architecture="rtmdet_nano", init="rtmdet", init_path=str(path), **settings)  # type: ignore[arg-type]


def write_file(path: Path, convolutions: list[nn.Conv2d]) -> Path:
    """A graph of these convolutions in a row, as far as a reader of weights can tell."""
    nodes, tensors = [], []
    for i, conv in enumerate(convolutions):
        assert conv.bias is not None
        nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}", f"b{i}"], [f"x{i + 1}"]))
        for name, value in ((f"w{i}", conv.weight), (f"b{i}", conv.bias)):
            tensors.append(numpy_helper.from_array(value.detach().numpy(), name))
    value = helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, 3, 32, 32])
    onnx.save(helper.make_model(helper.make_graph(nodes, "rtmdet", [value], [], tensors)), path)
    return path


def convolutions_of(model: RTMDet) -> list[nn.Conv2d]:
    parts = [model.get_submodule(name) for name in model.published_parts]
    return [module for part in parts for module in part.modules() if isinstance(module, nn.Conv2d)]


def network(seed: int) -> RTMDet:
    torch.manual_seed(seed)
    made = make_network("rtmdet_nano").eval()
    assert isinstance(made, RTMDet)
    return made


def test_a_file_of_the_layout_fills_the_detector_and_leaves_the_embedding(tmp_path: Path) -> None:
    source, target = network(0), network(1)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    report = initialise(target, recipe(write_file(tmp_path / "rtmdet.onnx", convolutions_of(source))))
    assert report is not None
    assert report.complete
    assert str(report).endswith("rtmdet.onnx: 246 of 246 tensors match")
    first = "backbone.stem.0.0.weight"
    for name, tensor in target.state_dict().items():
        if name.startswith(source.published_parts):
            expected = source.state_dict()[name]
            assert torch.equal(tensor, expected.flip(1) if name == first else expected), name
        else:
            assert torch.equal(tensor, before[name]), name


def test_what_does_not_match_is_refused_and_nothing_is_copied(tmp_path: Path) -> None:
    source, target = network(0), network(1)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    short = write_file(tmp_path / "short.onnx", convolutions_of(source)[:-1])
    with pytest.raises(WeightError, match=r"244 of 246 tensors match; 2 missing \(head\.levels\.2\.box\.weight"):
        initialise(target, recipe(short))
    other = write_file(tmp_path / "other.onnx", [nn.Conv2d(3, 16, 3), *convolutions_of(source)[1:], nn.Conv2d(1, 1, 1)])
    with pytest.raises(WeightError, match=r"2 unexpected \(convolution 123\.weight.*2 misshapen \(backbone\.stem\.0"):
        initialise(target, recipe(other))
    assert all(torch.equal(tensor, before[name]) for name, tensor in target.state_dict().items())
    report = initialise(target, recipe(short, allow_mismatch=True))
    assert report is not None
    assert len(report.matched) == 244


def test_other_architectures_and_missing_files_are_messages(tmp_path: Path) -> None:
    given = recipe(tmp_path / "none.onnx")
    with pytest.raises(WeightError, match=r"none\.onnx: no such file.*RTMDet-nano trained on people"):
        initialise(network(0), given)
    file = write_file(tmp_path / "rtmdet.onnx", convolutions_of(network(0)))
    yolox = recipe(file).model_copy(update={"architecture": "yolox_nano"})
    with pytest.raises(WeightError, match="init = 'rtmdet' is for rtmdet_nano and rtmdet_nano_dcn, not yolox_nano"):
        initialise(make_network("yolox_nano"), yolox)


@pytest.mark.data
def test_published_weights_give_the_published_scores_and_boxes(mot_data: Path) -> None:
    """Of every cell, before suppression; the published graph reads normalised BGR."""
    path = mot_data / PUBLISHED
    model = network(0)
    initialise(model, recipe(path))
    published = onnx.load(path)
    suppression = next(node for node in published.graph.node if node.op_type == "NonMaxSuppression")
    made_by = {name: node for node in published.graph.node for name in node.output}
    boxes, scores = (name for name in ("y.28", "y.24") if name in made_by)
    assert suppression.input
    for name in (boxes, scores):
        published.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = ort.InferenceSession(published.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 352, 640)).astype(np.float32)
    statistics = (np.array(values, np.float32)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    mean, std = statistics
    normalised = ((image - mean) / std)[:, ::-1].copy()
    expected_boxes, expected_scores = session.run([boxes, scores], {session.get_inputs()[0].name: normalised})
    with torch.no_grad():
        _, cells = model(torch.from_numpy(image))
    assert abs(cells.logits.sigmoid().numpy() - expected_scores[..., 0]).max() < 6e-5
    np.testing.assert_allclose(cells.boxes.numpy(), expected_boxes, rtol=1e-4, atol=2e-3)
