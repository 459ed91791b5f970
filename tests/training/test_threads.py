from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch

from training import threads
from training.threads import Processors, choose_threads

CPU = torch.device("cpu")


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("seconds", "chosen"), [({1: 1.0, 2: 0.6}, 2), ({1: 1.0, 2: 0.95}, 1), ({1: 0.1, 2: 3.1}, 1)])
def test_threads_must_pay(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], chosen: int) -> None:
    monkeypatch.setattr(threads._Work, "seconds", lambda _self, count: seconds[count])
    assert choose_threads() == torch.get_num_threads() == chosen


@pytest.mark.usefixtures("two_threads")
def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(threads._Work, "seconds", lambda _self, count: {1: 0.1, 2: 3.1}[count])
    assert choose_threads() == torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_trying_takes_a_moment_and_draws_no_random_numbers() -> None:
    state = torch.get_rng_state()
    begun = time.perf_counter()
    assert choose_threads() in (1, 2)
    assert time.perf_counter() - begun < 30
    assert torch.equal(torch.get_rng_state(), state)


def test_waiting_for_processors_is_said() -> None:
    torch.set_num_threads(1)
    processors = Processors()
    time.sleep(0.3)  # as if others computed
    assert processors.advice(0.0, CPU).startswith("1 threads compute")
    assert processors.advice(0.9, CPU) == "", "that is waiting for data"
    time.sleep(0.1)
    assert processors.advice(0.0, torch.device("meta")) == ""
