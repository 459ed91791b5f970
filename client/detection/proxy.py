"""Which addresses are reached through an HTTP proxy: as the environment says, but never those of this machine."""

from __future__ import annotations

import base64
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import unquote, urlsplit

from client.detection.errors import DetectorError

# The first that is set decides, in gRPC's own order (grpc/grpc, core/handshaker/http_connect/http_proxy_mapper.cc).
_PROXIES = {"grpc": ("grpc_proxy", "https_proxy", "http_proxy"), "http": ("http_proxy",)}
_EXCEPTIONS = {"grpc": ("no_grpc_proxy", "no_proxy"), "http": ("no_proxy",)}


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """An HTTP proxy, and the environment variable that names it."""

    host: str
    port: int
    variable: str
    credentials: str | None = field(default=None, repr=False)  # user:password, percent-encoded

    def __str__(self) -> str:
        return f"the proxy {self.host}:{self.port}, which {self.variable} names"

    @property
    def url(self) -> str:
        """With its credentials: not to be shown."""
        user = f"{self.credentials}@" if self.credentials else ""
        return f"http://{user}{self.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        if not self.credentials:
            return {}
        encoded = base64.b64encode(unquote(self.credentials).encode()).decode("ascii")
        return {"Proxy-Authorization": f"Basic {encoded}"}


def proxy_for(
    scheme: Literal["grpc", "http"], host: str, port: int, environment: Mapping[str, str] | None = None
) -> Proxy | None:
    """The proxy between us and an address; None: it is reached directly.

    Variables are read in lower case first, then in upper case; one that is empty means no proxy. ``no_proxy`` holds
    names, with all below them, addresses, networks (``10.0.0.0/8``), each with a port or not, or ``*``.

    Raises:
        DetectorError: the environment names something that is no HTTP proxy.
    """
    environment = os.environ if environment is None else environment
    variable, value = _first_set(environment, _PROXIES[scheme])
    if not value or is_here(host):
        return None
    _, exceptions = _first_set(environment, _EXCEPTIONS[scheme])
    if any(_matches(entry, host.lower(), port) for entry in re.split(r"[,\s]+", exceptions) if entry):
        return None
    return _parse(variable, value)


def is_here(host: str) -> bool:
    """Whether a host is this very machine, by its name or a loopback address (also 0.0.0.0, as servers have it)."""
    host = host.strip("[]").rstrip(".").lower()
    if host in ("localhost", "ip6-localhost", socket.gethostname().lower()) or host.endswith(
        (".localhost", "localhost.localdomain")
    ):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _first_set(environment: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        for spelled in (name, name.upper()):
            if spelled in environment:
                return spelled, environment[spelled].strip()
    return "", ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))  # 127.1, as the system's resolver takes it
        except OSError:
            return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    host, name = host.strip("[]"), entry.lower()
    with_port = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d+)", name)
    if with_port:
        if int(with_port[2]) != port:
            return False
        name = with_port[1]
    name = name.strip("[]")
    address = _address(host)
    if address is not None:
        try:
            return address in ip_network(name, strict=False)
        except ValueError:
            return False
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _parse(variable: str, value: str) -> Proxy:
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host = None
    if parts.scheme != "http" or not host:
        shown = value.rpartition("@")[2]  # without a password
        raise DetectorError(
            f"{variable}: {shown!r} is not the address of an HTTP proxy; write http://host:port, or name the "
            "server in no_proxy to reach it directly"
        )
    credentials = parts.netloc.rpartition("@")[0] or None
    return Proxy(host=f"[{host}]" if ":" in host else host, port=port, variable=variable, credentials=credentials)
