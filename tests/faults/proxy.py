"""A network that misbehaves: a TCP proxy before a real server, which delays, throttles, cuts and falls silent."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["request", "answer"]  # to the server, to the client
Change = Callable[[bytes], bytes]
_CHUNK = 4096  # bytes: less than an image, so that much can happen in its middle
_AHEAD = 64  # chunks that are under way at a time
_NO_LINGER = struct.pack("ii", 1, 0)  # closing says so at once (RST), and drops what was not sent
_PATIENCE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Each connection ends after so many bytes of one way."""

    way: Way
    after: int
    gently: bool = False  # as who closes in order (FIN), else as who has crashed (RST)


@dataclass(kw_only=True, eq=False)
class _Connection:
    writers: dict[Way, asyncio.StreamWriter]  # "request": the one to the server
    silent: bool
    passed: dict[Way, int] = field(default_factory=lambda: {"request": 0, "answer": 0})
    change: Change | None = None  # what becomes of the answers


class Network:
    """One way to a server on this machine. Every attribute may be changed at any time, from any thread."""

    def __init__(self, server: int, change: Callable[[], Change] | None = None) -> None:
        """Listen on a free port.

        Args:
            server: its port.
            change: makes, for each connection, what gets the answers' bytes and returns those to be passed on.
        """
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None  # of each connection and way
        self.cut: Cut | None = None
        self.new_are_silent = False  # connections are accepted, and then nothing passes
        self.silent_after: int | None = None  # bytes of requests, of all connections: then :meth:`fall_silent`, once
        self.connections = 0  # ever
        self.cuts = 0
        self.passed: dict[Way, int] = {"request": 0, "answer": 0}  # bytes, of all connections
        self._server, self._change = server, change
        self._open: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self.up()

    def up(self) -> None:
        """Accept connections (again), on the same port."""
        self._do(self._listen())

    def down(self) -> None:
        """Cut all connections and refuse new ones."""
        self._do(self._unlisten())

    def leads_to(self, server: int) -> None:
        """To another server from now on; connections to the one before are cut."""
        self._server = server
        self.down()
        self.up()

    def fall_silent(self) -> None:
        """Keep the connections that there are, and let nothing through them any more, not even their end."""
        for connection in list(self._open):
            connection.silent = True

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until something has come about."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"it did not come about; {self.passed} bytes have passed"
            time.sleep(0.005)

    def close(self) -> None:
        self.down()
        self._do(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_PATIENCE_S)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=_CHUNK)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None
        for connection in list(self._open):
            self._end(connection)
        await asyncio.sleep(0)

    async def _end_tasks(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server, limit=_CHUNK)
        except OSError:  # the server is away
            _reset(writer)
            return
        connection = _Connection(writers={"request": to_server, "answer": writer}, silent=self.new_are_silent)
        connection.change = self._change() if self._change else None
        self._open.add(connection)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass_on(connection, reader, "request"), self._pass_on(connection, from_server, "answer")
            )
        self._end(connection)

    async def _pass_on(self, connection: _Connection, reader: asyncio.StreamReader, way: Way) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_AHEAD)
        arriving = asyncio.create_task(self._arrive(connection, under_way, way))
        try:
            due = 0.0
            while data := await reader.read(_CHUNK):
                due = max(due, time.monotonic()) + (len(data) / self.bytes_per_s if self.bytes_per_s else 0)
                await under_way.put((due + self.delay_s, data))
            await under_way.put((due + self.delay_s, b""))
            await arriving
        finally:
            arriving.cancel()

    async def _arrive(self, connection: _Connection, under_way: asyncio.Queue[tuple[float, bytes]], way: Way) -> None:
        writer = connection.writers[way]
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while connection.silent:
                await asyncio.sleep(0.02)
            if not data:
                writer.write_eof()
                return
            if way == "answer" and connection.change:
                data = connection.change(data)
            cut = self.cut if self.cut and self.cut.way == way else None
            left = cut.after - connection.passed[way] if cut else len(data)
            writer.write(data[: max(0, left)])
            connection.passed[way] += len(data)
            self.passed[way] += len(data)
            await writer.drain()
            if self.silent_after is not None and self.passed["request"] > self.silent_after:
                self.silent_after = None
                self.fall_silent()
            if cut and left <= len(data):
                self.cuts += 1
                self._end(connection, gently=cut.gently)
                return

    def _end(self, connection: _Connection, *, gently: bool = False) -> None:
        self._open.discard(connection)
        for writer in connection.writers.values():
            if gently:
                writer.close()
            else:
                _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):  # closed already
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


@contextmanager
def network(server: int, change: Callable[[], Change] | None = None) -> Iterator[Network]:
    """A network that is gone at the end."""
    running = Network(server, change)
    try:
        yield running
    finally:
        running.close()
