"""What a task of a cluster does where the cluster itself cannot be had; the rest: ``tests/integration``."""

from __future__ import annotations

import os
import signal
from threading import Event

from client.batch.cluster import taken_back


def test_an_interrupt_asks_a_task_to_stop_and_raises_nothing_wherever_it_is() -> None:
    before, stop = signal.getsignal(signal.SIGINT), Event()
    with taken_back(stop):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(60)
    assert signal.getsignal(signal.SIGINT) is before
