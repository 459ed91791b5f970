"""What the shipped model makes of real pictures: values that come with the weights stand in one file.

    python -m tests.shipped_model     # writes tests/golden/shipped_model.json anew: after another model or tracker

Needs the reported cases (MOT_CASES). Tests compare with a tolerance that another machine's rounding does not reach.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from client.detection.onnx import OnnxDetector, read_spec
from client.evaluation.rows import ScoredRows
from client.evaluation.scoring import score_rows
from client.jobs.spec import TrackerSpec
from client.jobs.tracking import track_source
from client.outputs.sink import FileSink
from client.outputs.text import MotTextSink
from client.serving.repository import shipped_repository
from client.tracking import TrackerConfig
from client.tuning.recording import Recording, record, replay
from client.video.open import open_source
from mot.contract import MODEL_NAME
from mot.files import whole_file
from mot.sequence import MotRows, read_ground_truth, read_results

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/shipped_model.json"
GRAPH = shipped_repository() / MODEL_NAME / "1/model.onnx"
CASES = Path(os.environ.get("MOT_CASES", ROOT.parent / "shared/cases")) / "video-and-eval"
SIZE_CHANGES, LOW_RATE = "size_changes_midway/change.mp4", "low_rate/low10"
SCALE = 2  # the low-rate video has half the labels' size


def expected(case: str) -> Mapping[str, float]:
    """What was measured of a case when the file was written."""
    found: Mapping[str, float] = json.loads(GOLDEN.read_text(encoding="utf-8"))[case]
    return found


def default_tracker(**settings: float) -> TrackerConfig:
    """The default one with the model's thresholds, as `mot track` has it."""
    return TrackerSpec(settings=dict(settings)).resolved(read_spec(GRAPH).thresholds).config()


def followed(video: Path, out: Path, detector: OnnxDetector) -> MotRows:
    """The rows of a video, written to ``out``."""
    with open_source(str(video)) as source:
        sinks: list[FileSink] = [MotTextSink(out)]
        track_source(source, detector, sinks, config=default_tracker())
    return read_results(out)


def recorded(video: Path) -> Recording:
    """What the model finds in a video."""
    with closing(OnnxDetector(GRAPH)) as detector, open_source(str(video)) as source:
        return record(iter(source), detector, source.frame_rate)


def low_rate_scores(recording: Recording, config: TrackerConfig) -> dict[str, float]:
    """Of the reported case: forty frames, one a second."""
    rows = replay(recording, config.tracker(recording.frame_rate))
    found = MotRows(**{**vars(rows), "boxes": rows.boxes * SCALE})
    truth = read_ground_truth(CASES / f"{LOW_RATE}_gt.txt")
    scored = ScoredRows(truth=truth, found=found, first=1, last=40, renumbered=False, warnings=())
    combined = score_rows({"low10": scored}, "MOT15").combined
    return {name: round(float(combined[name]), 1) for name in ("HOTA", "MOTA", "Rcll", "Prcn")}


def measured() -> dict[str, dict[str, float]]:
    """Every value, by its case."""
    with TemporaryDirectory() as folder, closing(OnnxDetector(GRAPH)) as detector:
        changed = followed(CASES / SIZE_CHANGES, Path(folder) / "a.txt", detector)
    low_rate = low_rate_scores(recorded(CASES / f"{LOW_RATE}.mp4"), default_tracker())
    return {SIZE_CHANGES: {"ids": len(set(changed.ids.tolist())), "rows": len(changed)}, LOW_RATE: low_rate}


if __name__ == "__main__":
    with whole_file(GOLDEN) as temporary:
        temporary.write_text(json.dumps(measured(), indent=2) + "\n", encoding="utf-8")
