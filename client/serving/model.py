"""Which model is meant by ``--model``: a name, an ONNX file, a model's folder or a repository of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mot.contract import MODEL_NAME, SIZES
from mot.errors import MotError

GRAPH = "model.onnx"
_SUFFIX = ".onnx"


class ModelError(MotError, ValueError):
    """There is no such model; the message names the path and what is there."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model by its name on a server or in a repository, or an ONNX file by itself."""

    name: str = MODEL_NAME
    repository: Path | None = None  # None: wherever models are taken from by default
    graph: Path | None = None


def choose_model(wanted: str | None, *, elsewhere: bool = False) -> ModelChoice:
    """What a person means by a model; paths are looked at, so that a missing file costs no time.

    Args:
        wanted: None for the default one; the path of an ONNX file, of a model's folder (``NAME/1/model.onnx``), of a
            repository of such folders; one of :data:`mot.contract.SIZES`; or a model's name.
        elsewhere: a server elsewhere runs it, which knows names alone.

    Raises:
        ModelError: there is no such file or folder, or several models are in it.
    """
    if wanted is None:
        return ModelChoice()
    path = Path(wanted)
    looks_like_a_path = "/" in wanted or path.suffix.lower() == _SUFFIX
    if elsewhere:
        if looks_like_a_path:
            raise ModelError(f"{wanted}: a server elsewhere has models of its own; give --model its NAME there")
        return ModelChoice(name=SIZES.get(wanted, wanted))
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return _file(path)
    if looks_like_a_path:
        raise ModelError(f"{path}: no such model; give an ONNX file, a model's folder, or a repository of them")
    return ModelChoice(name=SIZES.get(wanted, wanted))


def graph_of(repository: Path, name: str) -> Path:
    """The ONNX file of a model in a repository, of its newest version, as Triton chooses.

    Raises:
        ModelError: the repository has no such model.
    """
    graph = _newest(repository / name)
    if graph is None:
        there = models_in(repository)
        has = f"it has {', '.join(there)} (--model NAME)" if there else "give a repository as mot-export writes it"
        missing = repository / name / "1" / GRAPH
        raise ModelError(f"{missing}: no such model file; {has}")
    return graph


def _file(path: Path) -> ModelChoice:
    if path.suffix.lower() in (".pt", ".pth", ".ckpt"):
        raise ModelError(f"{path}: a checkpoint, which is for training; export it first: mot-export model {path}")
    return ModelChoice(graph=path)


def _in_folder(path: Path) -> ModelChoice:
    """A model's folder, a version's folder in it, or a repository."""
    resolved = path.resolve()
    if _newest(path) is not None:
        return ModelChoice(repository=resolved.parent, name=resolved.name)
    if (path / GRAPH).is_file():
        return ModelChoice(graph=path / GRAPH)
    models = models_in(path)
    if len(models) == 1 or MODEL_NAME in models:
        return ModelChoice(repository=path, name=MODEL_NAME if MODEL_NAME in models else models[0])
    if models:
        raise ModelError(f"{path}: holds several models, {', '.join(models)}; give the folder of one of them")
    raise ModelError(f"{path}: holds no model (NAME/1/{GRAPH}); give a folder as mot-export writes it")


def _newest(folder: Path) -> Path | None:
    """The graph of the highest version in a model's folder."""
    versions = [graph for graph in folder.glob(f"*/{GRAPH}") if graph.parent.name.isdecimal() and graph.is_file()]
    return max(versions, key=lambda graph: int(graph.parent.name), default=None)


def models_in(repository: Path) -> list[str]:
    """The names of the models in a repository; none where there is no such folder."""
    found = repository.iterdir() if repository.is_dir() else ()
    return sorted(folder.name for folder in found if folder.is_dir() and _newest(folder))
