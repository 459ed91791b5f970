"""The network on a server, with a transport that follows a script: no server, no network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import closing
from itertools import chain, count, repeat

import numpy as np
import pytest

from client.detection import triton
from client.detection.connect import WireProtocol
from client.detection.errors import DetectorError, ModelChangedError
from client.detection.outage import Outage
from client.detection.transport import (
    Arrays,
    Image,
    OverloadedError,
    ServedModel,
    Transport,
    UnavailableError,
    arrays,
)
from client.detection.triton import TritonDetector
from client.serving.errors import ServerError
from mot.contract import ContractError
from tests.media import frame_of
from tests.tiny_model import TINY, expected, images

ADDRESS = "grpc://somewhere:8001"
Answer = Callable[[Image, float], Arrays]


def compute(image: Image, timeout_s: float = 0) -> Arrays:
    """What the tiny model answers."""
    rows = expected(image[0])
    embeddings = np.zeros((1, TINY.top_k, TINY.embedding_dim), np.float32)
    return [rows.boxes[None], rows.scores[None], embeddings]


def away(image: Image, timeout_s: float = 0) -> Arrays:
    raise UnavailableError(f"{ADDRESS}: connection refused")


def full(image: Image, timeout_s: float = 0) -> Arrays:
    raise OverloadedError(f"{ADDRESS}: Exceeds maximum queue size")


def broken(image: Image, timeout_s: float = 0) -> Arrays:
    raise DetectorError(f"{ADDRESS}: the model failed")


class Scripted(Transport):
    """Gives each call the next answer of a script, then the last one for ever."""

    def __init__(self, *script: Answer, metadata: dict[str, str] | None = None) -> None:
        self._script = list(script) or [compute]
        self.metadata = TINY.to_metadata() if metadata is None else metadata
        self.described = 0
        self._lock = threading.Lock()
        self.calls: list[float] = []  # when
        self.timeouts: list[float] = []
        self.closed = threading.Event()
        self.computed: Callable[[], int] = lambda: 0  # images, for anybody

    def answered(self, model: str, timeout_s: float) -> int:
        return self.computed()

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        self.described += 1

        def shapes(tensors: object) -> dict[str, tuple[str, tuple[int, ...]]]:
            return {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}  # type: ignore[attr-defined]

        return ServedModel(inputs=shapes(TINY.inputs), outputs=shapes(TINY.outputs), parameters=self.metadata)

    def infer(self, model: str, image: tuple[str, Image], outputs: list[str], timeout_s: float) -> Arrays:
        with self._lock:
            self.calls.append(time.monotonic())
            self.timeouts.append(timeout_s)
            answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        assert outputs == ["boxes", "scores", "embeddings"] and image[0] == "image"
        return answer(image[1], timeout_s)

    def close(self) -> None:
        self.closed.set()

    def connect(self, url: str, protocol: WireProtocol) -> tuple[Transport, str]:
        return self, ADDRESS


def boxes_are_of(image: Image, boxes: object) -> None:
    np.testing.assert_allclose(boxes, expected(image).boxes, rtol=1e-5)


def test_a_call_that_is_not_answered_is_repeated_with_growing_pauses() -> None:
    transport = Scripted(away, away, away, compute)
    detector = TritonDetector("somewhere", connect=transport.connect, in_flight=1)
    (image,) = images(1)
    boxes_are_of(image, detector.infer(image).boxes)
    pauses = np.diff(transport.calls)
    assert len(pauses) == 3
    for pause, longest in zip(pauses, (0.1, 0.2, 0.4), strict=True):  # half of each is random
        assert longest / 2 <= pause < longest + 5
    detector.close()


def test_an_answer_that_lacks_an_output_is_none() -> None:
    """Of a server whose model process has just died; that the model has all of them was asked at the beginning."""

    def half(image: Image, timeout_s: float) -> Arrays:
        whole = dict(zip(("boxes", "scores", "embeddings"), compute(image), strict=True))
        return arrays(lambda name: whole[name] if name == "boxes" else None, list(whole), ADDRESS)

    image = images(1)[0]
    transport = Scripted(half, compute)
    with closing(TritonDetector("somewhere", connect=transport.connect)) as detector:
        np.testing.assert_allclose(detector.infer(image).boxes, expected(image).boxes, rtol=1e-6)
    assert len(transport.calls) == 2
    said = r"not answered for 0.2 s: .*the answer lacks scores, embeddings"
    with (
        closing(TritonDetector("somewhere", retry_for_s=0.2, connect=Scripted(half).connect)) as detector,
        pytest.raises(DetectorError, match=said),
    ):
        detector.infer(image)


def test_each_call_has_the_deadline() -> None:
    transport = Scripted(away, compute)
    detector = TritonDetector("somewhere", connect=transport.connect, deadline_s=1.5)
    detector.infer(images(1)[0])
    assert transport.timeouts == [1.5, 1.5]
    detector.close()


@pytest.mark.parametrize("retry_for_s", [0, 0.5])
def test_it_gives_up_when_the_time_is_over(retry_for_s: float) -> None:
    transport = Scripted(away)
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=retry_for_s)
    begun = time.monotonic()
    with pytest.raises(DetectorError, match=rf"at {ADDRESS} has not answered for {retry_for_s:g} s: .*refused"):
        detector.infer(images(1)[0])
    assert retry_for_s <= time.monotonic() - begun < retry_for_s + 10
    assert transport.calls[-1] - transport.calls[0] >= retry_for_s  # the last try is at the very end
    detector.close()


def test_the_clock_begins_anew_with_each_frame() -> None:
    (image,) = images(1)
    transport = Scripted(*[away, away, compute] * 8)
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=1.1)
    for _ in range(8):
        boxes_are_of(image, detector.infer(image).boxes)
    assert len(transport.calls) == 24
    assert transport.calls[-1] - transport.calls[0] > 1.1
    detector.close()


def test_a_full_queue_is_waited_for_while_it_moves() -> None:
    transport = Scripted(*[full] * 6, compute)
    transport.computed = count().__next__
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=0)
    boxes_are_of(images(1)[0], detector.submit(frame_of(images(1)[0])).result(60).boxes)
    assert len(transport.calls) == 7
    detector.close()


def test_a_full_queue_that_nothing_leaves_is_given_up() -> None:
    transport = Scripted(full)
    transport.computed = chain([5, 6], repeat(7)).__next__
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=0)
    with pytest.raises(DetectorError, match=r"has not answered for 0 s: .*Exceeds maximum queue size"):
        detector.submit(frame_of(images(1)[0])).result(60)
    assert len(transport.calls) == 4
    detector.close()


def test_a_full_queue_of_a_server_without_statistics_is_given_up() -> None:
    def unknown() -> int:
        raise DetectorError("restricted")

    transport = Scripted(full)
    transport.computed = unknown
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=0)
    with pytest.raises(DetectorError, match="Exceeds maximum queue size"):
        detector.submit(frame_of(images(1)[0])).result(60)
    detector.close()


def test_other_errors_are_final() -> None:
    transport = Scripted(broken)
    detector = TritonDetector("somewhere", connect=transport.connect)
    with pytest.raises(DetectorError, match="the model failed"):
        detector.infer(images(1)[0])
    assert len(transport.calls) == 1
    detector.close()


def cut(image: Image, timeout_s: float = 0) -> Arrays:
    boxes, scores, embeddings = compute(image)
    return [boxes[:, :-1], scores, embeddings]


def unbatched(image: Image, timeout_s: float = 0) -> Arrays:
    return [array[0] for array in compute(image)]


def empty(image: Image, timeout_s: float = 0) -> Arrays:
    return [array[:0] for array in compute(image)]


def of_another_type(image: Image, timeout_s: float = 0) -> Arrays:
    return [compute(image)[0].astype(object), *compute(image)[1:]]


def with_rows_too_few(image: Image, timeout_s: float = 0) -> Arrays:
    return [array[:, :3] for array in compute(image)]


@pytest.mark.parametrize("answer", [cut, unbatched, empty, of_another_type, with_rows_too_few])
def test_an_answer_of_another_shape_is_an_error_with_the_server_s_name(answer: Answer) -> None:
    transport = Scripted(answer)
    detector = TritonDetector("x", connect=transport.connect, retry_for_s=5)
    with pytest.raises(DetectorError, match=rf"{ADDRESS}, model 'fairmot': an answer is not as the model is described"):
        detector.submit(frame_of(images(1)[0])).result()
    detector.close()


def test_answers_that_come_in_another_order_belong_to_their_frames() -> None:
    batch = images(12)

    def later_ones_sooner(image: Image, timeout_s: float) -> Arrays:
        place = next(place for place, each in enumerate(batch) if np.array_equal(each, image[0]))
        time.sleep(0.005 * (len(batch) - place))
        return compute(image)

    detector = TritonDetector("somewhere", connect=Scripted(later_ones_sooner).connect, in_flight=12)
    ended: list[int] = []
    answers = [detector.submit(frame_of(image)) for image in batch]
    for place, answer in enumerate(answers):
        answer.add_done_callback(lambda _, place=place: ended.append(place))
    for image, answer in zip(batch, answers, strict=True):
        boxes_are_of(image, answer.result(5).boxes)
    assert ended != sorted(ended)  # so that there was something to keep apart
    detector.close()


def test_closing_ends_the_waiting_and_cancels_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "_FIRST_PAUSE_S", 60.0)
    transport = Scripted(away)
    detector = TritonDetector("somewhere", connect=transport.connect, in_flight=2)
    answers = [detector.submit(frame_of(image)) for image in images(6)]
    while len(transport.calls) < 2:
        time.sleep(0.01)
    begun = time.monotonic()
    detector.close()
    assert time.monotonic() - begun < 20 and transport.closed.is_set()
    for answer in answers:
        with pytest.raises((UnavailableError, CancelledError)):
            answer.result(0)


def test_closing_breaks_off_calls_under_way() -> None:
    transport = Scripted()

    def until_closed(image: Image, timeout_s: float) -> Arrays:
        assert transport.closed.wait(10)
        raise UnavailableError("closed")

    transport._script = [until_closed]
    detector = TritonDetector("somewhere", connect=transport.connect, in_flight=1)
    answer = detector.submit(frame_of(images(1)[0]))
    while not transport.calls:
        time.sleep(0.01)
    begun = time.monotonic()
    detector.close()
    assert time.monotonic() - begun < 5
    with pytest.raises(UnavailableError):
        answer.result(0)


def test_a_server_that_is_being_mended_is_waited_for_without_a_clock() -> None:
    transport = Scripted(*[away] * 5, compute)
    detector = TritonDetector("somewhere", connect=transport.connect, retry_for_s=0, being_mended=lambda: True)
    (image,) = images(1)
    boxes_are_of(image, detector.infer(image).boxes)
    detector.close()


def test_a_server_that_has_just_died_is_waited_for_until_that_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "_DIES_WITHIN_S", 60)
    transport, answers = Scripted(*[away] * 3, compute), iter([False, False, True])
    detector = TritonDetector("x", connect=transport.connect, retry_for_s=0, being_mended=lambda: next(answers))
    (image,) = images(1)
    boxes_are_of(image, detector.infer(image).boxes)
    detector.close()


def test_a_server_that_cannot_be_mended_ends_the_waiting() -> None:
    def given_up() -> bool:
        raise ServerError("five restarts have not helped")

    detector = TritonDetector("somewhere", connect=Scripted(away).connect, being_mended=given_up)
    with pytest.raises(ServerError, match="five restarts"):
        detector.infer(images(1)[0])
    detector.close()


def test_whoever_waits_is_told_how_long_and_when_it_is_over() -> None:
    told: list[Outage] = []
    begun = time.monotonic()

    def away_for_a_while(image: Image, timeout_s: float) -> Arrays:
        return away(image) if time.monotonic() - begun < 2.7 else compute(image)

    detector = TritonDetector("somewhere", connect=Scripted(away_for_a_while).connect, retry_for_s=60, tell=told.append)
    detector.infer(images(1)[0])
    detector.close()
    assert len(told) >= 3 and [outage.over for outage in told] == [False] * (len(told) - 1) + [True]
    assert str(told[0]) == f"server away, waiting {told[0].seconds:.0f} of 60 s ({ADDRESS})"
    assert 1 <= told[0].seconds < told[1].seconds
    assert str(told[-1]) == f"the server at {ADDRESS} is back after {told[-1].seconds:.0f} s"


def test_a_call_that_fails_once_is_not_worth_a_word() -> None:
    told: list[Outage] = []
    detector = TritonDetector("somewhere", connect=Scripted(away, compute).connect, tell=told.append)
    detector.infer(images(1)[0])
    time.sleep(0.7)
    detector.close()
    assert told == []


def test_a_server_that_says_nothing_is_told_of_before_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.detection.outage._SLOW_AFTER_S", 0.6)
    told: list[Outage] = []

    def slow(image: Image, timeout_s: float) -> Arrays:
        time.sleep(1.5)
        return compute(image)

    detector = TritonDetector("somewhere", connect=Scripted(slow).connect, tell=told.append)
    detector.infer(images(1)[0])
    detector.close()
    assert str(told[0]) == f"no answer from the server at {ADDRESS} for 1 s" and told[-1].over


def test_a_model_of_another_contract_is_refused_and_the_connection_closed() -> None:
    transport = Scripted(metadata=TINY.to_metadata() | {"mot.version": "99"})
    with pytest.raises(ContractError, match=rf"{ADDRESS}, model 'people': contract version 99"):
        TritonDetector("somewhere", model="people", connect=transport.connect)
    assert transport.closed.is_set()


def test_a_server_that_comes_back_is_asked_once_for_its_model() -> None:
    transport = Scripted(compute, away, away, compute)
    detector = TritonDetector("somewhere", connect=transport.connect)
    for image in images(4):
        boxes_are_of(image, detector.infer(image).boxes)
    assert transport.described == 2
    detector.close()


def test_no_answer_of_a_server_that_comes_back_with_another_model() -> None:
    transport = Scripted(compute, away, compute)
    detector = TritonDetector("somewhere", connect=transport.connect)
    (image,) = images(1)
    detector.infer(image)
    transport.metadata = TINY.to_metadata() | {"mot.recipe": "longer"}
    for _ in range(2):
        with pytest.raises(ModelChangedError, match=rf"^{ADDRESS}, model 'fairmot': .* \(recipe none -> longer\); "):
            detector.infer(image)
    detector.close()
