"""Where events go: a file of JSON lines, standard output, a webhook."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from client.live.cameras import Webhook
from client.live.event import Event
from client.live.outbox import DeliveryError
from client.video.stream import without_credentials

_TRY_AGAIN = frozenset({408, 425, 429})  # RFC 9110 and its like: the request was right, the moment was not


class JsonLines:
    """A file that grows by a line an event. It is opened for each delivery, so that it may be moved away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def deliver(self, events: Sequence[Event]) -> None:
        data = "".join(event.to_json() + "\n" for event in events).encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                _append(file, data)
            finally:
                os.close(file)
        except OSError as error:
            raise DeliveryError(f"{error.strerror}; check the output folder and its disk") from error

    def close(self) -> None:
        """Nothing is open."""


class StandardOutput:
    """A line an event."""

    name = "standard output"

    def deliver(self, events: Sequence[Event]) -> None:
        sys.stdout.write("".join(event.to_json() + "\n" for event in events))
        sys.stdout.flush()

    def close(self) -> None:
        """It is not ours."""


class WebhookTarget:
    """Posts ``{"events": [...]}``; an answer of 2xx means that they have arrived."""

    def __init__(self, settings: Webhook) -> None:
        self._settings = settings
        self.name = without_credentials(settings.url)

    def deliver(self, events: Sequence[Event]) -> None:
        body = '{"events": [' + ", ".join(event.to_json() for event in events) + "]}"
        headers = {"Content-Type": "application/json", "User-Agent": "mot-watch", **self._settings.headers}
        request = urllib.request.Request(self._settings.url, body.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self._settings.timeout) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            again = error.code >= 500 or error.code in _TRY_AGAIN
            error.close()
            raise DeliveryError(f"the server answers {error.code} {error.reason}", again=again) from error
        except (urllib.error.URLError, ssl.SSLError, http.client.HTTPException, OSError, ValueError) as error:
            raise DeliveryError(str(getattr(error, "reason", "") or error or type(error).__name__)) from error

    def close(self) -> None:
        """Each request has had its own connection."""


def _append(file: int, data: bytes) -> None:
    """All of the data or none of it: a full disk leaves no half of a line."""
    end = os.lseek(file, 0, os.SEEK_END)
    try:
        written = 0
        while written < len(data):
            written += os.write(file, data[written:])
    except OSError:
        os.ftruncate(file, end)
        raise
