"""From the training set to micro-batches on the device, and how long the loop waited for them."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import fields
from multiprocessing.queues import Queue
from pathlib import Path
from traceback import clear_frames
from types import TracebackType

import cv2
import torch
from torch._utils import ExceptionWrapper
from torch.utils.data import DataLoader, Sampler
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from mot.errors import MotError
from training.data.dataset import EpochSampler, Item, Key, TrainingSet
from training.data.labels import DataError
from training.data.samples import SampleSet
from training.data.targets import Targets
from training.interrupt import leave_interrupts_to_parent
from training.recipe import Recipe

# Where the iterator cannot be made, for want of shared memory or processes, torch traces that it cannot be ended.
_MultiProcessingDataLoaderIter._shutdown = True

MUCH_WAITING = 0.2  # share of the time
_PREFETCH = 2  # batches that each worker loads ahead, as torch has it
_PIPES = 4  # files of a worker: its queue, its end
_SPARE = 16  # files that are open for a moment: an image, a connection, a checkpoint


class Feed:
    """The micro-batches of a run, ``accumulate`` of them a step.

    The loader runs on across epochs: its workers are busy with the next one while the last steps of this are made.
    """

    def __init__(self, recipe: Recipe, samples: SampleSet, sampler: EpochSampler, device: torch.device) -> None:
        self.steps_per_epoch = len(sampler) // recipe.accumulate  # what is left over is dropped
        self.steps = recipe.epochs * self.steps_per_epoch
        self.waited = 0.0  # seconds that the last step waited
        self._recipe = recipe
        self._device = device
        self._dataset = TrainingSet(
            samples,
            width=recipe.width,
            height=recipe.height,
            max_objects=recipe.max_objects,
            augment=recipe.augment,
            seed=recipe.seed,
            cache=recipe.cache,
        )
        self._order = _RunSampler(sampler, self.steps_per_epoch * recipe.accumulate, recipe.epochs)

    def from_step(self, step: int) -> Generator[list[Item], None, None]:
        """The micro-batches of each step of the run from ``step`` (from 0) on.

        Raises:
            DataError: an image cannot be read.
            MotError: the system allows too few open files.
            RuntimeError, OSError, EOFError: a worker died, or cannot hand over what it has loaded.
        """
        self._order.first_batch = step * self._recipe.accumulate
        pinned = self._device.type == "cuda"
        with closing(
            load_items(self._dataset, self._order, self._recipe.workers, self._recipe.accumulate, pin_memory=pinned)
        ) as loaded:
            for _ in range(step, self.steps):
                begun = time.perf_counter()
                batches = [next(loaded) for _ in range(self._recipe.accumulate)]
                moved = [
                    {name: tensor.to(self._device, non_blocking=True) for name, tensor in batch.items()}
                    for batch in batches
                ]
                self.waited = time.perf_counter() - begun
                yield moved

    def advice(self, waiting: float) -> str:
        """What to change where a share ``waiting`` of the time goes into waiting for data; empty where all is well."""
        if waiting < MUCH_WAITING:
            return ""
        remedies = [f"raise workers (now {self._recipe.workers})"]
        if not self._recipe.cache:
            remedies.append("set cache=true, if the images fit into memory once for each worker")
        return f"{waiting:.0%} of the time goes into waiting for data: {', or '.join(remedies)}"


def load_items(
    dataset: TrainingSet, batches: Iterable[list[Key]], workers: int, held: int = 1, *, pin_memory: bool = False
) -> Generator[Item]:
    """Yield these batches as ``workers`` processes load them (0: this one); they end with the generator.

    Args:
        held: batches that are in use at a time.

    Raises:
        DataError, MotError, RuntimeError, OSError, EOFError: as :meth:`Feed.from_step` has it.
    """
    _allow_open_files(workers, held)
    loaded = iter(
        DataLoader(
            dataset, batch_sampler=batches, num_workers=workers, worker_init_fn=_start_worker, pin_memory=pin_memory
        )
    )
    try:
        yield from loaded
        return
    except (DataError, RuntimeError, OSError, EOFError, KeyboardInterrupt) as error:
        end = _anew(error)
    del loaded
    raise end


def _allow_open_files(workers: int, held: int) -> None:
    """Raise this process's limit of open files to what the loader's workers, started next, need; never lower it.

    Where one of them found no file left, an image could not be read, and its neighbours wait for each other.

    Raises:
        MotError: the system allows fewer.
    """
    if workers == 0:
        return
    tensors = 1 + len(fields(Targets))  # of an item; each of a batch costs two files until it is taken
    batches = _PREFETCH * workers + held
    needed = len(list(Path("/dev/fd").iterdir())) + _PIPES * workers + 2 * tensors * batches + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise MotError(
                f"the system allows {hard} open files, and {workers} workers that load images need {needed}: raise the "
                "limit (ulimit -n), or lower workers"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class _RunSampler(Sampler[list[Key]]):
    """The batches of all epochs, one after the other, from any of them on."""

    def __init__(self, epoch: EpochSampler, batches: int, epochs: int) -> None:
        self._epoch = epoch
        self._batches = batches  # of an epoch
        self._epochs = epochs
        self.first_batch = 0

    def __iter__(self) -> Iterator[list[Key]]:
        if self._batches == 0:
            return
        first, skipped = divmod(self.first_batch, self._batches)
        for number in range(first, self._epochs):
            self._epoch.epoch, self._epoch.first_batch = number, skipped
            for _, keys in zip(range(skipped, self._batches), self._epoch, strict=False):
                yield keys
            skipped = 0


def _anew(error: BaseException) -> BaseException:
    """The error without what it holds: its frames would keep the other workers alive until the process ends."""
    clear_frames(error.__traceback__)
    if not isinstance(error, DataError):
        return type(error)(*error.args)
    # torch puts a worker's traceback around its error; the last line is what the worker raised.
    line = str(error).strip().splitlines()[-1]
    return DataError(line.removeprefix(f"{DataError.__module__}.{DataError.__qualname__}: "))


def _start_worker(worker: int) -> None:
    leave_interrupts_to_parent(worker)
    sys.excepthook = _unless_broken_off  # of the thread that hands over files
    # What a worker cannot hand over, as each tensor costs it an open file, Python traces and drops, and the parent
    # waits for it for ever.
    Queue._on_queue_feeder_error = _tell_parent  # type: ignore[attr-defined]
    # No threads of OpenCV's: there is a worker for each core to be used. Not 1, which waits for the parent's threads
    # to end, and these do not exist in a forked process.
    cv2.setNumThreads(0)


def _unless_broken_off(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The parent may end while it takes a tensor, and says why itself."""
    if not isinstance(error, (EOFError, ConnectionError)):
        sys.__excepthook__(kind, error, trace)


def _tell_parent(queue: Queue[tuple[int, object]], _error: Exception, batch: tuple[int, object]) -> None:
    """Called while the error is handled: hand it over in the batch's place, as torch does with those of a data set."""
    wrapped = ExceptionWrapper(where="in a worker that loads images")  # type: ignore[no-untyped-call]
    queue.put((batch[0], wrapped))
