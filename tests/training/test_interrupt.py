from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from training.interrupt import STOPS, deferred_interrupt, signals_interrupt, undisturbed


@pytest.mark.parametrize("number", STOPS)
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


@pytest.mark.parametrize("number", STOPS)
def test_where_nothing_can_be_torn_a_signal_is_an_interrupt(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), signals_interrupt():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_nohup_keeps_its_word() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_interrupt(), deferred_interrupt() as check:
            signal.raise_signal(signal.SIGHUP)
            check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_death_of_a_worker_waits() -> None:
    """torch raises it out of a handler of SIGCHLD."""

    def worker_died(_number: int, _frame: object) -> None:
        raise RuntimeError("a worker died")

    before = signal.signal(signal.SIGCHLD, worker_died)
    finished = False
    try:
        with pytest.raises(RuntimeError, match="a worker died"), undisturbed():
            signal.raise_signal(signal.SIGCHLD)
            finished = True
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert finished
