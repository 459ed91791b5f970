from __future__ import annotations

import errno

import pytest
import torch

from mot.errors import MotError
from tests.training.runs import recipe
from training.data.labels import DataError
from training.failures import explained, explanation

RECIPE = recipe(batch_size=8, workers=3, cache=True)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
            r"GPU's memory .* batch_size \(now 8",
        ),
        (MemoryError("Unable to allocate 12 GiB"), r"memory is used up; lower batch_size \(now 8.*cache=false"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:115] . DefaultCPUAllocator: can't allocate"),
            "memory is used up",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory is used up"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), r"a worker .* was killed.*now 3"),
        (RuntimeError("DataLoader worker (pid(s) 7) exited unexpectedly"), "a worker .* was killed"),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's"),
            "/dev/shm.*--set workers=0",
        ),
        (RuntimeError("unable to write to file </torch_1_2_3>: No space left on device (28)"), "/dev/shm"),
        (
            RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2_3>: No space left on device (28)"),
            "shared memory.*--set workers=0",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "shared memory.*--set workers=0"),
        (OSError(errno.EROFS, "Read-only file system", "runs/x"), "runs/x: Read-only file system; .*--output"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/log.csv"), r"runs/log\.csv: no space left"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_the_user_can_mend_is_one_line(error: Exception, remedy: str) -> None:
    error.add_note("last.pt is saved, --resume goes on")
    with pytest.raises(MotError, match=rf"{remedy}.*; last\.pt is saved, --resume goes on$"), explained(RECIPE):
        raise error


def set_after_a_death() -> SystemError:
    error = SystemError("returned a result with an exception set")
    error.__cause__ = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")
    return error


@pytest.mark.parametrize(
    "error", [set_after_a_death(), ConnectionResetError(104, "Connection reset by peer"), EOFError()]
)
def test_what_a_library_made_of_a_worker_s_death(error: Exception) -> None:
    with pytest.raises(MotError, match="a worker that loads images was killed"), explained(RECIPE):
        raise error


def test_errors_for_users_stay_and_say_what_is_saved() -> None:
    error = DataError("a.png: no image")
    error.add_note("last.pt is saved")
    with pytest.raises(MotError, match=r"^a\.png: no image; last\.pt is saved$"), explained(RECIPE):
        raise error


@pytest.mark.parametrize("error", [ValueError("shapes do not fit"), RuntimeError("mat1 and mat2"), KeyError("x")])
def test_faults_of_the_program_are_traced(error: Exception) -> None:
    assert explanation(error, RECIPE) is None
    with pytest.raises(type(error)), explained(RECIPE):
        raise error
