"""Frames from a network stream."""

from __future__ import annotations

import errno
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from client.video.container import open_container
from client.video.damage import is_cut, warn_of_broken, warn_of_missing
from client.video.decode import Decoding, Numbering, open_sound
from client.video.packets import OF_STREAM
from client.video.sound import Sound
from client.video.source import Source, VideoError, Window
from mot.frame import Frame

SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "rtsps"})
_VAGUE_END = 1.0  # seconds before the end that an RTSP server has announced

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a stream, and for one that was lost to come back."""

    open_timeout: float = 10.0  # seconds, until the stream's header
    read_timeout: float = 10.0  # seconds without data
    retry_for: float = 60.0  # seconds without a frame in which a lost stream is opened again
    pause: float = 1.0  # seconds before the second attempt; doubles each time
    longest_pause: float = 5.0  # seconds


class Link:
    """Told of a stream's losses, in the thread that reads it; does nothing unless a subclass does."""

    def lost(self, cause: str) -> None:
        """Nothing comes any more, or it could not be opened again."""

    def back(self) -> None:
        """The first frame has come since."""

    def wait(self, seconds: float) -> None:
        """Wait before the next attempt; what it raises ends the iteration."""
        time.sleep(seconds)


class NetworkStream(Source):
    """A stream by RTSP, RTMP or HTTP. Lost connections are opened again; frame numbers go on.

    An end that the source did not announce is a loss. Announced ends: the end of a known duration, of a body of
    known length, of a playlist that says so. A body that only stops is opened again; if it begins as before, it is
    read on from where it stopped, and where it stops there again, that was its end.
    """

    def __init__(self, url: str, window: Window, patience: Patience | None = None, link: Link | None = None) -> None:
        self._url = url
        self._window = window
        self._patience, self._link = patience or Patience(), link or Link()
        self._shown = without_credentials(url)
        try:
            self._container, self._decoding = self._connect()
        except av.FFmpegError as error:
            raise VideoError(
                f"{self._shown}: cannot be opened: {_cause(error)}; check the address and that the stream is running"
            ) from error
        self._by_http = url.lower().startswith("http")
        self.live = self._container.duration is None
        self.name = stream_name(url)
        self.frame_rate = self._decoding.frame_rate
        announced = None if self.live else self._decoding.announced
        self.frame_count = None if announced is None else window.count(announced)
        self.sound: Sound | None = open_sound(self._container, self._decoding, self._shown, live=self.live)

    def __iter__(self) -> Iterator[Frame]:
        numbering = Numbering(self._window, self._shown)
        yield from numbering.frames(self._pictures(), self._pixel_aspect)

    def close(self) -> None:
        self._container.close()

    def _pixel_aspect(self) -> Fraction:
        return self._decoding.pixel_aspect()  # of the connection that is open now

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures of one connection after the other, with seconds since the first of all."""
        begin = time.monotonic()
        loss = Loss(self._patience)
        shift, seconds = 0.0, -1 / self.frame_rate  # what this connection's times begin at; of the last picture
        count = known = 0  # pictures so far; of them, those with which this connection begins again
        while True:
            cause, number, given, stopped = "the server ended the stream", 0, count, True
            try:
                for number, (since_connected, picture) in enumerate(self._decoding, start=1):
                    if number > known:
                        if loss.over():
                            self._link.back()
                        count, seconds = count + 1, max(seconds, shift + since_connected)
                        self._forget_sound(count, seconds)
                        yield seconds, picture
                if self._has_ended():
                    break
            except av.FFmpegError as error:
                cause, stopped = _cause(error), not isinstance(error, av.error.ExitError)
            if stopped and number == known == count and given == count:
                break
            first = self._decoding.packets.first
            self._connect_again(f"stream lost after {count} frames: {cause}", loss)
            # The same body again: its times begin where they did.
            if self._by_http and not self._is_camera() and first and self._decoding.packets.first == first:
                known = max(known, number)
            else:
                # Time went on while nothing came; it never runs back, even where the server had sent ahead.
                known, shift = 0, max(time.monotonic() - begin, seconds + 1 / self.frame_rate)
        warn_of_broken(self._shown, self._decoding)
        if self._by_http and not self.live:
            warn_of_missing(self._shown, self._container, self._decoding, "")
        if self.sound is not None:
            self.sound.complete = True
        if count == 0:
            raise VideoError(f"{self._shown}: the stream ended without a frame")
        self._window.check(self._shown, count)

    def _forget_sound(self, number: int, seconds: float) -> None:
        if self.sound is not None and number < self._window.start:
            self.sound.forget(seconds)

    def _is_camera(self) -> bool:
        """Whether this is an HTTP camera (multipart JPEG), which has no end."""
        return "jpeg" in self._container.format.name

    def _has_ended(self) -> bool:
        """Whether the source has announced the end that was reached."""
        duration = self._container.duration
        if duration is None:
            return self._by_http and not self._is_camera() and self._container.size > 0
        if self._container.format.name == "hls":
            return True  # a playlist says by itself that it has ended
        if self._by_http:
            return not is_cut(self._container, self._decoding)
        # An RTSP server's first time stamps are vague.
        left = duration / av.time_base - self._decoding.clock.seconds
        return left < max(_VAGUE_END, 3 / self.frame_rate)

    def _connect_again(self, cause: str, loss: Loss) -> None:
        """Open the stream anew, as often as patience allows.

        Raises:
            VideoError: it did not come back.
        """
        while (pause := loss.pause()) is not None:
            log.warning(
                "%s: %s; connecting again (waited %.0f of %.0f s)",
                *(self._shown, cause, loss.waited, self._patience.retry_for),
            )
            self._link.lost(cause)
            self._link.wait(pause)
            self._container.close()
            try:
                self._container, self._decoding = self._connect()
                return
            except av.FFmpegError as error:
                cause = f"cannot be opened again: {_cause(error)}"
            except VideoError:
                cause = "cannot be opened again: there is no video in it"
        raise VideoError(
            f"{self._shown}: {cause}; it did not come back within {self._patience.retry_for:g} s; "
            "check the network and the stream's server"
        )

    def _connect(self) -> tuple[InputContainer, Decoding]:
        patience, options = self._patience, dict[str, str]()
        if self._url.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # UDP loses packets, and firewalls drop it
        elif self._url.lower().startswith("http"):
            options |= {"reconnect": "1", "reconnect_delay_max": "4", "reconnect_max_retries": "5"}
        container = open_container(self._url, options, (patience.open_timeout, patience.read_timeout))
        try:
            return container, Decoding(container, self._shown, OF_STREAM, live=container.duration is None)
        except VideoError:
            container.close()
            raise


class Loss:
    """How long there has been no frame, and when to try again."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._begun: float | None = None
        self._attempts = 0

    def begin(self) -> None:
        """There is no frame from now on, if there was one before."""
        if self._begun is None:
            self._begun = time.monotonic()

    def over(self) -> bool:
        """A frame has come; whether it ends a loss."""
        lost = self._begun is not None
        self._begun, self._attempts = None, 0
        return lost

    @property
    def waited(self) -> float:
        """Seconds since the loss was noticed."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun

    def pause(self) -> float | None:
        """Seconds to wait before the next attempt; None where patience is at its end."""
        self.begin()
        left = self._patience.retry_for - self.waited
        if left <= 0:
            return None
        wanted = self._patience.pause * 2.0**self._attempts
        self._attempts += 1
        return min(wanted, self._patience.longest_pause, left)


def without_credentials(url: str) -> str:
    """The address as it may be shown: user name, password and query (tokens) are left out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def stream_name(url: str) -> str:
    """``rtsp://user:secret@host:554/live/door.sdp`` -> ``host-door``."""
    parts = urlsplit(url)
    words = [parts.hostname or "", PurePosixPath(parts.path).stem]
    return re.sub(r"[^\w.-]+", "_", "-".join(word for word in words if word)) or "stream"


def _cause(error: av.FFmpegError) -> str:
    """FFmpeg's words without the address, which may hold a password."""
    if error.errno == errno.EIO:  # what FFmpeg says of a body that ends before its length, or without one
        return "the connection broke off"
    return "no answer in time" if isinstance(error, av.error.ExitError) else str(error.strerror)
