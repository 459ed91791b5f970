"""Calls to a Triton server over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from tritonclient.grpc import InferenceServerClient as GrpcClient
from tritonclient.grpc import InferResult, raise_error_grpc
from tritonclient.grpc.service_pb2 import ModelInferResponse
from tritonclient.utils import InferenceServerException

from client.detection.access import Access
from client.detection.errors import DetectorError
from client.detection.grpc_message import request
from client.detection.proxy import Proxy
from client.detection.transport import (
    MALFORMED,
    MAX_ANSWER,
    MAX_REQUEST,
    Arrays,
    Image,
    MistrustError,
    RegionLostError,
    ServedModel,
    SharedImage,
    UnavailableError,
    arrays,
    described,
    is_for_now,
    is_lost_region,
    newest,
    printable,
    unavailable,
    unknown_model,
)

# channel_args replace tritonclient's defaults, whose message sizes are 2 GB.
_CHANNEL: list[tuple[str, int | str]] = [
    ("grpc.max_send_message_length", MAX_REQUEST),
    ("grpc.max_receive_message_length", MAX_ANSWER),
    # Notices a host that vanished without closing its connections, as fast as a call does. gRPC 1.85 goes by the second
    # alone, whose own value is a minute; shorter than a call's deadline, and a ping that waits behind images on a slow
    # line would end a connection that works.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A server that comes back is found within two seconds; gRPC's own limit is two minutes, and other clients
    # of this process would share it.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
    # A name with several addresses is several servers, and it is asked again when a connection ends: servers that
    # end theirs now and then (`mot serve --connection-age`) let clients find new ones. gRPC's own limit is 30 s.
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
]
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_RESTRICTED = "This protocol is restricted"  # without a header (--header) that only some know; UNAVAILABLE to Triton
_TRY_AGAIN = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED"}


class GrpcTransport:
    """One channel for all threads: tritonclient's gRPC client allows that."""

    def __init__(
        self, host: str, port: int, proxy: Proxy | None = None, *, access: Access | None = None, tls: bool = False
    ) -> None:
        """``tls``: even where ``access`` names no certificate, then with the authorities that gRPC brings along."""
        access = access or Access()
        self._tls, self._access = tls or access.has_tls, access
        if self._tls:
            access.check_files()
        self._address = f"{'grpcs' if self._tls else 'grpc'}://{host}:{port}"
        self._via = f" (through {proxy})" if proxy else ""
        # gRPC has rules of its own for the environment; client.detection.proxy has decided already.
        way = ("grpc.http_proxy", proxy.url) if proxy else ("grpc.enable_http_proxy", 0)
        paths = {
            "root_certificates": access.tls_ca,
            "private_key": access.tls_key,
            "certificate_chain": access.tls_cert,
        }
        self._client: Any = GrpcClient(
            f"{host}:{port}",
            ssl=self._tls,
            channel_args=[*_CHANNEL, way],
            **{name: str(path) for name, path in paths.items() if path and self._tls},
        )
        # tritonclient's own call makes a message of objects each time; ours is made of bytes.
        self._infer = self._client._channel.unary_unary(_INFER, response_deserializer=ModelInferResponse.FromString)
        self._headers = dict(access.headers)

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        with self._translated():
            if not self._client.is_server_ready(headers=self._headers, client_timeout=timeout_s):
                raise UnavailableError(f"{self._address}: the server is not ready")
        try:
            with self._translated():
                metadata = self._client.get_model_metadata(model, headers=self._headers, client_timeout=timeout_s)
                config = self._client.get_model_config(model, headers=self._headers, client_timeout=timeout_s).config
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
            version=newest(metadata.versions),
        )

    def infer(self, model: str, image: tuple[str, Image | SharedImage], outputs: list[str], timeout_s: float) -> Arrays:
        message = request(model, *image, tuple(outputs))
        with self._translated():
            try:
                answer = self._infer(message, metadata=tuple(self._headers.items()), timeout=timeout_s)
            except grpc.RpcError as error:
                raise_error_grpc(error)
        try:
            return arrays(InferResult(answer).as_numpy, outputs, self._address)
        except MALFORMED as error:
            raise DetectorError(f"{self._address}: an answer cannot be decoded: {printable(str(error))}") from error

    def answered(self, model: str, timeout_s: float) -> int:
        with self._translated():
            said = self._client.get_inference_statistics(model, headers=self._headers, client_timeout=timeout_s)
        return sum(version.inference_count for version in said.model_stats)

    def register(self, region: str, size: int, timeout_s: float) -> None:
        with self._translated():
            self._client.register_system_shared_memory(
                region, f"/{region}", size, headers=self._headers, client_timeout=timeout_s
            )

    def unregister(self, region: str, timeout_s: float) -> None:
        with self._translated():
            self._client.unregister_system_shared_memory(region, headers=self._headers, client_timeout=timeout_s)

    def regions(self, timeout_s: float) -> list[str]:
        with self._translated():
            status = self._client.get_system_shared_memory_status(headers=self._headers, client_timeout=timeout_s)
        return list(status.regions)

    def close(self) -> None:
        self._client.close()

    def _models(self, timeout_s: float) -> list[str]:
        try:
            index = self._client.get_model_repository_index(headers=self._headers, client_timeout=timeout_s)
        except InferenceServerException:  # a server may keep that to itself
            return []
        return [model.name for model in index.models]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            if explained := _mistrust(str(error), self._access if self._tls else None):
                raise MistrustError(f"{self._address}: {explained}{self._via}") from error
            again = error.status() in _TRY_AGAIN or is_for_now(str(error))
            again = again and _RESTRICTED not in str(error)
            kind: type[DetectorError] = unavailable(str(error)) if again else DetectorError
            kind = RegionLostError if is_lost_region(str(error)) else kind
            raise kind(f"{self._address}: {printable(str(error))}{self._via}") from error


def _mistrust(reason: str, access: Access | None) -> str:
    """What gRPC's words about certificates mean and what helps; empty where they are about something else.

    Args:
        access: ours; None where we speak without TLS.
    """
    if "certificate has expired" in reason:
        return "the server's certificate has expired; it needs a new one"
    if "certificate is not yet valid" in reason:
        return "the server's certificate is not valid yet; check the clocks"
    if "Hostname Verification Check failed" in reason:
        return "the server's certificate is for another host; use the name that it is for, or another certificate"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        known = "in gRPC's list" if access is None or access.tls_ca is None else f"in {access.tls_ca}"
        return f"the server's certificate is from no authority {known}; name its authority's with --tls-ca"
    if "WRONG_VERSION_NUMBER" in reason:
        return "the server speaks without TLS; write grpc:// and give no --tls option, or check the port"
    if "Socket closed" not in reason or "connections to all backends failing" not in reason:
        return ""
    if access is None:
        helps = (
            "speaks TLS, or no gRPC, does; name its authority with --tls-ca, or check the port: Triton listens on port "
            "8001 for gRPC and 8000 for HTTP unless told otherwise"
        )
    elif access.tls_cert is None:
        helps = "wants a certificate does; give --tls-cert and --tls-key"
    else:
        helps = f"does not trust {access.tls_cert} does: it is another authority's, or has expired"
    return f"the server hangs up at once, as one that {helps}"
