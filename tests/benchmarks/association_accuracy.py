"""Accuracy of association alone: HOTA, IDF1 and MOTA on public detections, without looks, ours and peers'.

Every tracker tries equally many settings, drawn from ranges: peers' from those that their authors publish, ours
from those below. Settings are chosen and scored on different sequences: each sequence is tracked with the setting
that does best (HOTA, all together) on the others, and what is reported is all these results together. The same is
done with the choice among our trackers, and among theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from association_peers import PEERS

from client.evaluate import SequencePair, evaluate
from client.tracking import TRACKERS, TrackerConfig
from mot.detections import Detections, Tracks
from mot.geometry import xywh_to_xyxy
from mot.sequence import format_rows, read_detections

MEASURES = ("HOTA", "IDF1", "MOTA")
Space = Mapping[str, tuple[float, float]]
# name -> (frames of the whole sequence, frames per second)
SEQUENCES = {
    "MOT17-02-FRCNN": (600, 30),
    "MOT17-04-FRCNN": (1050, 30),
    "MOT17-09-FRCNN": (525, 30),
    "MOT17-10-FRCNN": (654, 30),
}
_OURS: Space = {
    "track_buffer": (10, 91),
    "conf_thres": (0.1, 0.9),
    "match_thres": (0.3, 0.95),
    "low_match_thres": (0.3, 0.95),
    "tentative_thres": (0.3, 0.95),
    "high_thres": (0.3, 0.8),
    "min_hits": (1, 4),
    "coast": (0, 11),
    "duplicate_thres": (0, 0.3),
}
SPACES: Mapping[str, Space] = {
    "overlap_reid": _OURS,
    "byte": _OURS,
    "botsort": _OURS,
    "ocsort": {
        "track_buffer": (10, 91),
        "conf_thres": (0.1, 0.9),
        "iou_thres": (0.3, 0.95),
        "inertia": (0.0, 0.5),
        "delta_t": (1, 4),
        "min_hits": (1, 4),
        "coast": (0, 11),
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """The validation half of a sequence; frames are numbered from 1."""

    name: str
    ground_truth: Path
    frames: Sequence[Detections]
    frame_rate: float


def scenes(data: Path) -> list[Scene]:
    """The sequences at hand; see the data's README for their halves."""
    found = []
    for name, (length, rate) in SEQUENCES.items():
        folder = data / "association" / name
        if not folder.is_dir():
            continue
        rows = read_detections(folder / "det/det.txt")
        frames = []
        for number in range(length // 2 + 2, length + 1):
            here = rows.frames == number
            frames.append(
                Detections(
                    boxes=xywh_to_xyxy(rows.boxes[here]).astype(np.float32),
                    scores=rows.scores[here].astype(np.float32),
                    embeddings=np.zeros((int(here.sum()), 0), np.float32),
                )
            )
        found.append(Scene(name=name, ground_truth=folder / "gt/gt_val_half.txt", frames=frames, frame_rate=rate))
    return found


def draws(space: Space, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """The defaults, and random settings from ranges; those of whole numbers leave out their end."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = [{}]
    while len(found) < count:
        found.append(
            {
                key: int(rng.integers(low, high))
                if isinstance(high, int) and high > 1
                else float(rng.uniform(low, high))
                for key, (low, high) in space.items()
            }
        )
    return found


def track_ours(config: TrackerConfig, scene: Scene) -> list[Tracks]:
    tracker = config.tracker(scene.frame_rate)
    return [tracker.update(found) for found in scene.frames]


Results = dict[str, list[list[str]]]  # tracker -> its settings -> the result's text for each scene


def results(found: Sequence[Scene], count: int) -> tuple[Results, dict[str, list[dict[str, Any]]]]:
    """What each tracker gives with each of its settings, and the settings."""
    texts: Results = {}
    settings: dict[str, list[dict[str, Any]]] = {}
    for name, space in SPACES.items():
        settings[name] = draws(space, count)
        texts[name] = [[_text(track_ours(TRACKERS[name](**one), scene)) for scene in found] for one in settings[name]]
    for peer in PEERS:
        if not peer.installed or peer.tracks is None:
            continue
        settings[peer.name] = draws(peer.space, count)
        texts[peer.name] = []
        for one in settings[peer.name]:
            texts[peer.name].append([])
            for scene in found:
                update = peer.make(one, scene.frame_rate)
                texts[peer.name][-1].append(_text([peer.tracks(update(peer.prepare(d))) for d in scene.frames]))
    return texts, settings


def _text(tracks: Sequence[Tracks]) -> str:
    return "".join(format_rows(number, shown) for number, shown in enumerate(tracks, start=1))


def score(found: Sequence[Scene], texts: Sequence[str]) -> dict[str, float]:
    """The measures of some scenes together."""
    with TemporaryDirectory() as folder:
        pairs = []
        for scene, text in zip(found, texts, strict=True):
            result = Path(folder) / f"{scene.name}.txt"
            result.write_text(text)
            last = len(scene.frames)
            pairs.append(SequencePair(name=scene.name, ground_truth=scene.ground_truth, result=result, last=last))
        combined = evaluate(pairs, protocol="MOT17").combined
    return {measure: combined[measure] for measure in MEASURES}


def compare(data: Path, count: int) -> dict[str, Any] | None:
    """The study described above, as a record for JSON; None where the data is missing."""
    found = scenes(data)
    if len(found) < 2:
        return None
    texts, settings = results(found, count)
    # HOTA of some scenes together comes from their counts; its mean over them chooses as well and is cheap.
    alone = {
        name: np.array([[score([scene], [t])["HOTA"] for scene, t in zip(found, one, strict=True)] for one in each])
        for name, each in texts.items()
    }
    record: dict[str, Any] = {"settings": count, "scenes": [scene.name for scene in found], "trackers": {}}
    for name, each in texts.items():
        chosen = [int(np.delete(alone[name], k, axis=1).mean(axis=1).argmax()) for k in range(len(found))]
        record["trackers"][name] = {
            "defaults": score(found, each[0]),
            "chosen": score(found, [each[one][k] for k, one in enumerate(chosen)]),
            "chosen settings": [settings[name][one] for one in chosen],
        }
    for side, names in (("ours", [n for n in texts if n in SPACES]), ("peers", [n for n in texts if n not in SPACES])):
        if not names:
            continue
        picks = []
        for k in range(len(found)):
            options = [(np.delete(alone[n], k, axis=1).mean(axis=1).max(), n) for n in names]
            name = max(options)[1]
            picks.append((name, int(np.delete(alone[name], k, axis=1).mean(axis=1).argmax())))
        record[side] = {
            "chosen": score(found, [texts[name][one][k] for k, (name, one) in enumerate(picks)]),
            "trackers": [name for name, _ in picks],
        }
    return record
