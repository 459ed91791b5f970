"""Calls to a Triton server over HTTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping, Set
from contextlib import suppress
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import quote

import tritonclient.http as triton_http
from tritonclient.http import InferenceServerClient as HttpCodec

from client.detection.errors import DetectorError
from client.detection.proxy import Proxy
from client.detection.transport import (
    MALFORMED,
    MAX_ANSWER,
    Arrays,
    Image,
    RegionLostError,
    ServedModel,
    SharedImage,
    UnavailableError,
    arrays,
    described,
    filled,
    is_for_now,
    is_lost_region,
    newest,
    printable,
    unavailable,
    unknown_model,
)
from mot.documents import parse_json

_TRY_AGAIN = frozenset({408, 429, 502, 503, 504})  # Triton answers 503; the others come from proxies
_NOT_READY = _TRY_AGAIN | {400}  # as Triton answers the question whether it is ready
_MEMORY = "/v2/systemsharedmemory"
_HTTP2_SETTINGS = "\x00\x00"  # how a gRPC server's first frame begins


class HttpTransport:
    """One kept-alive connection for each thread.

    tritonclient's HTTP client is made for gevent's greenlets and must not be shared by threads, so only its
    encoding of requests and answers is used, over the standard library's connections.
    """

    def __init__(
        self, host: str, port: int, proxy: Proxy | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self._address = f"http://{host}:{port}"
        self._headers = dict(headers or {})
        self._proxy = proxy
        self._via = f" (through {proxy})" if proxy else ""
        # Without brackets, which belong to the address: http.client puts its own around IPv6 in the header Host.
        self._peer = (proxy.host, proxy.port) if proxy else (host.strip("[]"), port)
        self._local = threading.local()
        self._connections: list[_Connection] = []  # of all threads

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        self._call("GET", "/v2/health/ready", timeout_s, try_again=_NOT_READY)
        try:
            metadata, _ = self._call("GET", f"/v2/models/{quote(model)}", timeout_s)
            config, _ = self._call("GET", f"/v2/models/{quote(model)}/config", timeout_s)
        except UnavailableError:
            raise
        except DetectorError as error:
            if "unknown model" in str(error):
                raise unknown_model(self._address, model, self._models(timeout_s)) from error
            raise
        try:
            tensors, parameters = parse_json(metadata), parse_json(config).get("parameters", {})
            return ServedModel(
                inputs={str(t["name"]): described(t["datatype"], t["shape"]) for t in tensors["inputs"]},
                outputs={str(t["name"]): described(t["datatype"], t["shape"]) for t in tensors["outputs"]},
                parameters={key: str(value.get("string_value", "")) for key, value in parameters.items()},
                version=newest(tensors.get("versions", [])),
            )
        except MALFORMED as error:
            said = printable(metadata[:80].decode(errors="replace"))
            raise DetectorError(f"{self._address}: this is no Triton server; it answers {said!r}") from error

    def infer(self, model: str, image: tuple[str, Image | SharedImage], outputs: list[str], timeout_s: float) -> Arrays:
        name, pixels = image
        tensor = filled(triton_http.InferInput(name, pixels.shape, "UINT8"), pixels)
        wanted = [triton_http.InferRequestedOutput(output, binary_data=True) for output in outputs]
        body, header_length = HttpCodec.generate_request_body([tensor], outputs=wanted)
        # Where no pixels follow the JSON, it has no length of its own.
        headers = {} if header_length is None else {"Inference-Header-Content-Length": str(header_length)}
        content, header_length = self._call("POST", f"/v2/models/{quote(model)}/infer", timeout_s, body, headers)
        try:
            answer = HttpCodec.parse_response_body(content, header_length=header_length)
            return arrays(answer.as_numpy, outputs, self._address)
        except MALFORMED as error:
            # As of a proxy, while what is behind it is away: status 200 and a page.
            said = printable(content[:80].decode(errors="replace"))
            raise UnavailableError(f"{self._address}: this is no answer of Triton: {said!r}{self._via}") from error

    def answered(self, model: str, timeout_s: float) -> int:
        content, _ = self._call("GET", f"/v2/models/{quote(model)}/stats", timeout_s)
        try:
            return sum(int(version["inference_count"]) for version in parse_json(content)["model_stats"])
        except MALFORMED as error:
            raise DetectorError(f"{self._address}: its statistics are not Triton's") from error

    def register(self, region: str, size: int, timeout_s: float) -> None:
        body = json.dumps({"key": f"/{region}", "offset": 0, "byte_size": size}).encode()
        self._call("POST", f"{_MEMORY}/region/{quote(region)}/register", timeout_s, body)

    def unregister(self, region: str, timeout_s: float) -> None:
        self._call("POST", f"{_MEMORY}/region/{quote(region)}/unregister", timeout_s, b"")

    def regions(self, timeout_s: float) -> list[str]:
        content, _ = self._call("GET", f"{_MEMORY}/status", timeout_s)
        try:
            return [str(region["name"]) for region in parse_json(content)]
        except MALFORMED as error:
            raise DetectorError(f"{self._address}: its list of shared memory is not Triton's") from error

    def close(self) -> None:
        for connection in self._connections:
            connection.break_off()

    def _models(self, timeout_s: float) -> list[str]:
        try:
            content, _ = self._call("POST", "/v2/repository/index", timeout_s, b"{}")
            return [str(model["name"]) for model in parse_json(content)]
        except (DetectorError, *MALFORMED):  # a server may keep that to itself
            return []

    def _connection(self, timeout_s: float) -> _Connection:
        """This thread's connection; it may not be open yet."""
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _Connection(*self._peer)
            self._connections.append(connection)
        connection.timeout = timeout_s
        if connection.sock:
            connection.sock.settimeout(timeout_s)
        return connection

    def _call(
        self,
        method: str,
        path: str,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        try_again: Set[int] = _TRY_AGAIN,
    ) -> tuple[bytes, int | None]:
        """The answer's content, and the length of its JSON part where binary tensors follow."""
        connection = self._connection(timeout_s)
        target, sent = path, self._headers | dict(headers or {})
        if self._proxy:  # a proxy takes the whole address (RFC 9112, 3.2.2)
            target, sent = self._address + path, sent | self._proxy.headers
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            content = self._content(response)
        except (OSError, HTTPException) as error:
            connection.close()  # the next request opens it anew
            raise UnavailableError(f"{self._address}: {_explained(error)}{self._via}") from error
        if response.status != 200:
            reason = content.decode(errors="replace") or response.reason
            if moved := response.headers.get("Location"):
                reason += f": moved to {moved}"
            again = response.status in try_again or is_for_now(reason)
            kind: type[DetectorError] = unavailable(reason) if again else DetectorError
            kind = RegionLostError if is_lost_region(reason) else kind
            raise kind(f"{self._address}: [{response.status}] {printable(reason)}{self._via}")
        length = response.headers.get("Inference-Header-Content-Length")
        known = length and len(length) < 10 and length.isdecimal()
        return content, int(length) if length and known else None

    def _content(self, response: HTTPResponse) -> bytes:
        content = response.read(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            self._local.connection.close()
            raise DetectorError(f"{self._address}: the answer is longer than {MAX_ANSWER >> 20} MiB{self._via}")
        if response.length:  # read(n) does not say when the connection ended early
            raise ConnectionResetError("the connection ended in the middle of the answer")
        return content


class _Connection(HTTPConnection):
    """A connection that another thread can break off, also while it is being opened."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._opening: socket.socket | None = None
        self._broken_off = False

    def connect(self) -> None:
        """Open it, trying each of the host's addresses."""
        failure: OSError = ConnectionAbortedError("closed")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            if self._broken_off:
                break
            self._opening = opening = socket.socket(family, kind, protocol)
            try:
                opening.settimeout(self.timeout)
                opening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opening.connect(address)
            except OSError as error:
                opening.close()
                failure = error
            else:
                self.sock = opening
                return
        raise failure

    def break_off(self) -> None:
        """Wake the thread that waits for an answer, which closing would not."""
        self._broken_off = True
        for each in (self._opening, self.sock):
            with suppress(OSError, AttributeError):  # never connected, or dropped by its thread just now
                each.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def _explained(error: OSError | HTTPException) -> str:
    if isinstance(error, BadStatusLine) and str(error).startswith(_HTTP2_SETTINGS):
        return "what listens there speaks HTTP/2, as gRPC does; write grpc:// before the address"
    return printable(str(error)) or type(error).__name__
