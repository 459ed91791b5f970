"""From a server's address as a person writes it to a transport that speaks with it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from client.detection.access import Access
from client.detection.errors import DetectorError
from client.detection.grpc_transport import GrpcTransport
from client.detection.http_transport import HttpTransport
from client.detection.proxy import proxy_for
from client.detection.transport import Transport

WireProtocol = Literal["grpc", "http"]
_DEFAULT_PORT: dict[str, int] = {"grpc": 8001, "grpcs": 8001, "http": 8000}


def connect(url: str, protocol: WireProtocol, access: Access | None = None) -> tuple[Transport, str]:
    """A transport for an address, through the proxy that the environment names for it, and the address in full.

    Raises:
        DetectorError: the address, the proxy's, or a certificate is unusable.
    """
    return _transport(url, protocol, access, own=False)


def connect_directly(url: str, protocol: WireProtocol, access: Access | None = None) -> tuple[Transport, str]:
    """As :func:`connect`, for a server of our own, which no proxy stands before, whatever address it listens on."""
    return _transport(url, protocol, access, own=True)


def _transport(url: str, protocol: WireProtocol, access: Access | None, *, own: bool) -> tuple[Transport, str]:
    try:
        parts = urlsplit(url if "://" in url else f"{protocol}://{url}")
        default = _DEFAULT_PORT[parts.scheme]
        host, port = parts.hostname, default if parts.port is None else parts.port
        # A name that has no form for the name service is an error of the address, not one of the calls.
        usable = host and host.encode("idna") and port and not parts.path.strip("/")
    except (ValueError, KeyError):
        usable = False
    if not usable:
        raise DetectorError(
            f"{url!r} is not the address of a Triton server; write host:port, grpc://host:port, "
            "grpcs://host:port for TLS, or http://host:port"
        )
    assert host
    access = access or Access()
    if parts.scheme == "http" and access.has_tls:
        raise DetectorError(
            f"{url}: Triton speaks TLS over gRPC alone; leave out --protocol http, or the --tls options"
        )
    scheme: WireProtocol = "http" if parts.scheme == "http" else "grpc"
    proxy = None if own else proxy_for(scheme, host, port)
    host = f"[{host}]" if ":" in host else host
    if scheme == "http":
        return HttpTransport(host, port, proxy, headers=dict(access.headers)), f"http://{host}:{port}"
    tls = access.has_tls or parts.scheme == "grpcs"
    transport = GrpcTransport(host, port, proxy, access=access, tls=tls)
    return transport, f"{'grpcs' if tls else 'grpc'}://{host}:{port}"
