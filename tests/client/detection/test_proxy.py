"""client.detection.proxy: what is reached through a proxy, and what never is."""

from __future__ import annotations

import socket

import pytest

from client.detection.errors import DetectorError
from client.detection.proxy import proxy_for

PROXY = {"http_proxy": "http://proxy.corp:3128"}


@pytest.mark.parametrize("scheme", ["grpc", "http"])
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.9.10", "127.1", "localhost", "LOCALHOST", "localhost.", "a.localhost"),
        *("localhost.localdomain", "::1", "[::1]", "::ffff:127.0.0.1", "0.0.0.0", "::", socket.gethostname()),
    ],
)
def test_this_machine_is_reached_directly(scheme: str, host: str) -> None:
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY"), "http://proxy.corp:3128")
    assert proxy_for(scheme, host, 8001, proxies) is None


@pytest.mark.parametrize(
    "host", ["triton", "10.1.2.3", "2001:db8::1", "128.0.0.1", "notlocalhost", "localhost.evil.org"]
)
def test_other_hosts_are_reached_through_it(host: str) -> None:
    proxy = proxy_for("http", host, 8000, PROXY)
    assert proxy and (proxy.host, proxy.port, proxy.url) == ("proxy.corp", 3128, "http://proxy.corp:3128")
    assert str(proxy) == "the proxy proxy.corp:3128, which http_proxy names"


@pytest.mark.parametrize(
    ("scheme", "environment", "variable"),
    [
        ("grpc", {"http_proxy": "a:1", "https_proxy": "b:2", "grpc_proxy": "c:3"}, "grpc_proxy"),
        ("grpc", {"http_proxy": "a:1", "https_proxy": "b:2"}, "https_proxy"),
        ("grpc", {"http_proxy": "a:1"}, "http_proxy"),
        ("http", {"http_proxy": "a:1", "https_proxy": "b:2", "grpc_proxy": "c:3"}, "http_proxy"),
        ("http", {"HTTP_PROXY": "a:1"}, "HTTP_PROXY"),
        ("grpc", {"GRPC_PROXY": "a:1", "http_proxy": "b:2"}, "GRPC_PROXY"),
        ("http", {"HTTP_PROXY": "a:1", "http_proxy": "b:2"}, "http_proxy"),
        ("http", {"https_proxy": "b:2"}, None),
        ("http", {"HTTP_PROXY": "a:1", "http_proxy": ""}, None),  # as people switch it off
        ("http", {}, None),
    ],
)
def test_which_variable_decides(scheme: str, environment: dict[str, str], variable: str | None) -> None:
    proxy = proxy_for(scheme, "triton", 8000, environment)
    assert (proxy.variable if proxy else None) == variable


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("triton.corp", "triton.corp", True),
        ("TRITON.corp", "triton.CORP", True),
        (".corp", "triton.corp", True),
        ("corp", "triton.corp", True),
        ("*.corp", "triton.corp", True),
        ("corp", "triton.notcorp", False),
        ("a.corp, triton.corp", "triton.corp", True),
        ("a.corp triton.corp", "triton.corp", True),
        ("*", "anything", True),
        ("triton.corp:8000", "triton.corp", True),
        ("triton.corp:9000", "triton.corp", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("1.2.3", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("[2001:db8::1]:8000", "2001:db8::1", True),
        ("", "triton.corp", False),
    ],
)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_exceptions_are_obeyed(name: str, no_proxy: str, host: str, direct: bool) -> None:
    assert (proxy_for("http", host, 8000, PROXY | {name: no_proxy}) is None) == direct
    assert (proxy_for("grpc", host, 8000, PROXY | {name: no_proxy}) is None) == direct


def test_credentials_are_sent_and_not_shown() -> None:
    proxy = proxy_for("http", "triton", 8000, {"http_proxy": "http://me:p%40ss@proxy:3128/"})
    assert proxy and proxy.headers == {"Proxy-Authorization": "Basic bWU6cEBzcw=="}  # me:p@ss
    assert proxy.url == "http://me:p%40ss@proxy:3128"
    assert "p%40ss" not in f"{proxy} {proxy!r}"


@pytest.mark.parametrize(
    "value", ["socks5://me:secret@proxy:1080", "https://proxy:443", "http://", "http://proxy:port"]
)
def test_what_is_no_http_proxy_is_named(value: str) -> None:
    with pytest.raises(
        DetectorError, match=r"http_proxy: '.*' is not the address of an HTTP proxy; .*no_proxy"
    ) as found:
        proxy_for("http", "triton", 8000, {"http_proxy": value})
    assert "secret" not in str(found.value)
