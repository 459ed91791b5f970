"""Every graph pass on the graphs of two networks, each after those before it in the plan."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from export.passes.plan import GRAPH_PASSES, apply_passes
from export.passes.rewriting import GraphPass
from export.verify import sample_images
from mot.contract import ModelSpec

Graphs = dict[str, onnx.ModelProto]
BY_NAME = {graph_pass.name: graph_pass for graph_pass in GRAPH_PASSES}
IMAGES = sample_images(ModelSpec(architecture="tiny", width=96, height=64), [], count=2)

# Places changed, and the difference in numbers of operators. YOLOX-nano has four deformable convolutions, three
# upsamplings; MiT-B0 has eight blocks, two of them with one head, and FairMOT's neck of sixteen and eight.
CHANGES = [
    ("stem", "yolox_nano", 1, {"Slice": -6, "Concat": -1}),
    ("stem", "mit_b0", 0, {}),
    ("normalise", "yolox_nano", 2, {"Div": -1, "Sub": -1}),
    ("normalise", "mit_b0", 1, {"Div": -1}),
    ("batchnorm", "yolox_nano", 4, {"BatchNormalization": -4}),
    ("batchnorm", "mit_b0", 16, {"BatchNormalization": -16}),
    ("layout", "yolox_nano", 0, {}),
    ("layout", "mit_b0", 36, {}),
    ("stage_norm", "yolox_nano", 0, {}),
    ("stage_norm", "mit_b0", 4, {}),
    ("attention", "yolox_nano", 0, {}),
    ("attention", "mit_b0", 8, {"MultiHeadAttention": 8, "Softmax": -8, "MatMul": -16, "Squeeze": -16}),
    ("single_head", "mit_b0", 2, {"MatMul": -4, "Add": -4}),
    ("pointwise", "mit_b0", 16, {"Conv": 16, "MatMul": -16, "Add": -16}),
    ("upsample", "yolox_nano", 3, {"ConvTranspose": -3, "Resize": 3, "Mul": 3, "Conv": 3}),
    ("upsample", "mit_b0", 7, {"ConvTranspose": -7, "Resize": 7, "Mul": 7, "Conv": 7}),
]


def prepared(graph: onnx.ModelProto, name: str) -> onnx_ir.Model:
    """The graph after the passes that come before the named one."""
    model = onnx_ir.from_proto(graph)
    names = [graph_pass.name for graph_pass in GRAPH_PASSES]
    apply_passes(model, names[: names.index(name)])
    return model


def operators(model: onnx_ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph)


def answers(model: onnx_ir.Model) -> list[np.ndarray]:
    session = ort.InferenceSession(onnx_ir.to_proto(model).SerializeToString())
    return session.run(["boxes", "scores", "embeddings"], {"image": IMAGES})


@pytest.mark.parametrize(("name", "architecture", "places", "difference"), CHANGES)
def test_pass_changes_what_it_says_and_no_output(
    plain_graphs: Graphs, name: str, architecture: str, places: int, difference: dict[str, int]
) -> None:
    model = prepared(plain_graphs[architecture], name)
    before, expected = operators(model), answers(model)
    assert BY_NAME[name].apply(model) == places
    after = operators(model)
    assert {kind: after[kind] - before[kind] for kind in difference} == difference
    for found, wanted, limit in zip(answers(model), expected, (1e-3, 1e-5, 1e-4), strict=True):
        np.testing.assert_allclose(found, wanted, atol=limit)


@pytest.mark.parametrize("architecture", ["yolox_nano", "mit_b0"])
def test_second_run_of_each_pass_changes_nothing(plain_graphs: Graphs, architecture: str) -> None:
    model = prepared(plain_graphs[architecture], "upsample")
    BY_NAME["upsample"].apply(model)
    before = onnx_ir.to_proto(model).SerializeToString(deterministic=True)
    for graph_pass in GRAPH_PASSES:
        assert graph_pass.apply(model) == 0, graph_pass.name
    assert onnx_ir.to_proto(model).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("graph_pass", GRAPH_PASSES, ids=lambda graph_pass: graph_pass.name)
def test_graph_without_the_pattern_is_left_alone(graph_pass: GraphPass) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 3, 8, 8])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [3, 3, 1, 1], [0.5] * 9)
    nodes = [helper.make_node("Conv", ["image", "kernel"], ["wide"]), helper.make_node("Relu", ["wide"], ["out"])]
    proto = helper.make_model(
        helper.make_graph(nodes, "plain", [image], [out], [kernel]), opset_imports=[helper.make_opsetid("", 20)]
    )
    model = onnx_ir.from_proto(proto)
    before = onnx_ir.to_proto(model).SerializeToString(deterministic=True)
    assert graph_pass.apply(model) == 0
    assert onnx_ir.to_proto(model).SerializeToString(deterministic=True) == before


def optimised(model: onnx_ir.Model, path: str) -> Counter[str]:
    """Operators that ONNX Runtime is left with after its own optimisation."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = path
    options.log_severity_level = 3  # it warns that the file suits this machine alone
    ort.InferenceSession(onnx_ir.to_proto(model).SerializeToString(), options)
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_layout_and_attention_leave_the_runtime_few_transpositions(plain_graphs: Graphs, tmp_path: Path) -> None:
    plain = onnx_ir.from_proto(plain_graphs["mit_b0"])
    best = onnx_ir.from_proto(plain_graphs["mit_b0"])
    apply_passes(best, ["layout", "attention"])
    assert optimised(plain, str(tmp_path / "plain.onnx"))["Transpose"] > 60
    assert optimised(best, str(tmp_path / "best.onnx"))["Transpose"] < 10


def test_stage_norm_keeps_the_runtime_from_its_slow_operator(plain_graphs: Graphs, tmp_path: Path) -> None:
    model = prepared(plain_graphs["mit_b0"], "stage_norm")
    assert optimised(model, str(tmp_path / "before.onnx"))["SkipLayerNormalization"] == 4
    BY_NAME["stage_norm"].apply(model)
    assert optimised(model, str(tmp_path / "after.onnx"))["SkipLayerNormalization"] == 0


def test_upsampling_by_four_stays(plain_graphs: Graphs) -> None:
    model = prepared(plain_graphs["mit_b0"], "upsample")
    BY_NAME["upsample"].apply(model)
    left = [node for node in model.graph if node.op_type == "ConvTranspose"]
    assert [list(node.attributes.get_ints("strides")) for node in left] == [[4, 4]]
