"""The newest frames of a camera: read in a thread of their own, so that whoever is too slow gets less, not later."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from threading import Condition, Event, Thread

from client.live.state import CameraState
from client.log_lines import about
from client.video.open import open_source
from client.video.source import Source, VideoError
from client.video.stream import Link, Loss, NetworkStream, Patience
from mot.frame import Frame

_LIVE_SCHEMES = ("rtsp", "rtmp")  # they send in real time, also what has a known end
_TELL_EVERY_S = 10.0
_LOOK_EVERY_S = 0.25
_TICK = 1e-6  # seconds; each frame is later than the one before

log = logging.getLogger(__name__)

Open = Callable[[str, Patience, Link], Source]


@dataclass(frozen=True, kw_only=True)
class ArrivedFrame(Frame):
    """A frame, and when it came."""

    wall: float  # seconds since 1970, by this machine's clock


class _StopError(Exception):
    """Nobody wants more frames."""


def _open(address: str, patience: Patience, link: Link) -> Source:
    return open_source(address, patience=patience, link=link)


class NewestFrames(Source):
    """What a camera sends, as a source of its own.

    At most ``waiting`` frames wait; of a live source the oldest goes when another comes, which is counted and told.
    A source that can wait (a file) is not read ahead of whoever tracks it. Times and numbers are the source's, so
    that frames left out are known by their numbers, and the time between the others is the real one.

    A stream that cannot be opened, or a live device that is lost, is opened again as a lost stream is.
    """

    def __init__(
        self, address: str, state: CameraState, patience: Patience, *, waiting: int, open: Open = _open
    ) -> None:
        self._address, self._state, self._patience, self._most, self._open = address, state, patience, waiting, open
        self._frames: deque[ArrivedFrame] = deque()
        self._changed = Condition()
        self._stopping = Event()
        self._over = False
        self._begun = 0.0  # when the first frame came, seconds since 1970
        self._untold, self._told = 0, time.monotonic()  # frames dropped since the last word of it
        self._thread = Thread(target=self._run, name=f"read-{state.name}", daemon=True)
        self.failure: BaseException | None = None
        self.paced = False  # whether frames come in real time
        self.live, self.frame_count, self.name, self.frame_rate = True, None, state.name, 0.0

    def start(self) -> bool:
        """Begin to read; wait for the first frame. False where none will come."""
        self._thread.start()
        with self._changed:
            while not self._frames and not self._over:
                self._changed.wait(_LOOK_EVERY_S)
            return bool(self._frames)

    @property
    def stopped(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Read no more; frames that wait are still given."""
        self._stopping.set()
        self._finish()

    def __iter__(self) -> Iterator[Frame]:
        """Frames until the source's end, or until it is stopped or fails: then :attr:`failure` says how."""
        while True:
            with self._changed:
                while not self._frames and not self._over:
                    self._changed.wait(_LOOK_EVERY_S)
                if not self._frames:
                    return
                frame = self._frames.popleft()
                self._changed.notify_all()
            yield frame

    def close(self) -> None:
        """Stop; a source that is silent may take until its read timeout, and is left to itself."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_LOOK_EVERY_S * 4)

    def _finish(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            with about(job=self.name):
                self._read()
        except _StopError:
            pass
        except BaseException as error:  # noqa: BLE001  # handed to the thread that tracks
            self.failure = error
        finally:
            self._tell_dropped(now=True)
            self._finish()

    def _read(self) -> None:
        link = _StateLink(self._state, self._stopping)
        loss = Loss(self._patience)
        loss.begin()
        index, seconds, begun = 0, 0.0, 0.0  # number and time of the last frame; moment of the first
        while True:
            device = False
            try:
                with closing(self._open(self._address, self._patience, link)) as source:
                    device = source.live and not isinstance(source, NetworkStream)
                    self.frame_rate = self.frame_rate or source.frame_rate
                    # A device that comes back counts from 1 again, and time has gone on.
                    first, shift = index, time.monotonic() - begun if index else 0.0
                    for frame in source:
                        if not index:
                            begun = time.monotonic() - frame.time
                            self._state.measured(frame.image.shape[1], frame.image.shape[0], source.frame_rate)
                        if loss.over():
                            link.back()
                        index, seconds = first + frame.index, max(seconds + _TICK, shift + frame.time)
                        self._put(frame, index, seconds, source)
                return
            except VideoError as error:
                # A stream that was open has been tried again by itself.
                pause = loss.pause() if device or (not index and "://" in self._address) else None
                if pause is None:
                    raise
                log.warning("%s: %s; trying again", self._state.name, error)
                link.lost(str(error))
                link.wait(pause)

    def _put(self, frame: Frame, index: int, seconds: float, source: Source) -> None:
        """Let a frame wait, in the place of the oldest where there is none left.

        Raises:
            _StopError: nobody wants it.
        """
        paced = self.paced = source.live or self._address.lower().startswith(_LIVE_SCHEMES)
        now = time.time()
        self._begun = self._begun or now - seconds
        arrived = ArrivedFrame(
            index=index,
            image=frame.image,
            time=seconds,
            pixel_aspect=frame.pixel_aspect,
            wall=now if paced else self._begun + seconds,
        )
        with self._changed:
            while not paced and len(self._frames) == self._most and not self._stopping.is_set():
                self._changed.wait(_LOOK_EVERY_S)
            if self._stopping.is_set():
                raise _StopError
            if len(self._frames) == self._most:
                self._frames.popleft()
                self._state.dropped()
                self._untold += 1
            self._frames.append(arrived)
            self._changed.notify_all()
        self._tell_dropped()

    def _tell_dropped(self, *, now: bool = False) -> None:
        passed = time.monotonic() - self._told
        if not now and passed < _TELL_EVERY_S:
            return
        if self._untold:
            log.warning(
                "%s: the oldest %d waiting frames of the last %.0f s are left out, as they come faster than they are "
                "tracked",
                *(self._state.name, self._untold, passed),
            )
        self._untold, self._told = 0, time.monotonic()


class _StateLink(Link):
    """Notes a camera's losses, and waits no longer than anybody wants its frames."""

    def __init__(self, state: CameraState, stopping: Event) -> None:
        self._state, self._stopping = state, stopping

    def lost(self, cause: str) -> None:
        self._state.become("reconnecting" if self._state.was_live else "connecting", cause)

    def back(self) -> None:
        self._state.become("live")

    def wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _StopError
