"""The clients of load.py: streams of frames in a process of their own, against servers or in this process."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Thread

import numpy as np

from client.detection.access import Access
from client.detection.connect import WireProtocol, connect_directly
from client.detection.detector import LetterboxDetector
from client.detection.grpc_transport import GrpcTransport
from client.detection.sharing import Wanted
from client.detection.transport import Transport
from client.detection.triton import TritonDetector
from client.metrics import RETRIES
from client.serving.network import NetworkConfig, open_network
from mot.detections import Detections
from mot.errors import MotError
from mot.frame import Frame


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the network is."""

    url: str | None = None  # a server's, or a name of several; None: in this process
    headers: tuple[tuple[str, str], ...] = ()
    shared_memory: Wanted = "off"
    names: int | None = None  # port of the name server on loopback that knows the name
    port: int = 0  # of the servers behind it
    model_repository: Path = Path()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the streams of a process did while all of them ran."""

    seconds: float
    latencies: list[float] = field(repr=False)  # of the frames that were answered, s, from submission on
    # From the first stream's start to the last one's end:
    rejected: int  # calls that were not answered, and repeated
    lost: int  # frames without an answer for good
    megabytes: float  # resident, at the end

    @property
    def frames_per_second(self) -> float:
        return len(self.latencies) / self.seconds


class Streams:
    """A process with clients of a target."""

    def __init__(self, target: Target, images: list[np.ndarray], in_flight: int) -> None:
        """``images``: (1, H, W, 3) each, as the network takes them; ``in_flight``: frames of a stream."""
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(target, images, in_flight)
        )

    def measure(self, streams: int, seconds: float) -> Measured:
        """Let so many streams run for a while, and count in the last so many seconds."""
        return self._pool.submit(_measure, streams, seconds).result()

    def close(self) -> None:
        self._pool.shutdown()


def resident(pid: int | str) -> float:
    """MB of memory that a process has now, with what it shares; 0 where it is gone."""
    try:
        pages = int(Path("/proc", str(pid), "statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


_given: list[tuple[Target, list[np.ndarray], int]] = []  # one, in the process of the clients


def _begin(target: Target, images: list[np.ndarray], in_flight: int) -> None:
    _given.append((target, [image[0] for image in images], in_flight))


def _measure(streams: int, seconds: float) -> Measured:
    ((target, images, in_flight),) = _given
    answers: list[tuple[float, float]] = []  # when, and how long after its submission
    lost: list[BaseException] = []
    stop = Event()
    before = RETRIES._value.get()
    with _detector(target, in_flight, streams) as detector:
        threads = [
            Thread(target=_stream, args=(detector, images[number::streams], in_flight, stop, answers, lost))
            for number in range(streams)
        ]
        for thread in threads:
            thread.start()
        _run_up(answers, lost, in_flight * streams)
        begun = time.perf_counter()
        time.sleep(seconds)
        ended = time.perf_counter()
        megabytes = resident("self")
        stop.set()
        for thread in threads:
            thread.join()
    for error in lost[:1]:
        print(f"lost: {error}")
    return Measured(
        seconds=ended - begun,
        latencies=[latency for when, latency in answers if begun < when <= ended],
        rejected=int(RETRIES._value.get() - before),
        lost=len(lost),
        megabytes=megabytes,
    )


def _run_up(answers: list[tuple[float, float]], lost: list[BaseException], frames: int) -> None:
    """Until as many frames are through as are in the network at a time: then the streams are in step with it."""
    while len(answers) + len(lost) < frames:
        time.sleep(0.01)


@contextmanager
def _detector(target: Target, in_flight: int, streams: int) -> Iterator[LetterboxDetector]:
    with ExitStack() as stack:
        if target.url is None:
            config = NetworkConfig(kind="local", model_repository=target.model_repository)
            yield stack.enter_context(open_network(config)).detector
            return

        def connect(url: str, protocol: WireProtocol) -> tuple[Transport, str]:
            return GrpcTransport(f"dns://127.0.0.1:{target.names}/{url}", target.port), url

        detector = TritonDetector(
            target.url,
            in_flight=in_flight * streams,
            connect=connect if target.names else partial(connect_directly, access=Access(headers=target.headers)),
            shared_memory=target.shared_memory,
        )
        stack.callback(detector.close)
        yield detector


def _stream(
    detector: LetterboxDetector,
    images: list[np.ndarray],
    in_flight: int,
    stop: Event,
    answers: list[tuple[float, float]],
    lost: list[BaseException],
) -> None:
    """As the pipeline does: so many frames in the network, answers in the order of the frames."""

    def note(begun: float, answer: Future[Detections]) -> None:
        now = time.perf_counter()
        if (error := answer.exception()) is None:
            answers.append((now, now - begun))
        else:
            lost.append(error)

    pending: deque[Future[Detections]] = deque()
    for index in count(1):
        if stop.is_set() or len(pending) == in_flight:
            if not pending:
                return
            _wait(pending.popleft())
        if not stop.is_set():
            begun = time.perf_counter()
            answer = detector.submit(Frame(index=index, image=images[index % len(images)], time=index / 25))
            answer.add_done_callback(partial(note, begun))
            pending.append(answer)


def _wait(answer: Future[Detections]) -> None:
    with suppress(MotError):  # it has been noted
        answer.result()
