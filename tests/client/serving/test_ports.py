"""client.serving.ports: which ports a server gets, and why it does not."""

from __future__ import annotations

import socket

import pytest

from client.serving.errors import ServerError
from client.serving.ports import free_ports


def test_zeros_become_three_different_ports() -> None:
    ports = free_ports("127.0.0.1", (0, 0, 0))
    assert len(set(ports)) == 3 and all(ports)


def test_a_port_that_is_given_stays() -> None:
    port = free_ports("127.0.0.1", (0, 0, 0))[0]
    assert free_ports("127.0.0.1", (port, 0, 0))[0] == port


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port}: Address already in use; choose another port$"):
            free_ports("127.0.0.1", (0, port, 0))


@pytest.mark.parametrize("host", ["192.0.2.1", "10.99.99.99", "nobody.invalid", "::1"])
def test_a_host_that_is_not_this_machine(host: str) -> None:
    with pytest.raises(ServerError, match=r"the host is not an IPv4 address of this machine; choose 127\.0\.0\.1") as e:
        free_ports(host, (0, 0, 0))
    assert "another port" not in str(e.value)
