from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from training.interrupt import deferred_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_check(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with deferred_interrupt() as check:
        check()
        signal.raise_signal(number)
        finished = True
        with pytest.raises(KeyboardInterrupt):
            check()
    assert finished
    assert signal.getsignal(number) == before


def test_a_second_signal_ends_the_process() -> None:
    code = (
        "import signal\nfrom training.interrupt import deferred_interrupt\n"
        "with deferred_interrupt() as check:\n"
        "    signal.raise_signal(signal.SIGINT)\n    print('first', flush=True)\n"
        "    signal.raise_signal(signal.SIGINT)\n    print('second')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "first\n"
    assert done.returncode == -signal.SIGINT


def test_other_threads_leave_signals_alone() -> None:
    found: list[object] = []

    def run() -> None:
        before = signal.getsignal(signal.SIGINT)
        with deferred_interrupt() as check:
            check()
            found.append(signal.getsignal(signal.SIGINT) == before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [True]
