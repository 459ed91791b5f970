"""A server that is frozen, as by a debugger or by a machine that is suspended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from client.serving.server import EmbeddedServer


@contextmanager
def frozen(server: EmbeddedServer) -> Iterator[None]:
    """It still takes connections, and says nothing.

    Its model processes go on: a model process that is frozen, too, may hold the lock that the server waits for, and
    Triton 2.51 aborts where that has taken seconds (boost::interprocess::lock_exception, in one of five tries of 18 s).
    """
    assert server.process
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
