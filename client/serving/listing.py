"""What a model repository holds, as its models' files say it of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.detection.onnx import read_spec
from client.serving.model import ModelError, graph_of, models_in
from mot.contract import MODEL_NAME, SIZES, ModelSpec


@dataclass(frozen=True, kw_only=True)
class ListedModel:
    """One model of a repository."""

    name: str  # on a server, and for --model
    size: str | None  # of mot.contract.SIZES, if it is one of the family
    graph: Path  # of its newest version
    spec: ModelSpec


def listed_models(repository: Path) -> list[ListedModel]:
    """The default first, then from the fastest to the most accurate of its family, then others by name.

    Raises:
        ModelError: there is none.
        MotError: one of them is no model of this project's.
    """
    names = models_in(repository)
    if not names:
        raise ModelError(f"{repository}: holds no model; give a repository as mot-export writes it")
    of_size = {name: size for size, name in SIZES.items()}
    family = [MODEL_NAME, *SIZES.values()]
    names.sort(key=lambda name: (family.index(name) if name in family else len(family), name))
    return [
        ListedModel(name=name, size=of_size.get(name), graph=graph, spec=read_spec(graph))
        for name in names
        for graph in [graph_of(repository, name)]
    ]
