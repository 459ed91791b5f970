"""The ports that a server of our own listens on."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from client.serving.errors import ServerError


def free_ports(host: str, wanted: tuple[int, int, int]) -> tuple[int, int, int]:
    """Replace each 0 by a port that is free now.

    Args:
        host: IPv4 address of this machine, or a name of it.

    Raises:
        ServerError: another port is taken or not allowed, or the host is not an address of this machine.
    """
    with ExitStack() as held:
        ports = []
        for port in wanted:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ServerError(f"cannot serve on {host}:{port}: {_explained(error)}") from error
            ports.append(probe.getsockname()[1])
    return ports[0], ports[1], ports[2]


def _explained(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{error.strerror}: the host is not an IPv4 address of this machine; choose 127.0.0.1 for this machine "
            "alone, 0.0.0.0 for all of its addresses, or one of these (`hostname -I` lists them)"
        )
    if error.errno == errno.EACCES:
        return f"{error.strerror}; choose a port from 1024 on, as those below are the system's"
    return f"{error.strerror}; choose another port"
