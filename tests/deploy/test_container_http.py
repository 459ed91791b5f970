"""Triton's HTTP as others in the network have it: through a proxy that takes what inferences need, no more."""

from __future__ import annotations

import json

import pytest

from tests.deploy.stack import Stack, events, first_rows

pytestmark = [pytest.mark.container, pytest.mark.data]
COUNT = 30  # frames
_ASK = """
import http.client, sys
method, path, headers, size = sys.argv[1], sys.argv[2], eval(sys.argv[3]), int(sys.argv[4])
connection = http.client.HTTPConnection("triton", 8080, timeout=60)
try:
    connection.request(method, path, bytes(size) if size else None, headers)
except OSError:  # it answers before it has everything
    pass
print(connection.getresponse().status)
"""
_FLOOD = """
import socket
connection = socket.create_connection(("triton", 8080), 60)
head = "POST /v2/models/fairmot/infer HTTP/1.1\\r\\nHost: triton\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
connection.sendall(head.encode() + 1_000_000 * b"1\\r\\nx\\r\\n" + b"0\\r\\n\\r\\n")
print(connection.recv(4096).split()[1].decode())
"""


def inside(stack: Stack, *command: str) -> str:
    """Output of a program in a client's container on the project's network."""
    network = ("--network", f"{stack.project}_inside", "-v", f"{stack.project}_jobs:/data")
    return stack.docker("run", "--rm", *network, stack.image("client"), *command)


def triton_process(stack: Stack) -> str:
    top = stack.docker("top", stack.container("triton"), "-eo", "pid,comm").splitlines()
    return next(line.split()[0] for line in top if line.endswith("tritonserver"))


def test_rows_are_those_of_a_local_run(running: Stack, video: str, expected: bytes) -> None:
    track = (
        "mot",
        "track",
        video,
        "--url",
        "http://triton:8080",
        "--end",
        str(COUNT),
        "--no-video",
        "-o",
        "/data/http",
    )
    inside(running, *track)
    assert inside(running, "cat", "/data/http/vtest.txt") == first_rows(expected, COUNT)


def test_a_million_chunks_do_not_end_triton(running: Stack) -> None:
    before = triton_process(running)
    assert inside(running, "python", "-c", _FLOOD).strip() == "500"  # Triton answers that it is no JSON
    assert triton_process(running) == before
    running.docker("exec", running.container("triton"), "infers.py")


@pytest.mark.parametrize(
    ("method", "path", "headers", "size", "status"),
    [
        ("GET", "/v2/health/ready", {}, 0, 200),
        ("GET", "/v2/models/fairmot", {}, 0, 200),
        ("POST", "/v2/models/fairmot/infer", {}, 17 * 1024**2, 413),
        ("POST", "/v2/models/fairmot/infer", {"Content-Encoding": "gzip"}, 100, 415),
        ("GET", "/v2/health/ready", {"X": 5000 * "x"}, 0, 400),
        ("GET", "/v2/health/ready", {str(n): 3000 * "x" for n in range(6)}, 0, 400),
        ("POST", "/v2/repository/index", {}, 0, 404),
        ("POST", "/v2/models/fairmot/unload", {}, 0, 404),
        ("POST", "/v2/systemsharedmemory/region/a/register", {}, 10, 404),
        ("POST", "/v2/logging", {}, 10, 404),
        ("DELETE", "/v2/models/fairmot", {}, 0, 403),
        ("GET", "/v2/models/fairmot/infer", {}, 0, 403),
    ],
)  # fmt: skip
def test_what_no_inference_needs_is_refused(
    running: Stack, method: str, path: str, headers: dict[str, str], size: int, status: int
) -> None:
    answered = inside(running, "python", "-c", _ASK, method, path, json.dumps(headers), str(size))
    assert int(answered) == status


def test_a_refusal_is_an_event_of_one_line(running: Stack) -> None:
    inside(running, "python", "-c", _ASK, "POST", "/v2/repository/index", "{}", "0")
    refused = [event for event in events(running.logs("triton")) if event["message"] == "HTTP refused"]
    assert refused[-1]["status"] == 404 and refused[-1]["path"] == "/v2/repository/index"
    assert refused[-1]["level"] == "warning" and refused[-1]["time"]
