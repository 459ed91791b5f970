"""Accuracy of association alone: HOTA, IDF1 and MOTA on public detections, without embeddings, ours and peers'.

Every tracker tries equally many settings, drawn from ranges: peers' from those that their authors publish, ours
from those below. Settings are chosen and scored on different sequences: each sequence is tracked with the setting
that does best (HOTA, all together) on the others, and what is reported is all these results together. The same is
done with the choice among our trackers, and among theirs.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from association_peers import PEERS

from client.evaluation.scoring import SequencePair, score_pairs
from client.tracking import TRACKERS
from mot.detections import Detections
from mot.files import whole_file
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
_COMMON: Space = {"track_buffer": (10, 91), "conf_thres": (0.1, 0.9), "min_hits": (1, 4)}
_SHOWN: Space = {"coast": (0.0, 0.35), "coast_still": (0.0, 1.0)}
_STAGES: Space = {
    **_COMMON,
    "high_thres": (0.3, 0.8),
    "low_match_thres": (0.3, 0.95),
    "tentative_thres": (0.3, 0.95),
    **_SHOWN,
}
SPACES: Mapping[str, Space] = {
    "overlap_reid": {**_STAGES, "motion_thres": (0.3, 0.95)},
    "byte": {**_STAGES, "match_thres": (0.3, 0.95)},
    "botsort": {**_STAGES, "match_thres": (0.3, 0.95)},
    "ocsort": {**_COMMON, **_SHOWN, "iou_thres": (0.3, 0.95), "inertia": (0.0, 0.5), "delta_t": (1, 4)},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """The validation half of a sequence; frames are numbered from 1."""

    name: str
    ground_truth: Path
    frames: Sequence[Detections]
    frame_rate: float


def scenes(data: Path) -> list[Scene]:
    """The sequences at hand: the second halves of MOT17's, which FRCNN's detections are of."""
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


def track(name: str, settings: Mapping[str, Any], scene: Scene) -> str:
    """The result file of a tracker, ours or a peer's."""
    if name in SPACES:
        tracker = TRACKERS[name](**settings).tracker(scene.frame_rate)
        shown = [tracker.update(found) for found in scene.frames]
    else:
        peer = next(peer for peer in PEERS if peer.name == name)
        update = peer.make(settings, scene.frame_rate)
        shown = [peer.tracks(update(peer.prepare(found))) for found in scene.frames]
    return "".join(format_rows(number, tracks) for number, tracks in enumerate(shown, start=1))


def score(found: Sequence[Scene], texts: Sequence[str]) -> dict[str, float]:
    """The measures of some scenes together."""
    with TemporaryDirectory() as folder:
        pairs = []
        for scene, text in zip(found, texts, strict=True):
            result = Path(folder) / f"{scene.name}.txt"
            result.write_text(text)
            last = len(scene.frames)
            pairs.append(SequencePair(name=scene.name, ground_truth=scene.ground_truth, result=result, last=last))
        combined = score_pairs(pairs, benchmark="MOT17").combined
    return {measure: combined[measure] for measure in MEASURES}


class Kept:
    """HOTA by tracker, settings and scene, in a file where one is given: a stopped study goes on where it was."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._values: dict[str, float] = json.loads(file.read_text()) if file and file.is_file() else {}

    def hota(self, name: str, settings: Mapping[str, Any], found: Sequence[Scene]) -> list[float]:
        """Of each scene alone."""
        keys = [json.dumps([name, settings, scene.name]) for scene in found]
        if any(key not in self._values for key in keys):
            for key, scene in zip(keys, found, strict=True):
                self._values[key] = score([scene], [track(name, settings, scene)])["HOTA"]
            if self._file:
                with whole_file(self._file) as temporary:
                    temporary.write_text(json.dumps(self._values, indent=0))
        return [self._values[key] for key in keys]


def compare(data: Path, count: int, kept: Path | None = None) -> dict[str, Any] | None:
    """The study described above, as a record for JSON; None where the data is missing.

    Args:
        kept: a file with what earlier runs have found; ours are to be removed from it when they change.
    """
    found = scenes(data)
    if len(found) < 2:
        return None
    known = Kept(kept)
    spaces = {**SPACES, **{peer.name: peer.space for peer in PEERS if peer.installed}}
    settings = {name: draws(space, count) for name, space in spaces.items()}
    # (settings, scenes). HOTA of some scenes together comes from their counts; its mean chooses as well and is cheap.
    alone = {name: np.array([known.hota(name, one, found) for one in settings[name]]) for name in spaces}
    record: dict[str, Any] = {"settings": count, "scenes": [scene.name for scene in found], "trackers": {}}
    for name in spaces:
        chosen = [settings[name][_best(alone[name], k)[1]] for k in range(len(found))]
        record["trackers"][name] = {
            "defaults": score(found, [track(name, {}, scene) for scene in found]),
            "chosen": score(found, [track(name, one, scene) for one, scene in zip(chosen, found, strict=True)]),
            "chosen settings": chosen,
        }
    for side in ("ours", "peers"):
        names = [name for name in spaces if (name in SPACES) == (side == "ours")]
        if names:
            picks = [max(names, key=lambda name, k=k: _best(alone[name], k)[0]) for k in range(len(found))]
            texts = [track(name, settings[name][_best(alone[name], k)[1]], found[k]) for k, name in enumerate(picks)]
            record[side] = {"chosen": score(found, texts), "trackers": picks}
    return record


def _best(alone: np.ndarray, held_out: int) -> tuple[float, int]:
    """The highest mean HOTA of the other scenes, and the setting that has it."""
    means = np.delete(alone, held_out, axis=1).mean(axis=1)
    return float(means.max()), int(means.argmax())
