"""The contract as Triton's model configuration: one model directory, two servers.

``config.pbtxt`` is for NVIDIA's container, where the onnxruntime backend runs the graph on a GPU;
``configs/local.pbtxt`` is for the server embedded in the client, chosen there with
``--model-config-name=local``, where the python backend runs the same graph on the CPU.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mot.contract import MODEL_NAME, ModelSpec, TensorSpec
from mot.custom_ops import LIBRARY
from mot.files import whole_file

Target = Literal["container", "local"]
CONFIG_PATHS: Mapping[Target, Path] = {"container": Path("config.pbtxt"), "local": Path("configs/local.pbtxt")}

BACKEND = Path(__file__).with_name("backend.py")  # the python backend's program; a model has a copy, model.py

CONTAINER_REPOSITORY = "/models"  # where the container has the model repository

MAX_BATCH = 8  # images; also the largest warm-up
LOCAL_INSTANCES = 2  # processes; the embedded server sets it to the machine's cores
# A client keeps a handful of frames in flight, so a longer queue means that clients outnumber the server.
MAX_QUEUE = 256  # requests
QUEUE_TIMEOUT_US = 10_000_000  # older requests are answered UNAVAILABLE; clients try again

_HEADER = """\
# Generated from the model's contract by `mot-export config`; edit export/triton/config.py instead.
"""

_CONTAINER = """\
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: {max_batch}

{tensors}
{operations}dynamic_batching {{
  preferred_batch_size: [ {half_batch}, {max_batch} ]
  max_queue_delay_microseconds: 1000  # far below one inference, enough for clients that send at once
{queue_policy}
}}

# A GPU where the container has one, else the CPU.
instance_group [ {{ kind: KIND_AUTO, count: 1 }} ]

# The first run of each batch size chooses kernels and grows the arena: before a client, not during.
{warmup}
# ONNX Runtime's CUDA provider: 1 = HEURISTIC; the default tries every algorithm at each new shape.
parameters {{ key: "cudnn_conv_algo_search" value {{ string_value: "1" }} }}
# 1 = kSameAsRequested; the default doubles the arena, which never shrinks.
parameters {{ key: "arena_extend_strategy" value {{ string_value: "1" }} }}
{parameters}"""

_LOCAL = """\
backend: "python"
default_model_filename: "model.py"
max_batch_size: {max_batch}

{tensors}
{operations}# On a CPU a batch takes as long as its images one by one, so each goes to the next free instance.
# No queue policy: with one, Triton 2.51 hands out nothing ahead, and sleeps for 0.5 s at times while images wait.
dynamic_batching {{
  preferred_batch_size: [ 1 ]
  max_queue_delay_microseconds: 0
}}

instance_group [ {{ kind: KIND_CPU, count: {instances} }} ]

{warmup}
parameters {{ key: "intra_op_threads" value {{ string_value: "1" }} }}
{parameters}"""

_QUEUE_POLICY = f"""\
  default_queue_policy {{
    max_queue_size: {MAX_QUEUE}
    timeout_action: REJECT
    default_timeout_microseconds: {QUEUE_TIMEOUT_US}
    allow_timeout_override: true
  }}"""


def config_pbtxt(
    spec: ModelSpec, target: Target, *, name: str = MODEL_NAME, version: int = 1, plugin: bool = False
) -> str:
    """The text of one configuration file; with the plugin, it names the library beside the graph."""
    template, warm_batches = {"container": (_CONTAINER, (1, MAX_BATCH)), "local": (_LOCAL, (1,))}[target]
    body = template.format(
        max_batch=MAX_BATCH,
        half_batch=MAX_BATCH // 2,
        instances=LOCAL_INSTANCES,
        tensors="".join(_tensor("input", tensor) for tensor in spec.inputs)
        + "".join(_tensor("output", tensor) for tensor in spec.outputs),
        queue_policy=_QUEUE_POLICY,
        operations=_operations(target, name, version) if plugin else "",
        warmup="".join(_warmup(spec, batch) for batch in warm_batches),
        parameters="".join(_parameter(key, value) for key, value in spec.to_metadata().items()),
    )
    return f"{_HEADER}name: {_quoted(name)}\n{body}"


def write_model_dir(model_dir: Path, version: int, spec: ModelSpec, plugin: bool = False) -> None:
    """Complete a model's directory around its ``model.onnx``: configurations, and the python backend's program."""
    with whole_file(model_dir / str(version) / "model.py") as temporary:
        shutil.copyfile(BACKEND, temporary)
    write_configs(model_dir, spec, version=version, plugin=plugin)


def write_configs(model_dir: Path, spec: ModelSpec, *, version: int = 1, plugin: bool = False) -> None:
    """Write both files under the model's directory, ``<repository>/fairmot``; Triton's name for it is the folder's."""
    name = model_dir.resolve().name
    for target, path in CONFIG_PATHS.items():
        with whole_file(model_dir / path) as temporary:
            temporary.write_text(
                config_pbtxt(spec, target, name=name, version=version, plugin=plugin), encoding="utf-8"
            )


def _tensor(kind: Literal["input", "output"], tensor: TensorSpec) -> str:
    return f"{kind} [ {{ name: {_quoted(tensor.name)}, {_type_and_dims(tensor)} }} ]\n"


def _warmup(spec: ModelSpec, batch: int) -> str:
    inputs = "".join(
        f"  inputs {{ key: {_quoted(tensor.name)} value {{ {_type_and_dims(tensor)}, zero_data: true }} }}\n"
        for tensor in spec.inputs
    )
    return f'model_warmup {{\n  name: "batch of {batch}"\n  batch_size: {batch}\n{inputs}}}\n'


def _operations(target: Target, name: str, version: int) -> str:
    # The onnxruntime backend wants an absolute path; model.py looks below the model's directory.
    path = f"{version}/{LIBRARY}"
    if target == "container":
        path = f"{CONTAINER_REPOSITORY}/{name}/{path}"
    return f"model_operations {{ op_library_filename: {_quoted(path)} }}\n\n"


def _type_and_dims(tensor: TensorSpec) -> str:
    return f"data_type: TYPE_{tensor.triton_dtype}, dims: [ {', '.join(map(str, tensor.shape))} ]"


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {_quoted(key)} value {{ string_value: {_quoted(value)} }} }}\n"


def _quoted(text: str) -> str:
    """A protobuf text literal; JSON's escapes are a subset of its own."""
    return json.dumps(text, ensure_ascii=False)
