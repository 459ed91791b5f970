"""The transports against servers that are none: proxies that refuse, other protocols, endless answers."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest

from client.detection import http_transport
from client.detection.connect import connect, connect_directly
from client.detection.errors import DetectorError
from client.detection.transport import UnavailableError, is_for_now, newest, printable
from client.detection.triton import TritonDetector
from tests.client.detection.small_servers import proxy, says

VARIABLES = ("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY", "GRPC_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    "url", ["grpc://127.0.0.1:1", "http://127.0.0.1:1", "grpc://localhost:1", "http://localhost:1"]
)
def test_loopback_never_asks_a_proxy(monkeypatch: pytest.MonkeyPatch, variable: str, url: str) -> None:
    with proxy() as counting:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{counting.port}")
        with pytest.raises(DetectorError, match="refused") as found:
            TritonDetector(url, connect_timeout_s=2)
        assert counting.asked == [] and "proxy" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "variable", "request_line"),
    [
        ("grpc://triton.example:8001", "grpc_proxy", "CONNECT triton.example:8001 HTTP/1.1"),
        ("grpc://triton.example:8001", "https_proxy", "CONNECT triton.example:8001 HTTP/1.1"),
        ("grpc://triton.example:8001", "HTTP_PROXY", "CONNECT triton.example:8001 HTTP/1.1"),
        ("http://triton.example:8000", "http_proxy", "GET http://triton.example:8000/v2/health/ready HTTP/1.1"),
        ("http://triton.example:8000", "HTTP_PROXY", "GET http://triton.example:8000/v2/health/ready HTTP/1.1"),
    ],
)
def test_refusal_by_a_proxy_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str, request_line: str
) -> None:
    with proxy() as refusing:
        monkeypatch.setenv(variable, f"http://me:secret@127.0.0.1:{refusing.port}")
        with pytest.raises(
            DetectorError, match=rf"403.*through the proxy 127\.0\.0\.1:{refusing.port}, .*{variable}"
        ) as e:
            TritonDetector(url, connect_timeout_s=2)
        assert "secret" not in str(e.value)
        assert request_line in refusing.asked
        assert "proxy-authorization: basic bwu6c2vjcmv0" in refusing.heads[0].lower()  # me:secret


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_exceptions_are_obeyed_by_both(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with proxy() as counting:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{counting.port}")
        monkeypatch.setenv("no_proxy", "192.0.2.0/24")
        transport, _ = connect(f"{scheme}://192.0.2.1:9", "grpc")  # an address for documents: nobody answers
        with pytest.raises(UnavailableError):
            transport.describe("fairmot", 0.3)
        transport.close()
        assert counting.asked == []


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_a_server_of_our_own_is_reached_directly_on_any_address(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with proxy() as counting:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{counting.port}")
        transport, _ = connect_directly(f"{scheme}://192.0.2.1:9", "grpc")
        with pytest.raises(UnavailableError):
            transport.describe("fairmot", 0.3)
        transport.close()
        assert counting.asked == []


def test_an_http_address_of_a_grpc_port() -> None:
    settings = b"\x00\x00\x18\x04\x00\x00\x00\x00\x00\x00\x04\x00@\x00\x00\x00\x05\x00@\x00\x00"
    with says(settings) as port, pytest.raises(DetectorError, match=r"speaks HTTP/2, as gRPC does; write grpc://") as e:
        TritonDetector(f"http://127.0.0.1:{port}")
    assert "\x00" not in str(e.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x01\x00\x02\x02\x46",  # TLS
        b"SSH-2.0-OpenSSH_9.2\r\n\x1b[31m",
        b"HTTP/1.1 500 Internal\r\nContent-Length: 6\r\n\r\n\x00\x1b[2J\x07",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x00\x1b[2J",
        b"HTTP/1.1 404 Not Found\r\n\r\n" + b"<html>\n" * 100_000,
    ],
    ids=["tls", "ssh", "control characters", "no json", "a page"],
)
def test_whatever_answers_is_shown_on_a_line_without_control_characters(answer: bytes) -> None:
    with says(answer) as port, pytest.raises(DetectorError) as found:
        TritonDetector(f"http://127.0.0.1:{port}")
    assert str(found.value).isprintable() and len(str(found.value)) < 1000


def test_printable() -> None:
    assert printable("a\x00b\x1b[31m\n c\xff") == "a\\x00b\\x1b[31m c\xff"
    assert printable("x" * 1000) == "x" * 400 + "..."


def test_answers_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "MAX_ANSWER", 1 << 20)
    with says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 << 20)) as port:
        transport, _ = connect(f"http://127.0.0.1:{port}", "http")
        with pytest.raises(DetectorError, match="the answer is longer than 1 MiB"):
            transport.describe("fairmot", 5)


def test_an_answer_that_ends_early_is_asked_for_again() -> None:
    with says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as port:
        transport, _ = connect(f"http://127.0.0.1:{port}", "http")
        with pytest.raises(UnavailableError, match="ended in the middle of the answer"):
            transport.describe("fairmot", 5)


@pytest.mark.parametrize(
    ("reason", "for_now"),
    [
        ("Stub process 'fairmot_0_1' is not healthy.", True),
        (
            "Failed to process the request(s) for model 'x', message: Stub process is unhealthy; it restarts.",
            True,
        ),
        ('[500] {"error":"Stub process \'fairmot_0_0\' is not healthy."}', True),
        ('{"error":"Request for unknown model: \'fairmot\' version 1 is not at ready state"}', True),
        ("[StatusCode.INTERNAL] Stream removed (RST_STREAM (Received RST_STREAM with error code 2))", True),
        ("[StatusCode.CANCELLED] Received RST_STREAM with error code 8", True),
        ('{"error":"Request for unknown model: \'fairmot\' is not found"}', False),
        ("unexpected shape for input 'image'", False),
        ("the model says: not healthy", False),
    ],
)
def test_words_for_what_will_pass(reason: str, for_now: bool) -> None:
    assert is_for_now(reason) == for_now


@pytest.mark.parametrize(("versions", "expected"), [([], ""), (["1"], "1"), (["9", "10", "2"], "10")])
def test_the_newest_version_answers(versions: list[str], expected: str) -> None:
    assert newest(versions) == expected


@pytest.mark.parametrize("status", [b"400 Bad Request", b"503 Service Unavailable"])
def test_a_server_that_is_not_ready_yet_may_be_asked_again(status: bytes) -> None:
    """triton-inference-server issue 1948: it answers the question whether it is ready by 400."""
    with says(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status) as port:
        with pytest.raises(UnavailableError):
            connect(f"http://127.0.0.1:{port}", "http")[0].describe("fairmot", 5)
        with pytest.raises(DetectorError, match="no Triton server is ready at"):
            TritonDetector(f"http://127.0.0.1:{port}")


HEADER = b'{"model_name":"fairmot","outputs":[{"name":"boxes","datatype":"FP32","shape":[1,5,4]%s}]}'
BINARY = HEADER % b',"parameters":{"binary_data_size":80}'


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"", b""),
        (b"", b"<html>Back soon</html>"),
        (b"Inference-Header-Content-Length: %d\r\n" % len(BINARY), BINARY + b"\0" * 60),
        (b"Inference-Header-Content-Length: 99999\r\n", BINARY + b"\xa0" * 80),
        (b"Inference-Header-Content-Length: all\r\n", BINARY + b"\xa0" * 80),
        (b"", BINARY + b"\xa0" * 80),
        (b"Inference-Header-Content-Length: %s\r\n" % (b"9" * 5000), BINARY + b"\xa0" * 80),
        (b"", b'{"outputs": [[]]}'),
        (b"", HEADER % b',"data":[%s]' % (b"9" * 400)),
        (b"", b"[" * 60_000),
    ],
    ids=[
        *("nothing", "a page", "cut", "length beyond", "length no number", "length lost"),
        *("length of 5000 digits", "a list for a tensor", "a number beyond all", "too deep"),
    ],
)
def test_an_answer_that_is_none_of_triton_s_is_asked_for_again(headers: bytes, body: bytes) -> None:
    """triton-inference-server issues 3114, 4406; client issue 865: what a gateway says ended in a JSONDecodeError."""
    answer = b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (headers, len(body))
    with says(answer + body) as port:
        transport, _ = connect(f"http://127.0.0.1:{port}", "http")
        image = np.zeros((1, 32, 64, 3), np.uint8)
        with pytest.raises(UnavailableError, match=r"this is no answer of Triton: '|\"") as found:
            transport.infer("fairmot", ("image", image), ["boxes"], 5)
        assert str(found.value).isprintable()


def test_a_redirection_says_where_to() -> None:
    answer = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://triton.example/\r\nContent-Length: 0\r\n\r\n"
    with (
        says(answer) as port,
        pytest.raises(DetectorError, match=r"\[301\] Moved Permanently: moved to https://triton"),
    ):
        TritonDetector(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["a..b:1", "x" * 300 + ":1", "127.0.0.1:0", "http://host:8000/v2", "::1", " a:1 "])
def test_addresses_that_no_server_has(url: str) -> None:
    with pytest.raises(DetectorError, match="is not the address of a Triton server"):
        connect(url, "http")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("host", "http://host:8000"),
        ("HTTP://host:9/", "http://host:9"),
        ("[::1]", "http://[::1]:8000"),
        ("grpc://[::1]:9", "grpc://[::1]:9"),
        ("münchen.example:9", "http://münchen.example:9"),
    ],
)
def test_addresses_as_people_write_them(url: str, address: str) -> None:
    transport, said = connect(url, "http")
    transport.close()
    assert said == address


def test_an_address_of_ipv6_is_reached_over_http() -> None:
    """triton-inference-server issue 5305, DataDog/integrations-core issue 22624: one pair of brackets."""
    with socket.socket(socket.AF_INET6) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        listening.listen()
        transport, _ = connect(f"http://[::1]:{listening.getsockname()[1]}", "http")

        def ask() -> None:
            with pytest.raises(UnavailableError):
                transport.describe("fairmot", 5)

        asking = threading.Thread(target=ask)
        asking.start()
        client, _ = listening.accept()
        with client:
            assert client.recv(99).startswith(b"GET /v2/health/ready HTTP/1.1\r\nHost: [::1]:")
        asking.join()


def test_a_dead_model_process_over_http_is_asked_again() -> None:
    body = b'{"error":"Stub process \'fairmot_0_1\' is not healthy."}'
    with says(b"HTTP/1.1 500 Internal\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as port:
        transport, _ = connect(f"http://127.0.0.1:{port}", "http")
        with pytest.raises(UnavailableError, match="not healthy"):
            transport.describe("fairmot", 5)


def test_closing_breaks_off_a_connection_that_is_being_opened() -> None:
    """To a host that swallows everything: a port whose queue of connections is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        transport, _ = connect(f"http://127.0.0.1:{full.getsockname()[1]}", "http")
        ended: list[float] = []

        def ask() -> None:
            with pytest.raises(UnavailableError):
                transport.describe("fairmot", 15)
            ended.append(time.monotonic())

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        assert not ended
        begun = time.monotonic()
        transport.close()
        asking.join(10)
        assert ended and ended[0] - begun < 10
        for each in fillers:
            each.close()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, Infinity]}], "outputs": []}',
        b'{"inputs": [[]], "outputs": []}',
    ],
    ids=["too deep", "an endless side", "a list for a tensor"],
)
def test_a_description_that_is_none(body: bytes) -> None:
    """Found by fuzzing: RecursionError, OverflowError."""
    with says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as port:
        transport, _ = connect(f"http://127.0.0.1:{port}", "http")
        with pytest.raises(DetectorError, match="this is no Triton server"):
            transport.describe("fairmot", 5)
