"""client.signals: what a signal asks for is done, whatever it comes in the middle of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from client.ui.settings import ENVIRONMENT
from tests.client.ui.pages import page_settings
from tests.command import ROOT

# Sends SIGTERM from each step of the main thread within an event, and so also while it holds the event's lock.
AT_EACH_STEP = """
import os, signal, sys, threading
def send(frame, what, argument):
    if frame.f_code.co_filename == threading.__file__ and sends(frame):
        os.kill(os.getpid(), signal.SIGTERM)
    return send if frame.f_code.co_filename == threading.__file__ else None
"""
WAITER = """
from itertools import count
from client.commands.running import stopped_by_signals
from tests.each_call import in_a_child
def wait(number):
    global sends
    steps = count(1)
    sends = lambda frame: next(steps) == number
    with stopped_by_signals() as stop:
        sys.settrace(send)
        while not stop.wait(0.01):
            pass
for number in range(1, 80):  # of which one wait has fewer
    print(in_a_child(lambda: wait(number)), flush=True)
"""
WORKER = """
from client.ui.settings import Settings
from client.ui.work import worker
def sends(frame):  # while the worker's loop waits for its event, whose lock it has at first
    within = threading.Condition.wait.__code__, threading.Event.wait.__code__, worker.Worker.work.__code__
    return (frame.f_code, frame.f_back.f_code, frame.f_back.f_back.f_code) == within
settings = Settings.of_environment()
def begin(word):
    sys.settrace(send)
worker.event = begin  # from when on it says that it is ready
worker.work(settings)
sys.settrace(None)
print("ended")
"""


def run(script: str, **environment: str) -> list[str]:
    command = [sys.executable, "-c", AT_EACH_STEP + script]
    return subprocess.check_output(
        command, text=True, cwd=ROOT, env=os.environ | environment, timeout=120, process_group=0
    ).splitlines()


def test_a_command_that_waits_for_its_event() -> None:
    assert set(run(WAITER)) == {"0"}


def test_a_worker_that_gets_many(tmp_path: Path) -> None:
    settings = page_settings(tmp_path)
    assert run(WORKER, **{ENVIRONMENT: settings.environment()[ENVIRONMENT]}) == ["ended"]
