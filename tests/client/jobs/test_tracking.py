"""client.jobs.tracking: one source from frames to files, with a detector that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from client.detection.detector import FakeDetector
from client.detection.errors import DetectorError
from client.jobs.job import result_sinks
from client.jobs.spec import JobSpec
from client.jobs.tracking import JobStoppedError, track_source
from client.outputs.sink import FileSink, SinkError
from client.pipeline.tracked import TrackedFrame
from client.tracking import OverlapReidConfig
from client.video.open import open_source
from client.video.source import Source, VideoError
from mot.detections import Detections
from mot.frame import Frame
from mot.sequence import read_results
from tests.media import make_video, names, numbered_image

COUNT = 12


class Pictures(Source):
    """A source of memory; raises ``error`` behind its last frame."""

    name, frame_rate, frame_count = "pictures", 10.0, None

    def __init__(self, count: int = COUNT, *, live: bool = False, error: Exception | None = None) -> None:
        self.live = live
        self._count, self._error = count, error

    def __iter__(self) -> Iterator[Frame]:
        for index in range(1, self._count + 1):
            yield Frame(index=index, image=numbered_image(index), time=index / 10)
        if self._error:
            raise self._error

    def close(self) -> None:
        pass


def two_people(frame: Frame) -> Detections:
    """The same two in every picture."""
    boxes = np.array([[5, 15, 20, 50], [30, 15, 45, 50]], np.float32)
    return Detections(boxes=boxes, scores=np.full(2, 0.9, np.float32), embeddings=np.eye(2, dtype=np.float32))


def sinks_of(folder: Path, name: str, *, input: str = "0", video: bool = True) -> list[FileSink]:
    return result_sinks(JobSpec(input=input, output=folder, name=name, video=video), 10)


def stop_at(index: int) -> tuple[Event, Callable[[TrackedFrame], None]]:
    """An event, and a watch that sets it with a frame."""
    stop = Event()

    def watch(tracked: TrackedFrame) -> None:
        if tracked.frame.index == index:
            stop.set()

    return stop, watch


def test_summary_and_results(tmp_path: Path) -> None:
    sinks = sinks_of(tmp_path, "walk")
    seen: list[int] = []
    summary = track_source(
        Pictures(), FakeDetector(two_people), sinks, watch=lambda each: seen.append(each.frame.index)
    )
    assert seen == list(range(1, COUNT + 1))
    assert (summary.frames, summary.boxes, summary.ids) == (COUNT, 2 * COUNT, 2)
    assert summary.frames_per_second == pytest.approx(COUNT / summary.seconds)
    stages = {"decode", "letterbox", "infer", "wait", "associate", "render/encode"}
    assert summary.milliseconds.keys() == stages
    assert names(tmp_path) == {"walk.txt", "walk.mp4"}
    assert read_results(tmp_path / "walk.txt").frames.tolist() == [n for n in seen for _ in range(2)]
    with open_source(str(tmp_path / "walk.mp4")) as source:
        assert sum(1 for _ in source) == COUNT


def test_settings_reach_the_tracker() -> None:
    summary = track_source(Pictures(), FakeDetector(two_people), [], config=OverlapReidConfig(conf_thres=0.95))
    assert (summary.frames, summary.boxes, summary.ids) == (COUNT, 0, 0)


def test_detector_is_left_open_and_ids_begin_anew_with_each_video(tmp_path: Path) -> None:
    detector = FakeDetector(two_people)
    for name in ("first", "second"):
        track_source(Pictures(), detector, sinks_of(tmp_path, name, video=False))
    assert (tmp_path / "first.txt").read_text() == (tmp_path / "second.txt").read_text()


def test_stopped_file_keeps_its_frames_as_partial(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sinks = sinks_of(tmp_path, "walk")
    stop, watch = stop_at(7)
    with pytest.raises(JobStoppedError, match="pictures: stopped after 7 frames"):
        track_source(Pictures(), FakeDetector(two_people), sinks, stop=stop, watch=watch)
    assert names(tmp_path) == {"walk.partial.txt", "walk.partial.mp4"}
    assert read_results(tmp_path / "walk.partial.txt").frames.max() == 7
    assert f"{tmp_path}/walk.partial.txt: kept the 7 frames that were finished" in caplog.text


def test_stopping_a_live_source_is_its_good_end(tmp_path: Path) -> None:
    sinks = sinks_of(tmp_path, "door")
    stop, watch = stop_at(7)
    summary = track_source(Pictures(live=True), FakeDetector(two_people), sinks, stop=stop, watch=watch)
    assert summary.frames == 7
    assert names(tmp_path) == {"door.txt", "door.mp4"}
    assert read_results(tmp_path / "door.txt").frames.max() == 7


@pytest.mark.parametrize("kept", [0, 5])
def test_source_that_fails_keeps_what_came_before(tmp_path: Path, kept: int) -> None:
    sinks = sinks_of(tmp_path, "walk")
    with pytest.raises(VideoError, match="gone"):
        track_source(Pictures(kept, error=VideoError("gone")), FakeDetector(two_people), sinks)
    assert names(tmp_path) == ({"walk.partial.txt", "walk.partial.mp4"} if kept else set())


def test_detector_that_fails_keeps_what_came_before(tmp_path: Path) -> None:
    answers = iter(range(COUNT))

    def answer(frame: Frame) -> Detections:
        if next(answers) == 8:
            raise DetectorError("no answer")
        return two_people(frame)

    with pytest.raises(DetectorError, match="no answer"):
        track_source(Pictures(), FakeDetector(answer), sinks_of(tmp_path, "walk"))
    assert read_results(tmp_path / "walk.partial.txt").frames.max() == 8


def test_result_that_would_replace_its_input_is_refused(tmp_path: Path) -> None:
    path = make_video(tmp_path / "walk.mp4", [numbered_image(1)])
    with pytest.raises(SinkError, match=rf"{path}: the result would replace its own input; choose another"):
        sinks_of(tmp_path, "walk", input=str(path))
    assert len(sinks_of(tmp_path, "walk", input=str(path), video=False)) == 1
    assert len(sinks_of(tmp_path, "other", input=str(path))) == 2
