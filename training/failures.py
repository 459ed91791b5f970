"""What may go wrong around a run and is nobody's bug, as one line with the remedy."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mot.errors import MotError
from training.recipe import Recipe

# Of messages, in lower case. torch has no types for most of them.
_MEMORY = (
    "defaultcpuallocator",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "insufficient memory",
    "bad_alloc",
    "unable to allocate",
)
_SHARED = ("bus error", "shared memory", "unable to mmap", "/dev/shm", "/torch_")
_WORKER = ("dataloader worker",)
_PROCESSES = ("can't start new thread", "resource temporarily unavailable")


@contextmanager
def explained(recipe: Recipe) -> Iterator[None]:
    """Raise what the user can mend as :class:`MotError`; what was noted of it, such as what is saved, comes along.

    Raises:
        MotError: for want of memory, processes or disk, and for a worker that died. Others go on as they are.
    """
    try:
        yield
    except Exception as error:
        message, notes = explanation(error, recipe), getattr(error, "__notes__", ())
        if message is None or (isinstance(error, MotError) and not notes):
            raise
        raise MotError("; ".join([message, *notes])) from error


def explanation(error: Exception, recipe: Recipe) -> str | None:
    """What happened and what to do about it; None where it is a fault of the program."""
    if isinstance(error, MotError):
        return str(error)
    text = str(error).lower()
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, torch.OutOfMemoryError):
        return (
            f"the GPU's memory is used up; lower batch_size (now {recipe.batch_size}; accumulate makes up for it) or "
            "the input size, or end other programs on it"
        )
    # No file's, where the disk is full: of the locks between the workers.
    nameless = number == errno.ENOSPC and getattr(error, "filename", None) is None and recipe.workers > 0
    if nameless or any(part in text for part in _SHARED):
        return (
            f"the workers' shared memory (/dev/shm) is used up; --set workers=0 (now {recipe.workers}) needs none, "
            "docker run --shm-size=1g gives more"
        )
    if isinstance(error, MemoryError) or number == errno.ENOMEM or any(part in text for part in _MEMORY):
        cache = ", set cache=false" if recipe.cache else ""
        return (
            f"memory is used up; lower batch_size (now {recipe.batch_size}; accumulate makes up for it) or workers "
            f"(now {recipe.workers}){cache}, or end other programs"
        )
    if number == errno.EMFILE or "too many open files" in text or "ancdata" in text:
        return f"the system allows no more open files (ulimit -n raises it); lower workers (now {recipe.workers})"
    # torch tells of the death between any two lines, also of a library, which may make another error of it.
    if any(_of_worker(each, recipe) for each in _chain(error)):
        return (
            f"a worker that loads images was killed, mostly by the system for want of memory; lower workers (now "
            f"{recipe.workers}; 0: load in this process) or batch_size"
        )
    if number == errno.ENOSPC:
        return f"{getattr(error, 'filename', None) or 'the disk'}: no space left; make room"
    if number == errno.EAGAIN or any(part in text for part in _PROCESSES):
        return f"the system allows no more processes or threads (ulimit -u); lower workers (now {recipe.workers})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; mend this, or choose another --output"
    return None


def _of_worker(error: BaseException, recipe: Recipe) -> bool:
    """A worker's death, as torch tells it, or as a line to it that broke while its images were being handed over."""
    broken = recipe.workers > 0 and isinstance(error, (ConnectionError, EOFError))
    return broken or any(part in str(error).lower() for part in _WORKER)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    next_one: BaseException | None = error
    while next_one is not None:
        yield next_one
        next_one = next_one.__cause__ or next_one.__context__
