from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto

from client.detection.onnx import OnnxDetector
from export.to_onnx import OPSET, PASSES_KEY, PRECISION_KEY, export_onnx, make_spec
from export.verify import compare, read_precision, sample_images
from mot.contract import ModelSpec
from training.checkpoint import load_model
from training.model.decode import Predictor

Exported = tuple[Path, ModelSpec]


def test_graph_is_self_contained(exported: Exported) -> None:
    graph = onnx.load(exported[0])
    operators = {node.op_type for node in graph.graph.node}
    assert {"DeformConv", "TopK", "MaxPool"} <= operators
    assert {entry.domain: entry.version for entry in graph.opset_import}[""] == OPSET
    assert all(node.domain == "" for node in graph.graph.node), "no custom operators"


def test_file_says_nothing_of_the_machine_that_wrote_it(exported: Exported) -> None:
    assert str(Path(__file__).resolve().parents[2]).encode() not in exported[0].read_bytes()


def test_every_deformable_convolution_has_its_mask_and_symmetric_pads(exported: Exported) -> None:
    """TensorRT takes no other."""
    nodes = [node for node in onnx.load(exported[0]).graph.node if node.op_type == "DeformConv"]
    assert len(nodes) == 4
    assert all(len(node.input) == 5 and node.input[4] for node in nodes)
    pads = [onnx.helper.get_node_attr_value(node, "pads") for node in nodes]
    assert [pad[:2] for pad in pads] == [pad[2:] for pad in pads] == [[1, 1]] * 4


@pytest.mark.parametrize(
    ("recipe", "given", "size"),
    [({}, {}, (96, 64)), ({"export_width": 160, "export_height": 96}, {}, (160, 96)), ({}, {"width": 128}, (128, 64))],
    ids=["as trained", "as the recipe exports", "as asked for"],
)
def test_the_size_comes_with_the_checkpoint(
    checkpoint: Path, recipe: dict[str, int], given: dict[str, int], size: tuple[int, int]
) -> None:
    model, own = load_model(checkpoint)
    spec = make_spec(
        model, own.model_copy(update=recipe), **({"width": None, "height": None} | given), top_k=16, accuracy=""
    )
    assert (spec.width, spec.height) == size


def test_metadata_reads_back_as_the_contract(exported: Exported) -> None:
    path, spec = exported
    detector = OnnxDetector(path, workers=1)
    detector.close()
    assert detector.spec == spec
    assert spec.accuracy == "none: untrained"


@pytest.mark.parametrize("batch", [1, 3])
def test_batch_is_dynamic_and_images_do_not_mix(exported: Exported, batch: int) -> None:
    path, spec = exported
    session = ort.InferenceSession(path)
    images = sample_images(spec, [], count=batch)
    together = session.run(None, {"image": images})
    for i in range(batch):
        alone = session.run(None, {"image": images[i : i + 1]})
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[i], b[0], atol=1e-4)


def test_outputs_mean_what_the_contract_says(exported: Exported) -> None:
    path, spec = exported
    boxes, scores, embeddings = ort.InferenceSession(path).run(None, {"image": sample_images(spec, [], count=2)})
    assert boxes.shape == (2, *spec.boxes.shape)
    assert (boxes[..., 2:] >= boxes[..., :2]).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=-1), 1, atol=1e-5)


def test_dense_heads_give_the_same_people(checkpoint: Path) -> None:
    model, recipe = load_model(checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
    images = torch.from_numpy(sample_images(spec, [], count=2))
    with torch.no_grad():
        for at_peaks, dense in zip(Predictor(model, 16)(images), Predictor(model, 16, dense=True)(images), strict=True):
            torch.testing.assert_close(at_peaks, dense, atol=1e-4, rtol=1e-4)


def test_metadata_names_precision_and_the_passes_that_changed_something(exported: Exported) -> None:
    notes = {entry.key: entry.value for entry in onnx.load(exported[0]).metadata_props}
    assert notes[PASSES_KEY] == "heads,stem,normalise,batchnorm,upsample"
    assert notes[PRECISION_KEY] == "fp32"


def test_half_precision_keeps_the_contract_and_its_own_limits(checkpoint: Path, tmp_path: Path) -> None:
    model, recipe = load_model(checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
    path = tmp_path / "model.onnx"
    export_onnx(model, spec, path, precision="fp16")
    assert read_precision(path) == "fp16"
    assert next(model.parameters()).dtype == torch.float32, "the caller's model is as it was"
    kinds = {tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) == 4}
    assert kinds == {TensorProto.FLOAT16}
    compare(model, path, spec, sample_images(spec, []), "fp16").require(path)


def test_mit_with_the_full_neck_agrees_with_pytorch(mit_checkpoint: Path, tmp_path: Path) -> None:
    model, recipe = load_model(mit_checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
    path = tmp_path / "model.onnx"
    export_onnx(model, spec, path)
    compare(model, path, spec, sample_images(spec, [], count=3)).require(path)
    nodes = [node for node in onnx.load(path).graph.node if node.op_type == "DeformConv"]
    assert len(nodes) == 16
