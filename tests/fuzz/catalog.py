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
    "labels": Entry("training_data", ("mot.files", "training.data.labels")),
    "data-json": Entry("training_data", ("training.data.configuration",)),
    "odgt": Entry("training_data", ("training.prepare.crowdhuman",)),
    "coco": Entry("training_data", ("training.prepare.coco",)),
    "lines-json": Entry("documents", ("client.analysis.places",)),
    "cameras": Entry("documents", ("client.live.cameras", "client.analysis.places", "tomllib")),
    "job": Entry("documents", ("client.jobs.spec", "client.tracking.setting")),
    "record": Entry("documents", ("client.jobs.record",)),
    "journal": Entry("documents", ("client.batch.journal",)),
    "onnx": Entry("graphs", ("client.detection.onnx", "mot.contract")),
    "pbtxt": Entry("graphs", ("client.serving.served_model",)),
    "http-answer": Entry("answers", ("client.detection", "tritonclient.http", "mot.detections")),
    "http-description": Entry("answers", ("client.detection", "mot.contract")),
    "grpc-answer": Entry("answers", ("client.detection", "tritonclient.grpc", "mot.detections")),
    "recipe": Entry("recipes", ("training.recipe", "tomllib")),
    **{kind: Entry("containers", ()) for kind in ("mp4", "mkv", "avi", "ts", "webm", "flv")},
}


def entry_of(name: str) -> Entry:
    """The target's place; ``MODULE.NAME`` is one beside the catalog, as the harness's own test has them."""
    return CATALOG[name] if name in CATALOG else Entry(name.partition(".")[0], ())


def load(name: str) -> Target:
    """The target of this name."""
    targets: tuple[Target, ...] = import_module(f"tests.fuzz.{entry_of(name).module}").TARGETS
    return next(target for target in targets if target.name == name.rpartition(".")[2])
