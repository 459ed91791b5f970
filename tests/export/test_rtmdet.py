from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from client.detection.onnx import OnnxDetector
from export.passes.plan import PORTABLE
from export.to_onnx import PASSES_KEY, export_onnx, make_spec
from export.verify import compare, sample_images
from mot.contract import ModelSpec
from training.model.networks import Network, make_network
from training.model.rtmdet import RTMDet
from training.recipe import Recipe
from training.weights.initial import initialise

RECIPE = Recipe(name="tiny", architecture="rtmdet_nano", width=160, height=96)
TOP_K = 16
Exported = tuple[Network, ModelSpec, Path]


@pytest.fixture(scope="module", params=["rtmdet_nano", "rtmdet_nano_dcn"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An untrained network whose scores are steep and whose boxes are large enough to overlap."""
    torch.manual_seed(0)
    model = make_network(request.param).eval()
    assert isinstance(model, RTMDet)
    for layer in model.deformable.values():
        torch.nn.init.normal_(layer.weight, std=0.02)  # type: ignore[arg-type]
        torch.nn.init.normal_(layer.conv_offset.weight, std=0.02)  # type: ignore[arg-type,union-attr]
    with torch.no_grad():
        for level in model.head.levels:
            level.person.weight.mul_(4)  # type: ignore[union-attr,operator]
    spec = make_spec(model, RECIPE, width=None, height=None, top_k=TOP_K, accuracy="")
    path = tmp_path_factory.mktemp("rtmdet") / "model.onnx"
    export_onnx(model, spec, path)
    return model, spec, path


def test_graph_agrees_with_pytorch(exported: Exported) -> None:
    model, spec, path = exported
    compare(model, path, spec, sample_images(spec, [], count=3)).require(path)


def test_outputs_mean_what_the_contract_says(exported: Exported) -> None:
    _, spec, path = exported
    boxes, scores, embeddings = ort.InferenceSession(path).run(None, {"image": sample_images(spec, [], count=2)})
    assert boxes.shape == (2, *spec.boxes.shape)
    assert (boxes[..., 2:] >= boxes[..., :2]).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    assert 0 <= scores.min() <= scores.max() <= 1
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=-1), 1, atol=1e-5)
    detector = OnnxDetector(path, workers=1)
    detector.close()
    assert detector.spec == spec


def test_only_standard_operators_and_no_loop(exported: Exported) -> None:
    """So that TensorRT can take it: suppression is matrix products, its sizes are constants."""
    graph = onnx.load(exported[2]).graph
    operators = {node.op_type for node in graph.node}
    assert not operators & {"Loop", "If", "NonMaxSuppression", "NonZero", "Where"}
    portable = {node.domain for node in graph.node} - {""}
    assert portable <= {"com.microsoft"}
    assert ("DeformConv" in operators) == bool(exported[0].config.deformable)  # type: ignore[union-attr]


def test_portable_passes_leave_onnxs_own_operators_alone(exported: Exported, tmp_path: Path) -> None:
    model, spec, _ = exported
    path = tmp_path / "model.onnx"
    export_onnx(model, spec, path, passes=PORTABLE)
    assert {node.domain for node in onnx.load(path).graph.node} == {""}
    notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert "normalise" in notes[PASSES_KEY].split(",")
    compare(model, path, spec, sample_images(spec, [], count=1)).require(path)


@pytest.mark.data
def test_published_weights_are_exported_with_the_people_they_find(mot_data: Path, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(
        update={
            "width": 640,
            "height": 352,
            "init": "rtmdet",
            "init_path": f"{mot_data}/models/rtmdet_nano_person.onnx",
        }
    )
    torch.manual_seed(0)
    model = make_network("rtmdet_nano").eval()
    initialise(model, recipe)
    spec = make_spec(model, recipe, width=None, height=None, top_k=128, accuracy="")
    path = tmp_path / "model.onnx"
    export_onnx(model, spec, path)
    images = sample_images(spec, [mot_data / "mot/MOT17-09-FRCNN/img1/000300.jpg"], count=2)
    compare(model, path, spec, images).require(path)
    _, scores, _ = ort.InferenceSession(path).run(None, {"image": images})
    np.testing.assert_allclose(scores[0, :4], [0.7002, 0.6569, 0.6402, 0.5911], atol=1e-3)  # the published graph's
