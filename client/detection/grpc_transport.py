"""Calls to a Triton server over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tritonclient.grpc as triton_grpc
from tritonclient.grpc import InferenceServerClient as GrpcClient
from tritonclient.utils import InferenceServerException

from client.detection.detector import DetectorError
from client.detection.proxy import Proxy
from client.detection.transport import (
    MAX_ANSWER,
    MAX_REQUEST,
    Arrays,
    Image,
    ServedModel,
    UnavailableError,
    arrays,
    described,
    is_dead_process,
    printable,
    unknown_model,
)

# channel_args replace tritonclient's defaults, whose message sizes are 2 GB.
_CHANNEL: list[tuple[str, int | str]] = [
    ("grpc.max_send_message_length", MAX_REQUEST),
    ("grpc.max_receive_message_length", MAX_ANSWER),
    ("grpc.keepalive_time_ms", 20_000),  # notices a host that vanished without closing its connections
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that comes back is found within two seconds; gRPC's own limit is two minutes, and other clients
    # of this process would share it.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.lb_policy_name", "round_robin"),  # a name with several addresses is several servers
]
_TRY_AGAIN = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED"}


class GrpcTransport:
    """One channel for all threads: tritonclient's gRPC client allows that."""

    def __init__(self, host: str, port: int, proxy: Proxy | None = None) -> None:
        self._address = f"grpc://{host}:{port}"
        self._via = f" (through {proxy})" if proxy else ""
        # gRPC has rules of its own for the environment; client.detection.proxy has decided already.
        way = ("grpc.http_proxy", proxy.url) if proxy else ("grpc.enable_http_proxy", 0)
        self._client: Any = GrpcClient(f"{host}:{port}", channel_args=[*_CHANNEL, way])

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        with self._translated():
            if not self._client.is_server_ready(client_timeout=timeout_s):
                raise UnavailableError(f"{self._address}: the server is not ready")
        try:
            with self._translated():
                metadata = self._client.get_model_metadata(model, client_timeout=timeout_s)
                config = self._client.get_model_config(model, client_timeout=timeout_s).config
        except UnavailableError:
            raise
        except DetectorError as error:
            if "unknown model" in str(error):
                raise unknown_model(self._address, model, self._models(timeout_s)) from error
            raise
        return ServedModel(
            inputs={tensor.name: described(tensor.datatype, tensor.shape) for tensor in metadata.inputs},
            outputs={tensor.name: described(tensor.datatype, tensor.shape) for tensor in metadata.outputs},
            parameters={key: value.string_value for key, value in config.parameters.items()},
        )

    def infer(self, model: str, image: tuple[str, Image], outputs: list[str], timeout_s: float) -> Arrays:
        name, pixels = image
        tensor = triton_grpc.InferInput(name, pixels.shape, "UINT8").set_data_from_numpy(pixels)
        wanted = [triton_grpc.InferRequestedOutput(output) for output in outputs]
        with self._translated():
            answer = self._client.infer(model, [tensor], outputs=wanted, client_timeout=timeout_s)
        return arrays(answer.as_numpy, outputs, self._address)

    def close(self) -> None:
        self._client.close()

    def _models(self, timeout_s: float) -> list[str]:
        try:
            index = self._client.get_model_repository_index(client_timeout=timeout_s)
        except InferenceServerException:  # a server may keep that to itself
            return []
        return [model.name for model in index.models]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            again = error.status() in _TRY_AGAIN or is_dead_process(str(error))
            kind = UnavailableError if again else DetectorError
            raise kind(f"{self._address}: {printable(str(error))}{self._via}") from error
