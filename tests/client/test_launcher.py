"""client.launcher: what is started ends with who started it, in order if it can; of its group nothing is left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from client.launcher import ending_with_us
from tests.command import ROOT

LONGEST_S = 120  # for what must come about by itself, on a busy machine
PARENT = """
import subprocess, sys, time
from client.launcher import ending_with_us
subprocess.Popen(ending_with_us([sys.executable, "-c", sys.argv[1]], float(sys.argv[2])), process_group=0)
time.sleep(1000)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("ready", flush=True)
while True: time.sleep(1000)
"""
ORDERLY = """
import signal, time
def end(*_):
    print("asked", flush=True)
    time.sleep(1)
    print("ended")
    raise SystemExit
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True: time.sleep(1000)
"""
FORSAKING = 'import subprocess; subprocess.Popen(["sleep", "1000"]); print("ready", flush=True)'
STUCK = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
print("ready", flush=True)
time.sleep(1000)
"""


@contextmanager
def parent(of: str, grace_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process that has started another, which is ready; both write to one pipe, which ends with the last of them."""
    command = [sys.executable, "-c", PARENT, of, str(grace_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize(("of", "said"), [(STUBBORN, "asked\n"), (STUCK, "")], ids=["stubborn", "stuck"])
def test_who_does_not_end_when_asked_is_killed(of: str, said: str) -> None:
    with parent(of, grace_s=5) as process:
        process.kill()
        assert process.communicate(timeout=LONGEST_S)[0] == said


def test_who_ends_in_order_has_time_for_it() -> None:
    with parent(ORDERLY, grace_s=2 * LONGEST_S) as process:
        process.kill()
        assert process.communicate(timeout=LONGEST_S)[0] == "asked\nended\n"


def test_what_it_has_started_ends_with_it() -> None:
    done = subprocess.run(
        ending_with_us([sys.executable, "-c", FORSAKING]),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        timeout=LONGEST_S,
        check=True,
    )
    assert done.stdout == "ready\n"


def test_nothing_starts_where_the_parent_has_ended_already() -> None:
    """Another process than the one that asked for it stands for whoever adopts it."""
    command = ending_with_us([sys.executable, "-c", "print('started')"])
    other = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:], process_group=0)", *command]
    done = subprocess.run(other, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=True)
    assert done.stdout == ""
    assert subprocess.check_output(command, text=True, process_group=0) == "started\n"
