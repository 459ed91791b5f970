"""Runs a program in a network of its own, from which only a SOCKS proxy leads out, to this machine.

    python tests/own_network.py PROGRAM ARGUMENTS ...
    python tests/own_network.py                        only says, by its status, whether that can be done here

Chromium breaks off what it loads (ERR_NETWORK_CHANGED) whenever an interface of its network comes or goes, as those of
containers do; in a network that holds nothing but the loopback interface, none does. The program takes the place of
this process; the proxy listens at 127.0.0.1:1080 there and is a child that ends with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

PROXY = "socks5://127.0.0.1:1080"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # linux/sockios.h, linux/if.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PIECE = 1 << 16
_LIBC = ctypes.CDLL(None, use_errno=True)


def leave() -> bool:
    """Go into a new network whose loopback interface is up; False where this process may not."""
    alone = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if _LIBC.unshare(alone) != 0:
        return False
    try:
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    except OSError:
        return False
    return True


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: SOCKS 5 without a password (RFC 1928), CONNECT only; then bytes both ways."""
    try:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\5\0")
        _, _, _, kind = await reader.readexactly(4)
        length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        address = await reader.readexactly(length)
        host = (
            address.decode() if kind == 3 else socket.inet_ntop({1: socket.AF_INET, 4: socket.AF_INET6}[kind], address)
        )
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(b"\5\5\0\1" + bytes(6))  # refused
            return
        writer.write(b"\5\0\0\1" + bytes(6))
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_PIECE):
            target.write(data)
            await target.drain()
    finally:
        with suppress(OSError):
            target.close()


async def _serve(listening: socket.socket) -> None:
    async with await asyncio.start_server(_relay, sock=listening) as server:
        await server.serve_forever()


def main() -> None:
    """Fork the proxy, which stays in this network; then leave, open its door there, and become the program."""
    if len(sys.argv) == 1:
        raise SystemExit(0 if leave() else 1)
    ours, its = socket.socketpair()
    program = os.getpid()
    if os.fork() == 0:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != program:  # it has ended already
            return
        ours.close()
        _, (door,), _, _ = socket.recv_fds(its, 1, 1)
        asyncio.run(_serve(socket.socket(fileno=door)))
        return
    its.close()
    if not leave():
        raise SystemExit("own_network: this process may not have a network of its own")
    with socket.create_server(("127.0.0.1", 1080), backlog=128) as listening:
        socket.send_fds(ours, [b"x"], [listening.fileno()])
    ours.close()
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
