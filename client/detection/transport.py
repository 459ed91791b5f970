"""One call to a Triton server, over gRPC or HTTP. Foreign errors become ours here and nowhere else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.grpc import InferenceServerClient as GrpcClient
from tritonclient.http import InferenceServerClient as HttpCodec
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from client.detection.detector import DetectorError

Shapes = Mapping[str, tuple[str, tuple[int, ...]]]  # name -> numpy's type name, shape without batch
Image = npt.NDArray[np.uint8]
Arrays = list[npt.NDArray[np.float32]]

_INT32_MAX = 2**31 - 1
# channel_args replace tritonclient's defaults, so its message sizes are repeated.
_CHANNEL = [
    ("grpc.max_send_message_length", _INT32_MAX),
    ("grpc.max_receive_message_length", _INT32_MAX),
    ("grpc.keepalive_time_ms", 20_000),  # notices a host that vanished without closing its connections
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that comes back is found within two seconds; gRPC's own limit is two minutes, and other clients
    # of this process would share it.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.lb_policy_name", "round_robin"),  # a name with several addresses is several servers
]
_TRY_AGAIN_GRPC = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED"}
_TRY_AGAIN_HTTP = {408, 429, 502, 503, 504}  # Triton answers 503; the others come from proxies


class UnavailableError(DetectorError):
    """The server did not answer this time: it is down, starting, stopping, overloaded or slow. Try again."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What a server says of a model."""

    inputs: Shapes
    outputs: Shapes
    parameters: Mapping[str, str]  # of its configuration


class Transport(Protocol):
    """Calls that may come from several threads. All raise :class:`UnavailableError` or :class:`DetectorError`."""

    def describe(self, model: str, timeout_s: float) -> ServedModel: ...

    def infer(self, model: str, image: tuple[str, Image], outputs: list[str], timeout_s: float) -> Arrays:
        """Send one named image, (1, H, W, 3), and return the named outputs, each with a batch of 1."""

    def close(self) -> None:
        """Drop connections; calls under way fail."""


class GrpcTransport:
    """One channel for all threads: tritonclient's gRPC client allows that."""

    def __init__(self, host: str, port: int) -> None:
        self._address = f"grpc://{host}:{port}"
        self._client: Any = GrpcClient(f"{host}:{port}", channel_args=_CHANNEL)

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        with self._translated():
            if not self._client.is_server_ready(client_timeout=timeout_s):
                raise UnavailableError(f"{self._address}: the server is not ready")
            metadata = self._client.get_model_metadata(model, client_timeout=timeout_s)
            config = self._client.get_model_config(model, client_timeout=timeout_s).config
        return ServedModel(
            inputs={tensor.name: _described(tensor.datatype, tensor.shape) for tensor in metadata.inputs},
            outputs={tensor.name: _described(tensor.datatype, tensor.shape) for tensor in metadata.outputs},
            parameters={key: value.string_value for key, value in config.parameters.items()},
        )

    def infer(self, model: str, image: tuple[str, Image], outputs: list[str], timeout_s: float) -> Arrays:
        name, pixels = image
        tensor = triton_grpc.InferInput(name, pixels.shape, "UINT8").set_data_from_numpy(pixels)
        wanted = [triton_grpc.InferRequestedOutput(output) for output in outputs]
        with self._translated():
            answer = self._client.infer(model, [tensor], outputs=wanted, client_timeout=timeout_s)
        return _arrays(answer.as_numpy, outputs, self._address)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            kind = UnavailableError if error.status() in _TRY_AGAIN_GRPC else DetectorError
            raise kind(f"{self._address}: {error}") from error


class HttpTransport:
    """One kept-alive connection for each thread.

    tritonclient's HTTP client is made for gevent's greenlets and must not be shared by threads, so only its
    encoding of requests and answers is used, over the standard library's connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._address = f"http://{host}:{port}"
        self._local = threading.local()
        self._connections: list[HTTPConnection] = []  # of all threads

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        self._call("GET", "/v2/health/ready", timeout_s)
        metadata, _ = self._call("GET", f"/v2/models/{quote(model)}", timeout_s)
        config, _ = self._call("GET", f"/v2/models/{quote(model)}/config", timeout_s)
        try:
            tensors, parameters = json.loads(metadata), json.loads(config).get("parameters", {})
            return ServedModel(
                inputs={t["name"]: _described(t["datatype"], t["shape"]) for t in tensors["inputs"]},
                outputs={t["name"]: _described(t["datatype"], t["shape"]) for t in tensors["outputs"]},
                parameters={key: value.get("string_value", "") for key, value in parameters.items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DetectorError(f"{self._address}: this is no Triton server; it answers {metadata[:80]!r}") from error

    def infer(self, model: str, image: tuple[str, Image], outputs: list[str], timeout_s: float) -> Arrays:
        name, pixels = image
        tensor = triton_http.InferInput(name, pixels.shape, "UINT8").set_data_from_numpy(pixels, binary_data=True)
        wanted = [triton_http.InferRequestedOutput(output, binary_data=True) for output in outputs]
        body, header_length = HttpCodec.generate_request_body([tensor], outputs=wanted)
        headers = {"Inference-Header-Content-Length": str(header_length)}
        content, header_length = self._call("POST", f"/v2/models/{quote(model)}/infer", timeout_s, body, headers)
        answer = HttpCodec.parse_response_body(content, header_length=header_length)
        return _arrays(answer.as_numpy, outputs, self._address)

    def close(self) -> None:
        for connection in self._connections:
            # Shutting down, unlike closing, wakes a thread that is waiting for the answer.
            with suppress(OSError, AttributeError):  # never connected, or dropped by its thread just now
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _connection(self, timeout_s: float) -> HTTPConnection:
        """This thread's connection; it may not be open yet."""
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection(self._host, self._port)
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
    ) -> tuple[bytes, int | None]:
        """The answer's content, and the length of its JSON part where binary tensors follow."""
        connection = self._connection(timeout_s)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            connection.close()  # the next request opens it anew
            raise UnavailableError(f"{self._address}: {error or type(error).__name__}") from error
        if response.status != 200:
            kind = UnavailableError if response.status in _TRY_AGAIN_HTTP else DetectorError
            reason = content.decode(errors="replace") or response.reason
            raise kind(f"{self._address}: [{response.status}] {reason}")
        length = response.headers.get("Inference-Header-Content-Length")
        return content, int(length) if length else None


def _described(datatype: str, shape: Any) -> tuple[str, tuple[int, ...]]:
    """Triton's type and shape -> numpy's type name and the shape without the batch."""
    dtype = triton_to_np_dtype(datatype)
    return (np.dtype(dtype).name if dtype else datatype), tuple(int(size) for size in shape[1:])


def _arrays(get: Callable[[str], Any], outputs: list[str], address: str) -> Arrays:
    arrays = [get(output) for output in outputs]
    missing = [output for output, array in zip(outputs, arrays, strict=True) if array is None]
    if missing:
        raise DetectorError(f"{address}: the answer lacks {', '.join(missing)}")
    return arrays
