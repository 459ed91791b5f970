"""client.tuning.tune: settings found on some sequences, judged on others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from client.detection.detector import FakeDetector
from client.evaluation.pair import EvaluationError
from client.tracking import BotSortConfig, ByteConfig
from client.tuning.labelled import Labelled, Labels, covers, join, judged, read_labels
from client.tuning.recording import record
from client.tuning.space import ranges_of
from client.tuning.tune import as_options, searches, tune, without_images
from mot.detections import Detections
from mot.frame import Frame
from mot.sequence import MotRows, write_ground_truth
from tests.client.evaluation.scenes import people

FRAMES = list(range(1, 31))


def truth() -> MotRows:
    return people({1: FRAMES, 2: FRAMES, 3: FRAMES})


def labelled(name: str, faint: float) -> Labelled:
    """Three people who stand still; everybody scores ``faint``, below ByteTrack's threshold, and a pole 0.2."""
    rows = truth()

    def answer(frame: Frame) -> Detections:
        boxes = rows.boxes[rows.frames == frame.index]
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        pole = np.array([[900, 50, 940, 150]])
        scores = np.array([faint, faint, faint, 0.2], np.float32)
        return Detections(boxes=np.concatenate([corners, pole]).astype(np.float32), scores=scores)

    blank = np.zeros((0, 0, 3), np.uint8)
    frames = [Frame(index=index, image=blank, time=index / 30) for index in FRAMES]
    recording = record(frames, FakeDetector(answer), 30.0)
    return join(Labels(name=name, source=Path(name), truth=rows, first=1, last=30), recording)


@pytest.fixture(scope="module")
def sequences() -> list[Labelled]:
    return [labelled("a", 0.5), labelled("b", 0.45)]


def test_each_sequence_is_left_out_in_turn(sequences: list[Labelled], tmp_path: Path) -> None:
    ranges = ranges_of(ByteConfig(), ["conf_thres", "high_thres"])
    watched: list[None] = []
    tuning = tune(sequences, ByteConfig(), ranges, tracker="byte", trials=25, watch=lambda: watched.append(None))
    assert len(watched) == 3 * 25 == searches(2, 0) * 25
    assert [(fold.searched, list(fold.tuned)) for fold in tuning.folds] == [(("b",), ["a"]), (("a",), ["b"])]
    for fold in tuning.folds:
        assert fold.found.default < 10 < fold.found.value  # nobody is found by ByteTrack's own thresholds
    assert tuning.chosen_on == ("a", "b") and tuning.chosen.value > 90
    assert 0.2 < tuning.chosen.settings["conf_thres"] <= 0.45
    assert tuning.gain is not None and tuning.gain > 50
    tuning.save(tmp_path / "tuned.json")
    document = json.loads((tmp_path / "tuned.json").read_text())
    assert document["chosen"]["settings"] == tuning.chosen.settings and len(document["plateaus"]) == 2


def test_named_sequences_are_left_out(sequences: list[Labelled]) -> None:
    ranges = ranges_of(ByteConfig(), ["conf_thres=0.1..0.6"])
    tuning = tune(sequences, ByteConfig(), ranges, tracker="byte", left_out=["b"], trials=10)
    assert tuning.chosen_on == ("a",) and [fold.searched for fold in tuning.folds] == [("a",)]
    assert list(tuning.folds[0].tuned) == ["b"] and searches(2, 1) == 1


def test_a_single_sequence_is_judged_on_no_other(sequences: list[Labelled]) -> None:
    tuning = tune(sequences[:1], ByteConfig(), ranges_of(ByteConfig(), ["conf_thres"]), tracker="byte", trials=5)
    assert tuning.folds == () and tuning.gain is None and searches(1, 0) == 1


@pytest.mark.parametrize(
    ("left_out", "message"), [(["c"], "c is not among them"), (["a", "b"], "all are left out, so none is searched")]
)
def test_what_cannot_be_left_out(sequences: list[Labelled], left_out: list[str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        tune(sequences, ByteConfig(), [], tracker="byte", left_out=left_out)


def test_options_and_images() -> None:
    assert as_options({"a": 0.5, "b": True, "c": 3}) == "--tracker-set a=0.5 --tracker-set b=true --tracker-set c=3"
    assert not without_images(BotSortConfig()).needs_images
    assert judged([{"HOTA": 50, "MOTA": 60, "IDF1": 70, "Prcn": 0}]) == 60


def test_labels_of_a_folder_and_of_a_video(tmp_path: Path) -> None:
    write_ground_truth(tmp_path / "S/gt/gt.txt", truth())
    (tmp_path / "street.mp4").touch()
    folder = read_labels(str(tmp_path / "S"), start=5)
    assert (folder.name, folder.first, folder.last, len(folder.truth)) == ("S", 5, 30, 78)
    video = read_labels(f"{tmp_path}/street.mp4={tmp_path}/S/gt/gt.txt", end=10)
    assert (video.name, video.source.name, len(video.truth)) == ("S", "street.mp4", 30)
    (tmp_path / "S/seqinfo.ini").write_text("[Sequence]\nseqLength=30\n")
    write_ground_truth(tmp_path / "labels/gt.txt", truth())
    later = read_labels(str(tmp_path / "S"), split="val-half")
    assert (later.first, later.last) == (17, 30)
    with pytest.raises(EvaluationError, match=r"gt\.txt: no labels in frames 31 to 40"):
        read_labels(f"{tmp_path}/street.mp4={tmp_path}/labels/gt.txt", start=31, end=40)
    with pytest.raises(EvaluationError, match="missing: no such file or folder"):
        read_labels(str(tmp_path / "missing"))


def test_a_recording_must_have_the_labelled_frames(sequences: list[Labelled]) -> None:
    recording = sequences[0].recording
    labels = Labels(name="a", source=Path("a.mp4"), truth=people({1: [29, 30, 31]}), first=29, last=31)
    assert not covers(recording, labels, "") and covers(recording, labels_of(29, 30), "")
    assert not covers(recording, labels_of(29, 30), "another model")
    with pytest.raises(EvaluationError, match="1 labelled frames are not in the recording, the first is 31"):
        join(labels, recording)


def labels_of(*frames: int) -> Labels:
    return Labels(name="a", source=Path("a"), truth=people({1: list(frames)}), first=frames[0], last=frames[-1])
