"""Frames from a network stream."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.video.decode import announced_frames, decode, frame_rate, numbered, video_stream
from client.video.source import Source, VideoError, Window
from mot.frame import Frame

SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "rtsps"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a stream, and how often to connect again after it was lost."""

    open_timeout: float = 10.0  # seconds, until the stream's header
    read_timeout: float = 10.0  # seconds without data
    attempts: int = 5  # to connect again, without a frame in between
    pause: float = 1.0  # seconds before the second attempt; doubles each time


class NetworkStream(Source):
    """A stream by RTSP, RTMP or HTTP. Lost connections are opened again; frame numbers go on.

    A resource with a known duration (a file on a web server) is not live: its end is the end. So is a clean
    end of any HTTP resource; RTSP and RTMP servers and HTTP cameras (multipart JPEG) are expected to go on.
    """

    def __init__(self, url: str, window: Window, patience: Patience | None = None) -> None:
        self._url = url
        self._window = window
        self._patience = patience or Patience()
        self._shown = without_credentials(url)
        try:
            self._container, self._stream = self._connect()
        except av.FFmpegError as error:
            raise VideoError(
                f"{self._shown}: cannot be opened: {_cause(error)}; check the address and that the stream is running"
            ) from error
        announced = announced_frames(self._container, self._stream)
        self.live = self._container.duration is None
        self._goes_on = self.live and (not url.lower().startswith("http") or "jpeg" in self._container.format.name)
        self.name = stream_name(url)
        self.frame_rate = frame_rate(self._stream)
        self.frame_count = None if self.live or announced is None else window.count(announced)

    def __iter__(self) -> Iterator[Frame]:
        yield from numbered(self._pictures(), self._window)

    def close(self) -> None:
        self._container.close()

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures of one connection after the other, with seconds since the first of all."""
        begin = time.monotonic()
        seconds = shift = 0.0  # of the last picture; what this connection's times begin at
        count = failures = 0  # pictures so far; attempts to connect since the last one
        while True:
            cause = "the server ended the stream"
            try:
                for since_connected, picture in decode(self._container, self._stream, self._shown):
                    count, failures, seconds = count + 1, 0, shift + since_connected
                    yield seconds, picture
                if not self._goes_on:
                    break
            except av.FFmpegError as error:
                cause = _cause(error)
            failures = self._connect_again(f"stream lost after {count} frames: {cause}", failures)
            # Time went on while nothing came; it never runs back, even where the server had sent ahead.
            shift = max(time.monotonic() - begin, seconds + 1 / self.frame_rate)
        if count == 0:
            raise VideoError(f"{self._shown}: the stream ended without a frame")
        self._window.check(self._shown, count)

    def _connect_again(self, cause: str, failures: int) -> int:
        """Open the stream anew; returns how many attempts in a row have been made since the last frame."""
        patience = self._patience
        # A file on a web server would begin anew; FFmpeg has already tried to go on where it broke off.
        for attempt in range(failures, patience.attempts if self.live else 0):
            log.warning("%s: %s; connecting again (%d of %d)", self._shown, cause, attempt + 1, patience.attempts)
            time.sleep(patience.pause * 2**attempt)
            self._container.close()
            try:
                self._container, self._stream = self._connect()
                return attempt + 1
            except av.FFmpegError as error:
                cause = f"cannot be opened again: {_cause(error)}"
        raise VideoError(f"{self._shown}: {cause}; check the network and the stream's server")

    def _connect(self) -> tuple[InputContainer, VideoStream]:
        patience = self._patience
        if self._url.lower().startswith("rtsp"):
            options = {"rtsp_transport": "tcp"}  # UDP loses packets, and firewalls drop it
        elif self._url.lower().startswith("http"):
            options = {"reconnect": "1", "reconnect_delay_max": "4", "reconnect_max_retries": str(patience.attempts)}
        else:
            options = {}
        container = av.open(self._url, options=options, timeout=(patience.open_timeout, patience.read_timeout))
        try:
            return container, video_stream(container, self._shown)
        except VideoError:
            container.close()
            raise


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
    return "no answer in time" if isinstance(error, av.error.ExitError) else str(error.strerror)
