"""All targets by name, each loaded only where it runs: some readers bring torch along."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from tests.fuzz.target import Target


@dataclass(frozen=True)
class Entry:
    """Where a target is defined, and the modules whose branches guide the search."""

    module: str  # below tests.fuzz; its TARGETS has the target
    readers: tuple[str, ...]


CATALOG: dict[str, Entry] = {
    "results": Entry("mot_texts", ("mot.table", "mot.sequence")),
    "ground-truth": Entry("mot_texts", ("mot.table", "mot.sequence")),
    "seqinfo": Entry("mot_texts", ("mot.table", "mot.seqinfo")),
}


def entry_of(name: str) -> Entry:
    """The target's place; ``MODULE.NAME`` is one beside the catalog, as the harness's own test has them."""
    return CATALOG[name] if name in CATALOG else Entry(name.partition(".")[0], ())


def load(name: str) -> Target:
    """The target of this name."""
    targets: tuple[Target, ...] = import_module(f"tests.fuzz.{entry_of(name).module}").TARGETS
    return next(target for target in targets if target.name == name.rpartition(".")[2])
