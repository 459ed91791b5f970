"""mot.contract: what a model says of itself, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mot.contract import CONTRACT_VERSION, ContractError, ModelSpec
from mot.errors import MotError

SPEC = ModelSpec(architecture="mit_b0", height=320, width=576, top_k=50, embedding_dim=32, recipe="r", accuracy="a, b")


def offered(spec: ModelSpec) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, tuple[str, tuple[int, ...]]]]:
    inputs, outputs = ({t.name: (t.dtype, t.shape) for t in tensors} for tensors in (spec.inputs, spec.outputs))
    return inputs, outputs


def test_tensors() -> None:
    assert [(t.name, t.dtype, t.triton_dtype, t.shape) for t in (*SPEC.inputs, *SPEC.outputs)] == [
        ("image", "uint8", "UINT8", (320, 576, 3)),
        ("boxes", "float32", "FP32", (50, 4)),
        ("scores", "float32", "FP32", (50,)),
        ("embeddings", "float32", "FP32", (50, 32)),
    ]


@pytest.mark.parametrize("spec", [SPEC, ModelSpec(architecture="x", mean=(0.1, 0.2, 1 / 3), std=(1, 2, 3))])
def test_metadata_round_trip(spec: ModelSpec) -> None:
    metadata = spec.to_metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert ModelSpec.from_metadata({**metadata, "producer": "other keys do no harm"}, "m.onnx") == spec


@pytest.mark.parametrize("name", ["height", "architecture", "mean", "recipe"])
def test_a_missing_key_is_named(name: str) -> None:
    metadata = SPEC.to_metadata()
    del metadata[f"mot.{name}"]
    with pytest.raises(ContractError, match=rf"m\.onnx: metadata mot\.{name} is missing; export"):
        ModelSpec.from_metadata(metadata, "m.onnx")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("height", "tall", r"m\.onnx: metadata mot\.height is 'tall'"),
        ("mean", "1,two,3", r"m\.onnx: metadata mot\.mean is '1,two,3'"),
        ("mean", "1,2", r"m\.onnx.*mean"),
        ("width", "100", r"m\.onnx.*input width 100 is not a positive multiple of 32"),
        ("std", "1,0,1", r"m\.onnx.*std"),
    ],
)
def test_a_bad_value_is_named(key: str, value: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        ModelSpec.from_metadata({**SPEC.to_metadata(), f"mot.{key}": value}, "m.onnx")


def test_a_model_without_metadata_is_refused() -> None:
    with pytest.raises(ContractError, match=r"m\.onnx: no contract metadata.*mot-export"):
        ModelSpec.from_metadata({}, "m.onnx")


def test_another_version_is_refused() -> None:
    metadata = replace(SPEC, version=CONTRACT_VERSION + 1).to_metadata()
    with pytest.raises(ContractError, match=rf"contract version {CONTRACT_VERSION + 1}, this program speaks"):
        ModelSpec.from_metadata(metadata, "m.onnx")


@pytest.mark.parametrize(
    "change",
    [{"height": 0}, {"height": -32}, {"width": 577}, {"top_k": 0}, {"embedding_dim": -1}],
    ids=str,
)
def test_impossible_sizes_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ContractError, match=str(next(iter(change.values())))):
        replace(SPEC, **change)


def test_tensors_that_fit_are_accepted() -> None:
    inputs, outputs = offered(SPEC)
    SPEC.check_tensors(inputs, {**outputs, "extra": ("int64", (1,))}, "server")


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("scores", None, "localhost:8001: output 'scores' is missing; it offers"),
        ("scores", ("float16", (50,)), r"output 'scores' is float16 \(50,\), expected float32 \(50,\)"),
        ("boxes", ("float32", (100, 4)), r"output 'boxes' is float32 \(100, 4\), expected float32 \(50, 4\)"),
        ("image", None, "input 'image' is missing"),
    ],
)
def test_a_tensor_that_differs_is_named(name: str, tensor: tuple[str, tuple[int, ...]] | None, message: str) -> None:
    inputs, outputs = offered(SPEC)
    side = inputs if name in inputs else outputs
    del side[name]
    if tensor is not None:
        side[name] = tensor
    with pytest.raises(ContractError, match=message):
        SPEC.check_tensors(inputs, outputs, "localhost:8001")


def test_a_contract_error_is_for_users() -> None:
    assert issubclass(ContractError, MotError) and issubclass(ContractError, ValueError)


def test_thresholds_come_with_the_model() -> None:
    spec = SPEC.with_thresholds({"conf_thres": 0.5, "low_thres": 0.2})
    assert spec.thresholds == {"conf_thres": 0.5, "low_thres": 0.2}
    assert ModelSpec.from_metadata(spec.to_metadata(), "m.onnx") == spec


def test_models_of_earlier_releases_have_none() -> None:
    assert SPEC.thresholds == {} and not any("thres" in key for key in SPEC.to_metadata())
    assert ModelSpec.from_metadata(SPEC.to_metadata(), "m.onnx") == SPEC


def test_speed_and_terms_are_kept_and_files_of_earlier_releases_have_none() -> None:
    spec = replace(SPEC, speed="5 ms", terms="research")
    assert ModelSpec.from_metadata(spec.to_metadata(), "m.onnx") == spec
    assert not {"mot.speed", "mot.terms"} & SPEC.to_metadata().keys()


@pytest.mark.parametrize("text", ["1.5", "-0.1", "half", "nan"])
def test_a_threshold_that_is_no_score_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match=r"m\.onnx.*conf_thres"):
        ModelSpec.from_metadata({**SPEC.to_metadata(), "mot.conf_thres": text}, "m.onnx")
