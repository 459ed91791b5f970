from __future__ import annotations

import gc
import multiprocessing
import os
from multiprocessing.connection import Client, Connection
from multiprocessing.resource_sharer import DupFd
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.people import write_people
from tests.training.runs import recipe
from training.data.dataset import EpochSampler, Item
from training.data.labels import DataError
from training.data.samples import load_samples
from training.loader import Feed, _start_worker

CPU = torch.device("cpu")


def feed(people: Path, **settings: Any) -> Feed:
    """Of the ten drawn images."""
    given, samples = recipe(**settings), load_samples(people)
    return Feed(given, samples, EpochSampler(len(samples.samples), given.batch_size, given.seed), CPU)


def pictures(steps: list[list[Item]]) -> list[list[list[float]]]:
    """The mean of each image of each micro-batch of each step: augmentation makes them all different."""
    return [[batch["image"].float().mean((1, 2, 3)).tolist() for batch in step] for step in steps]


def test_micro_batches_of_steps(people: Path) -> None:
    """Ten images in batches of two are five batches, of which two steps of two take four."""
    given = feed(people, batch_size=2, accumulate=2, epochs=3)
    assert (given.steps_per_epoch, given.steps) == (2, 6)
    found = pictures(list(given.from_step(0)))
    assert [[len(batch) for batch in step] for step in found] == [[2, 2]] * 6
    values = [value for step in found for batch in step for value in batch]
    assert len(set(values)) == 24
    single = pictures(list(feed(people, batch_size=2, epochs=3).from_step(0)))
    assert [batch for step in found for batch in step] == [
        single[i][0] for i in (0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13)
    ]


@pytest.mark.parametrize("step", [0, 1, 3, 4, 5, 6])
def test_a_run_goes_on_from_any_step(people: Path, step: int) -> None:
    settings = {"batch_size": 2, "accumulate": 2, "epochs": 3}
    whole = pictures(list(feed(people, **settings).from_step(0)))
    assert pictures(list(feed(people, **settings).from_step(step))) == whole[step:]


def test_workers_make_the_same(people: Path) -> None:
    """The loader runs on across epochs, so that its workers never wait for the end of one."""
    settings = {"batch_size": 3, "epochs": 3}
    assert pictures(list(feed(people, workers=2, **settings).from_step(2))) == pictures(
        list(feed(people, **settings).from_step(2))
    )


def test_a_failed_image_ends_the_workers_at_once(tmp_path: Path) -> None:
    """Else they stay until the process ends, and that waits half a minute for them."""
    people = write_people(tmp_path, 10)
    given = feed(people, workers=2, batch_size=2)
    (tmp_path / "drawn/images/004.png").unlink()
    before = set(multiprocessing.active_children())
    gc.disable()
    try:
        with pytest.raises(DataError, match=r"^\S*/drawn/images/004\.png: missing or no readable image$"):
            list(given.from_step(0))
        assert not set(multiprocessing.active_children()) - before
    finally:
        gc.enable()


def test_a_worker_says_nothing_of_a_parent_that_breaks_off(capfd: pytest.CaptureFixture[str]) -> None:
    """As one does that hears of another worker's death while it takes a tensor of this one."""
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=_hand_over_a_file, args=(there,))
    worker.start()
    shared = here.recv()
    address, _ = shared._id
    Client(address, authkey=multiprocessing.current_process().authkey).close()
    os.close(shared.detach())  # it still hands over what is asked for
    here.send(None)
    worker.join(60)
    assert (worker.exitcode, capfd.readouterr().err) == (0, "")


def _hand_over_a_file(pipe: Connection) -> None:
    _start_worker(0)
    pipe.send(DupFd(pipe.fileno()))
    pipe.recv()


def test_too_few_images_make_no_step(people: Path) -> None:
    given = feed(people, batch_size=6, accumulate=2)
    assert given.steps == 0
    assert list(given.from_step(0)) == []


def test_waiting_is_measured(people: Path) -> None:
    """Without workers everything is waiting."""
    given = feed(people, batch_size=5, epochs=1)
    waits = [given.waited for _ in given.from_step(0)]
    assert len(waits) == 2
    assert all(0 < wait < 60 for wait in waits)


def test_advice_names_what_can_be_changed(people: Path) -> None:
    assert feed(people).advice(0.05) == ""
    advice = feed(people, workers=2).advice(0.42)
    assert advice.startswith("42% of the time goes into waiting for data: raise workers (now 2), or set cache=true")
    assert "cache" not in feed(people, cache=True).advice(0.42)
