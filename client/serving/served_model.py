"""The embedded server's own repository: links to a model's files, and a configuration for this machine."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc.model_config_pb2 import ModelConfig

from client.detection.onnx import spec_of
from client.serving.errors import ServerError
from client.serving.model import GRAPH, graph_of
from client.serving.repository import shipped_repository
from mot.contract import MODEL_NAME, ModelSpec
from mot.custom_ops import LIBRARY
from mot.errors import shortened
from mot.files import no_text, read_bytes, text_of

CONFIG_NAME = "local"
_CONFIG = Path("configs", f"{CONFIG_NAME}.pbtxt")
_PROGRAM = "model.py"


def link_repository(models: Path, repository: Path, name: str, instances: int) -> Path:
    """A repository that differs from the given one in the number of instances, and has one model's newest version.

    Triton wants a configuration to have its folder's name; so it gets that.

    Raises:
        ServerError: a file of the model is missing, or its configuration is none.
        ModelError: there is no such model.
    """
    graph = graph_of(repository, name)
    folder = repository / name
    for needed in (folder / _CONFIG, graph.with_name(_PROGRAM)):
        if not needed.is_file():
            raise ServerError(
                f"{needed} is missing; give a model repository as mot-export writes it (--model-repository), or "
                f"the ONNX file alone (--model {graph})"
            )
    config = _read_config(folder / _CONFIG)
    version = _prepare(models, name, graph.parent.name, config, instances)
    # File by file, so that Python's bytecode cache lands here and not in the given repository.
    for path in graph.parent.iterdir():
        if path.is_file():
            (version / path.name).symlink_to(path.resolve())
    return models


def repository_of_graph(models: Path, graph: Path, name: str, instances: int) -> Path:
    """A repository around a single ONNX file: its configuration is the shipped model's, with this one's contract.

    Raises:
        DetectorError: the file is missing, or is not ONNX.
        ContractError: the model speaks another contract.
        ServerError: the shipped model's files are missing.
    """
    spec = spec_of(graph)
    shipped = shipped_repository() / MODEL_NAME
    program = shipped / "1" / _PROGRAM
    for needed in (shipped / _CONFIG, program):
        if not needed.is_file():
            raise ServerError(f"{needed} is missing, by which an ONNX file is served; install this program again")
    config = _read_config(shipped / _CONFIG)
    _describe(config, spec)
    if graph.with_name(LIBRARY).is_file():
        config.model_operations.op_library_filename[:] = [f"1/{LIBRARY}"]
    version = _prepare(models, name, "1", config, instances)
    (version / _PROGRAM).symlink_to(program.resolve())
    (version / GRAPH).symlink_to(graph.resolve())
    # The operators' library, and weights that an exporter has put beside the graph.
    for path in (graph.with_name(LIBRARY), *graph.parent.glob(f"{graph.name}?*")):
        if path.is_file():
            (version / path.name).symlink_to(path.resolve())
    return models


def _read_config(path: Path) -> ModelConfig:
    """What a configuration holds.

    Raises:
        ServerError: it cannot be read, or is none of Triton's.
    """
    try:
        return text_format.Parse(text_of(read_bytes(path)), ModelConfig())
    except OSError as error:
        raise ServerError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise ServerError(f"{path}: {no_text(error)}") from error
    except (text_format.ParseError, ValueError, RecursionError) as error:
        reason = shortened(str(error))
        raise ServerError(
            f"{path}: is no configuration of Triton: {reason}; write it again: mot-export config"
        ) from error


def _prepare(models: Path, name: str, version: str, config: ModelConfig, instances: int) -> Path:
    """Write the configuration; returns the empty folder of the version."""
    config.name = name
    for group in config.instance_group:
        group.count = instances
    target = models / name
    for directory in (_CONFIG.parent, Path(version)):
        (target / directory).mkdir(parents=True)
    (target / _CONFIG).write_text(text_format.MessageToString(config), encoding="utf-8")
    return target / version


def _describe(config: ModelConfig, spec: ModelSpec) -> None:
    """Put a model's tensors and metadata in the place of another's."""
    shapes = {tensor.name: tensor.shape for tensor in (*spec.inputs, *spec.outputs)}
    for tensor in (*config.input, *config.output):
        tensor.dims[:] = shapes[tensor.name]
    for warmup in config.model_warmup:
        for name, given in warmup.inputs.items():
            given.dims[:] = shapes[name]
    for key in [key for key in config.parameters if key.startswith("mot.")]:
        del config.parameters[key]
    for key, value in spec.to_metadata().items():
        config.parameters[key].string_value = value
