"""The inference server as its metrics show it (Prometheus' text format, Triton's user guide, "Metrics")."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from client.ui.settings import Settings
from mot.contract import MODEL_NAME

_TIMEOUT_S = 2.0
_MOST = 1 << 20  # bytes of metrics
_LINE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
SHARES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """What is known of the server."""

    ready: bool
    model: str | None = None
    version: str = ""
    requests: int = 0
    failures: int = 0
    mean_batch: float = 0.0  # images that are computed together
    queue_ms: float = 0.0  # mean wait of a request
    latencies_ms: Mapping[float, float] = field(default_factory=dict)  # by share of the requests: 0.5, 0.9, 0.99


def read_state(settings: Settings) -> ServerState:
    """Ask it now."""
    if settings.engine == "local":
        return ServerState(ready=True)
    ready = listens(settings.url)
    if settings.metrics_url is None:
        return ServerState(ready=ready)
    try:
        with urllib.request.urlopen(settings.metrics_url, timeout=_TIMEOUT_S) as answer:
            text = answer.read(_MOST).decode(errors="replace")
    except TimeoutError:  # connected, and no answer: it is stuck
        return ServerState(ready=False)
    except (OSError, ValueError):  # they may be closed to us
        return ServerState(ready=ready)
    return parse_metrics(text, ready=ready)


def listens(url: str | None) -> bool:
    """Whether anything listens at the server's address."""
    parts = urlsplit(url if url and "://" in url else f"//{url}")
    try:
        default = 8000 if parts.scheme == "http" else 8001
        socket.create_connection((parts.hostname or "", parts.port or default), timeout=1).close()
    except OSError:
        return False
    return True


def parse_metrics(text: str, *, ready: bool) -> ServerState:
    """The model's numbers; the other lines are not looked at."""
    sums: dict[str, float] = {}
    latencies: dict[float, float] = {}
    model, version = None, ""
    for name, labels, value in _values(text):
        if labels.get("model") != MODEL_NAME:
            continue
        model, version = labels["model"], labels.get("version", "")
        if name == "nv_inference_request_summary_us" and "quantile" in labels:
            latencies[float(labels["quantile"])] = value / 1000
        else:
            sums[name] = sums.get(name, 0) + value
    requests = sums.get("nv_inference_request_success", 0)
    return ServerState(
        ready=ready,
        model=model,
        version=version,
        requests=round(requests),
        failures=round(sums.get("nv_inference_request_failure", 0)),
        mean_batch=sums.get("nv_inference_count", 0) / max(1, sums.get("nv_inference_exec_count", 0)),
        queue_ms=sums.get("nv_inference_queue_duration_us", 0) / 1000 / max(1, requests),
        latencies_ms={share: latencies[share] for share in SHARES if share in latencies},
    )


def _values(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for name, labels, number in _LINE.findall(text):
        try:
            value = float(number)
        except ValueError:
            continue
        if value == value:  # a summary without requests says NaN
            yield name, dict(_LABEL.findall(labels)), value
