"""The pipeline's order, bounds and failures, with detectors that answer when and how the test wants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from client.detection.detector import FakeDetector
from client.detection.errors import DetectorError
from client.pipeline.stages import Stages
from client.pipeline.track import track
from client.video.source import VideoError
from mot.detections import Detections, Tracks
from mot.frame import Frame


def shade(frame: Frame) -> Detections:
    """One person whose box is (0, 0, 64, v), v being the brightest pixel."""
    return Detections(
        boxes=np.array([[0, 0, 64, frame.image.max()]], np.float32),
        scores=np.array([0.9], np.float32),
        embeddings=np.ones((1, 4), np.float32) / 2,
    )


def frames(count: int, height: int = 32, width: int = 64) -> Iterator[Frame]:
    for index in range(1, count + 1):
        yield Frame(index=index, image=np.full((height, width, 3), index, np.uint8), time=index / 10)


class Echo:
    """Tracks whatever is detected, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Detections] = []

    def update(self, detections: Detections, **_: object) -> Tracks:
        self.given.append(detections)
        rows = np.arange(len(detections))
        return Tracks(ids=rows + 1, boxes=detections.boxes, scores=detections.scores, detections=rows)


class Shuffling:
    """Answers the first of each four frames last; counts what is under way."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(8)
        self._submitted = 0
        self.most = 0
        self._open: list[Future[Detections]] = []

    def submit(self, frame: Frame) -> Future[Detections]:
        self._submitted += 1
        future = self._pool.submit(self._answer, frame, 0.02 if self._submitted % 4 == 1 else 0.0)
        self._open = [each for each in self._open if not each.done()] + [future]
        self.most = max(self.most, len(self._open))
        return future

    def close(self) -> None:
        self._pool.shutdown()

    @staticmethod
    def _answer(frame: Frame, seconds: float) -> Detections:
        time.sleep(seconds)
        return shade(frame)


class Silent:
    """Never answers."""

    def __init__(self) -> None:
        self.answers: list[Future[Detections]] = []

    def submit(self, frame: Frame) -> Future[Detections]:
        self.answers.append(Future())
        return self.answers[-1]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("in_flight", [1, 2, 8])
def test_order_is_kept_and_flight_is_bounded(in_flight: int) -> None:
    detector = Shuffling()
    tracked = list(track(frames(40), detector, Echo(), in_flight=in_flight))
    detector.close()
    assert [each.frame.index for each in tracked] == list(range(1, 41))
    assert [each.tracks.boxes[0, 3] for each in tracked] == list(range(1, 41))
    assert detector.most <= in_flight


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_frames_than_in_flight(count: int) -> None:
    tracked = list(track(frames(count), FakeDetector(shade), Echo(), in_flight=8))
    assert [each.frame.index for each in tracked] == list(range(1, count + 1))


def test_source_is_not_read_ahead() -> None:
    read = 0

    def counted() -> Iterator[Frame]:
        nonlocal read
        for frame in frames(100):
            read += 1
            yield frame

    tracked = track(counted(), FakeDetector(shade), Echo(), in_flight=4)
    next(tracked)
    assert read == 5


def test_frame_without_people() -> None:
    detector = FakeDetector(lambda frame: Detections.empty(4))
    (only,) = track(frames(1), detector, Echo())
    assert len(only.tracks) == 0


@pytest.mark.parametrize("broken", [1, 2, 6, 10])
def test_detector_failure_keeps_the_frames_before_it(broken: int) -> None:
    def answer(frame: Frame) -> Detections:
        if frame.index == broken:
            raise DetectorError("the server is gone")
        return shade(frame)

    tracked = track(frames(10), FakeDetector(answer), Echo(), in_flight=3)
    seen = []
    with pytest.raises(DetectorError, match="the server is gone"):
        for each in tracked:
            seen.append(each.frame.index)
    assert seen == list(range(1, broken))


def test_source_failure_keeps_the_frames_before_it() -> None:
    def cut() -> Iterator[Frame]:
        yield from frames(5)
        raise VideoError("the file ends in the middle")

    seen = []
    with pytest.raises(VideoError, match="ends in the middle"):
        for each in track(cut(), FakeDetector(shade), Echo(), in_flight=4):
            seen.append(each.frame.index)
    assert seen == [1, 2, 3, 4, 5]


def test_failure_cancels_what_is_under_way() -> None:
    detector = Silent()
    tracked = track(frames(10), detector, Echo(), in_flight=3)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(next, tracked)
        while len(detector.answers) < 3:
            time.sleep(0.001)
        detector.answers[0].set_exception(DetectorError("gone"))
        with pytest.raises(DetectorError):
            running.result()
    assert [answer.cancelled() for answer in detector.answers] == [False, True, True]


def test_closing_cancels_what_is_under_way() -> None:
    detector = Silent()
    tracked = track(frames(10), detector, Echo(), in_flight=3)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(next, tracked)
        while len(detector.answers) < 3:
            time.sleep(0.001)
        detector.answers[0].set_result(Detections.empty(4))
        assert running.result().frame.index == 1
    tracked.close()
    assert all(answer.cancelled() for answer in detector.answers[1:])


def test_in_flight_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="in_flight must be at least 1, not 0"):
        track(frames(1), FakeDetector(shade), Echo(), in_flight=0)


def test_stages_tell_where_time_goes() -> None:
    stages = Stages()
    detector = Shuffling()
    begun = time.perf_counter()
    list(track(frames(12), detector, Echo(), in_flight=2, stages=stages))
    elapsed = time.perf_counter() - begun
    detector.close()
    assert stages.frames == 12
    assert set(stages.seconds) == {"decode", "letterbox", "infer", "wait", "associate"}
    assert stages.seconds["infer"] >= 3 * 0.02
    assert sum(seconds for stage, seconds in stages.seconds.items() if stage != "infer") <= elapsed
    assert stages.milliseconds()["infer"] == pytest.approx(1000 * stages.seconds["infer"] / 12)


def test_stages_of_nothing() -> None:
    assert Stages().milliseconds() == {}


def test_stopping_ends_it_between_two_frames() -> None:
    stop, seen = Event(), []
    for each in track(frames(100), FakeDetector(shade), Echo(), in_flight=4, stop=stop):
        seen.append(each.frame.index)
        if each.frame.index == 7:
            stop.set()
    assert seen == list(range(1, 8))


def test_stopping_does_not_wait_for_a_detector_that_is_silent() -> None:
    detector, stop = Silent(), Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(list, track(frames(10), detector, Echo(), in_flight=3, stop=stop))
        while len(detector.answers) < 3:
            time.sleep(0.001)
        stop.set()
        assert running.result(timeout=5) == []
    assert all(answer.cancelled() for answer in detector.answers[1:])


class InTheLastMoment(Future[Detections]):
    """Comes just as whoever waits for it looks whether to stop."""

    def __init__(self, found: Detections | Exception) -> None:
        super().__init__()
        self._found = found

    def result(self, timeout: float | None = None) -> Detections:
        if self.done():
            return super().result(timeout)
        if isinstance(self._found, Exception):
            self.set_exception(self._found)
        else:
            self.set_result(self._found)
        raise TimeoutError


class Late:
    def __init__(self, failing: int = 0) -> None:
        self._failing = failing

    def submit(self, frame: Frame) -> Future[Detections]:
        return InTheLastMoment(TimeoutError("its own") if frame.index == self._failing else shade(frame))


def test_an_answer_that_comes_in_the_last_moment_counts() -> None:
    """A video used to end there with TimeoutError."""
    assert [each.frame.index for each in track(frames(9), Late(), Echo(), in_flight=3)] == list(range(1, 10))
    with pytest.raises(TimeoutError, match="its own"):
        list(track(frames(9), Late(failing=5), Echo(), in_flight=3))
