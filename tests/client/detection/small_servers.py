"""Servers of a few lines: a proxy that counts, and one that says the same to everyone."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

Peer = tuple[str, int]


class Proxy:
    """An HTTP proxy: tunnels by CONNECT, forwards whole addresses; refuses where it is told to.

    Whatever host is asked for, it goes on to ``target``, so that a name need not be known to anybody.
    """

    def __init__(self, target: Peer | None = None, refusal: bytes = b"HTTP/1.1 403 Forbidden\r\n\r\n") -> None:
        self._target, self._refusal = target, refusal
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.asked: list[str] = []  # the first line of each request
        self.heads: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (some := client.recv(65536)):
                    return
                head += some
            line = head.split(b"\r\n")[0].decode()
            self.asked.append(line)
            self.heads.append(head.partition(b"\r\n\r\n")[0].decode())
            if self._target is None:
                client.sendall(self._refusal)
                return
            with socket.create_connection(self._target) as server:
                if line.startswith("CONNECT"):
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                else:  # the first request alone is rewritten: Triton takes whole addresses, too
                    method, url, version = line.split()
                    path = urlsplit(url).path
                    rest = head.partition(b"\r\n")[2]
                    server.sendall(f"{method} {path} {version}\r\n".encode() + rest)
                _copy(client, server)


def _copy(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [])
        for each in ready:
            data = each.recv(65536)
            if not data:
                return
            (other if each is one else one).sendall(data)


@contextmanager
def proxy(target: Peer | None = None, refusal: bytes = b"HTTP/1.1 403 Forbidden\r\n\r\n") -> Iterator[Proxy]:
    running = Proxy(target, refusal)
    try:
        yield running
    finally:
        running.close()


@contextmanager
def says(answer: bytes) -> Iterator[int]:
    """A port where everybody gets this answer, then the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                    with client:
                        client.recv(65536)
                        client.sendall(answer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
