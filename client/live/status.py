"""The status page of `mot watch`: how the cameras fare, for people (/) and for programs (/status.json)."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import mot
from client.live.outbox import Outbox
from client.live.state import Snapshot
from client.log_lines import stamp
from client.metrics import MetricsError

_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin-bottom:2em}"
    "th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #ddd;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".live{color:#070}.lost,.failed{color:#b00;font-weight:bold}.connecting,.reconnecting{color:#a50}"
)

Status = dict[str, Any]


def status_of(cameras: Sequence[Snapshot], outboxes: Sequence[Outbox], begun: float) -> Status:
    """All of it, in JSON's values."""
    return {
        "version": mot.__version__,
        "begun": stamp(begun),
        "time": stamp(time.time()),
        "cameras": [_camera(one) for one in cameras],
        "events": [
            {
                "to": one.name,
                "sent": one.sent,
                "waiting": one.waiting,
                "dropped": one.dropped,
                "refused": one.refused,
                "trouble": one.trouble,
            }
            for one in outboxes
        ],
    }


def _camera(one: Snapshot) -> Status:
    return {
        "camera": one.name,
        "address": one.address,
        "state": one.phase,
        "since": stamp(one.since),
        "cause": one.cause,
        "size": list(one.size) if one.size else None,
        "frame_rate": one.frame_rate and round(one.frame_rate, 3),
        "frames": one.frames,
        "dropped": one.dropped,
        "losses": one.losses,
        "people": one.people,
        "ids": one.ids,
        "last_frame": None if one.last is None else stamp(one.last),
        "fault": one.fault,
    }


def page(status: Status) -> str:
    """The status as HTML that renews itself; no scripts."""
    camera_rows = "".join(
        f"<tr><td>{_text(one['camera'])}</td><td class={_text(one['state'])}>{_text(one['state'])}</td>"
        f"<td>{_text(one['since'])}</td>{_numbers(one, 'people', 'ids', 'frames', 'dropped', 'losses')}"
        f"<td>{_text(one['last_frame'] or '')}</td><td>{_text(one['address'])}</td>"
        f"<td>{_text('; '.join(filter(None, [one['cause'], one['fault']])))}</td></tr>"
        for one in status["cameras"]
    )
    event_rows = "".join(
        f"<tr><td>{_text(one['to'])}</td>{_numbers(one, 'sent', 'waiting', 'dropped', 'refused')}"
        f"<td>{_text(one['trouble'])}</td></tr>"
        for one in status["events"]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f'<meta name="viewport" content="width=device-width"><title>mot watch</title><style>{_STYLE}</style></head>'
        f"<body><h1>mot watch</h1><p>{_text(status['time'])}, since {_text(status['begun'])}, version "
        f"{_text(status['version'])}; <a href=status.json>status.json</a></p>"
        f"<table><tr>{_heads('camera', 'state', 'since', 'people', 'ids', 'frames', 'left out', 'losses')}"
        f"{_heads('last frame', 'address', 'cause')}</tr>{camera_rows}</table>"
        f"<table><tr>{_heads('events to', 'sent', 'waiting', 'left out', 'refused', 'trouble')}</tr>{event_rows}"
        "</table></body></html>"
    )


@contextmanager
def status_served(port: int, host: str, status: Callable[[], Status]) -> Iterator[int]:
    """Answer ``GET /`` and ``GET /status.json`` within the block; yields the port, a free one where ``port`` is 0.

    Raises:
        MetricsError: another program listens there, or the host is not this machine's.
    """
    try:
        server = ThreadingHTTPServer((host, port), partial(_Handler, status))
    except OSError as error:
        raise MetricsError(
            f"the status page cannot be served on {host}:{port}: {error.strerror}; choose another --status-port"
        ) from error
    thread = Thread(target=server.serve_forever, args=(0.1,), name="status", daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds; who connects and is silent holds a thread no longer

    def __init__(self, status: Callable[[], Status], *arguments: Any) -> None:
        self._status = status
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer("text/html; charset=utf-8", page(self._status()))
        elif path == "/status.json":
            self._answer("application/json", json.dumps(self._status(), indent=2))
        else:
            self.send_error(404)

    def _answer(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads who looked at the page."""


def _text(value: object) -> str:
    return html.escape(str(value))


def _numbers(values: Status, *keys: str) -> str:
    return "".join(f"<td class=n>{_text(values[key])}</td>" for key in keys)


def _heads(*names: str) -> str:
    return "".join(f"<th>{name}</th>" for name in names)
