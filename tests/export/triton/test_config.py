"""Triton's configuration, as generated from the contract."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup, ModelQueuePolicy

from client.serving.model import models_in
from export.triton.config import CONFIG_PATHS, MAX_BATCH, Target, config_pbtxt, write_configs
from mot.contract import MODEL_NAME, SIZES, ModelSpec

ROOT = Path(__file__).resolve().parents[3]
SPEC = ModelSpec(architecture="mit_b0", height=320, width=576, top_k=128, embedding_dim=64)
BOTH: list[Target] = ["container", "local"]


def parsed(target: Target, spec: ModelSpec = SPEC) -> ModelConfig:
    return text_format.Parse(config_pbtxt(spec, target), ModelConfig())


@pytest.mark.parametrize("target", BOTH)
def test_tensors_are_the_contracts(target: Target) -> None:
    config = parsed(target)
    assert config.name == "fairmot"
    assert [(t.name, t.data_type, list(t.dims)) for t in config.input] == [("image", 2, [320, 576, 3])]  # TYPE_UINT8
    assert [(t.name, t.data_type, list(t.dims)) for t in config.output] == [  # TYPE_FP32
        ("boxes", 11, [128, 4]),
        ("scores", 11, [128]),
        ("embeddings", 11, [128, 64]),
    ]


@pytest.mark.parametrize("target", BOTH)
def test_parameters_carry_the_contract(target: Target) -> None:
    config = parsed(target)
    metadata = {key: config.parameters[key].string_value for key in config.parameters}
    assert ModelSpec.from_metadata(metadata, "config") == SPEC


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.parametrize("text", ['HOTA "61.4" \\ half', "line\nbreak\ttab", "Zürich, 行人, {braces}"])
def test_awkward_text_survives(target: Target, text: str) -> None:
    spec = ModelSpec(architecture="mit_b0", accuracy=text)
    assert parsed(target, spec).parameters["mot.accuracy"].string_value == text


def test_queue_of_the_container_is_bounded() -> None:
    policy = parsed("container").dynamic_batching.default_queue_policy
    assert policy.max_queue_size > 0
    assert policy.timeout_action == ModelQueuePolicy.REJECT
    assert policy.default_timeout_microseconds > 0


def test_container_batches_on_whatever_device_there_is() -> None:
    config = parsed("container")
    assert (config.backend, config.max_batch_size) == ("onnxruntime", MAX_BATCH)
    assert list(config.dynamic_batching.preferred_batch_size) == [MAX_BATCH // 2, MAX_BATCH]
    assert config.dynamic_batching.max_queue_delay_microseconds > 0
    assert [(g.kind, g.count) for g in config.instance_group] == [(ModelInstanceGroup.KIND_AUTO, 1)]
    assert config.parameters["cudnn_conv_algo_search"].string_value == "1"
    assert config.parameters["arena_extend_strategy"].string_value == "1"


def test_local_runs_images_one_by_one_on_the_cpu() -> None:
    config = parsed("local")
    assert config.backend == "python"
    assert list(config.dynamic_batching.preferred_batch_size) == [1]
    assert not config.dynamic_batching.HasField("default_queue_policy")  # it stalls
    assert [(g.kind, g.count) for g in config.instance_group] == [(ModelInstanceGroup.KIND_CPU, 2)]
    assert config.parameters["intra_op_threads"].string_value == "1"


@pytest.mark.parametrize(("target", "batches"), [("container", [1, MAX_BATCH]), ("local", [1])])
def test_warm_up(target: Target, batches: list[int]) -> None:
    warmup = parsed(target).model_warmup
    assert [each.batch_size for each in warmup] == batches
    assert all(list(each.inputs["image"].dims) == [320, 576, 3] for each in warmup)


def test_files_are_written_where_triton_looks(tmp_path: Path) -> None:
    write_configs(tmp_path, SPEC)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.pbtxt")) == sorted(CONFIG_PATHS.values())
    assert (tmp_path / "configs/local.pbtxt").read_text(encoding="utf-8").startswith("# Generated")


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.parametrize("name", models_in(ROOT / "model_repository"))
def test_committed_files_match_the_committed_model(name: str, target: Target) -> None:
    directory = ROOT / "model_repository" / name
    graph = directory / "1" / "model.onnx"
    metadata = {pair.key: pair.value for pair in onnx.load(graph).metadata_props}
    spec = ModelSpec.from_metadata(metadata, str(graph))
    assert (directory / CONFIG_PATHS[target]).read_text(encoding="utf-8") == config_pbtxt(spec, target, name=name)


def test_the_default_is_committed_and_all_are_of_its_family() -> None:
    assert MODEL_NAME in models_in(ROOT / "model_repository")
    assert set(models_in(ROOT / "model_repository")) <= set(SIZES.values())
