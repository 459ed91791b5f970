"""One call to a Triton server: what a transport does, and what its two kinds share.

Foreign errors become ours in the transports and nowhere else.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from client.detection.errors import DetectorError

Shapes = Mapping[str, tuple[str, tuple[int, ...]]]  # name -> numpy's type name, shape without batch
Image = npt.NDArray[np.uint8]
Arrays = list[npt.NDArray[np.float32]]

# Bytes. An image of 1088x608 has 2 MB, an answer of 500 rows with 512 numbers each 1 MB: ample for both, and a
# server that is none of ours cannot fill the memory.
MAX_REQUEST = 64 << 20
MAX_ANSWER = 64 << 20

# Triton's words for a model process that has died: another instance, or the restarted one, will answer. And for a
# model that is still being loaded, or that a server on its way down has unloaded already. And gRPC's, whose status says
# all sorts of things, where a stream was reset: by a proxy whose server has gone, or by the server that goes.
_FOR_NOW = re.compile(
    r"stub process\b.*\b(not healthy|unhealthy)|\bnot at ready state\b|\bRST_STREAM\b", re.IGNORECASE | re.DOTALL
)
# Triton's words for a request that found the queue full, or waited too long in it.
_OVERLOAD = ("exceeds maximum queue size", "timeout expired")
_LOST = "unable to find shared memory region"
_LONGEST_REASON = 400  # characters

# What tritonclient raises, and what our own looks into an answer do, where it is none of Triton's.
MALFORMED = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError, struct.error),
    InferenceServerException,
)


class UnavailableError(DetectorError):
    """The server did not answer this time: it is down, starting, stopping, overloaded or slow. Try again."""


class OverloadedError(UnavailableError):
    """The server works and has more to do than it takes on: whoever waits has a turn."""


class RegionLostError(UnavailableError):
    """The server does not know the shared memory that it was told of: it has been started anew since."""


class MistrustError(UnavailableError):
    """Client and server do not trust each other, as their certificates stand: whoever begins should hear of it.

    In the middle of a job it may be waited for, as a certificate that has expired is replaced.
    """


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What a server says of a model."""

    inputs: Shapes
    outputs: Shapes
    parameters: Mapping[str, str]  # of its configuration
    version: str = ""  # the one that answers whoever does not ask for another


@dataclass(frozen=True, kw_only=True)
class SharedImage:
    """An image that lies in shared memory, uint8, where the server reads it; in place of its pixels."""

    region: str  # a name that the server knows
    offset: int  # bytes
    shape: tuple[int, ...]  # (1, H, W, 3)


class Transport(Protocol):
    """Calls that may come from several threads. All raise :class:`UnavailableError` or :class:`DetectorError`."""

    def describe(self, model: str, timeout_s: float) -> ServedModel: ...

    def infer(self, model: str, image: tuple[str, Image | SharedImage], outputs: list[str], timeout_s: float) -> Arrays:
        """Send one named image, (1, H, W, 3), and return the named outputs, each with a batch of 1."""

    def answered(self, model: str, timeout_s: float) -> int:
        """Images that the server has computed for anybody."""

    def register(self, region: str, size: int, timeout_s: float) -> None:
        """Let the server map ``size`` bytes of the POSIX shared memory of this name, and know them by it."""

    def unregister(self, region: str, timeout_s: float) -> None:
        """Let it unmap them; what was not registered is no error."""

    def regions(self, timeout_s: float) -> list[str]:
        """All that are registered, by anybody."""

    def close(self) -> None:
        """Drop connections; calls under way fail."""


def is_for_now(reason: str) -> bool:
    """Whether an error tells of a model process that has died or is not ready, which the server's status does not."""
    return bool(_FOR_NOW.search(reason))


def unavailable(reason: str) -> type[UnavailableError]:
    """Which of the errors that pass by themselves a server's words tell of."""
    return OverloadedError if is_overload(reason) else UnavailableError


def is_overload(reason: str) -> bool:
    """Whether a server says that it has too much to do."""
    return any(words in reason.lower() for words in _OVERLOAD)


def is_lost_region(reason: str) -> bool:
    """Whether a server says that it knows no such shared memory."""
    return _LOST in reason.lower()


def filled(tensor: Any, image: Image | SharedImage) -> Any:
    """One of tritonclient's inputs with the pixels in it, or with the place where they are."""
    if isinstance(image, SharedImage):
        return tensor.set_shared_memory(image.region, math.prod(image.shape), image.offset)
    return tensor.set_data_from_numpy(image)


def printable(text: str) -> str:
    """What came from elsewhere, fit for a terminal: on one line, not endless, control characters as escapes."""
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def unknown_model(address: str, model: str, there: list[str]) -> DetectorError:
    """The server has no such model; ``there`` are those that it has, as far as it says."""
    known = f"; it has {', '.join(sorted(there))}" if there else ""
    return DetectorError(f"{address}: unknown model: {model!r}{known}; name the one to use with --model NAME")


def newest(versions: Iterable[str]) -> str:
    """Of a model's versions, which are numbers, the one that answers."""
    return max(versions, key=lambda version: (len(version), version), default="")


def described(datatype: str, shape: Any) -> tuple[str, tuple[int, ...]]:
    """Triton's type and shape -> numpy's type name and the shape without the batch."""
    dtype = triton_to_np_dtype(datatype)
    return (np.dtype(dtype).name if dtype else datatype), tuple(int(size) for size in shape[1:])


def arrays(get: Callable[[str], Any], outputs: list[str], address: str) -> Arrays:
    """The named outputs of an answer.

    Raises:
        UnavailableError: one is missing: the model has it, as was asked at the beginning, but Triton 2.51 sends what
            there is when a model process dies while it answers (seen in a soak at a load of 45 on two cores).
        MALFORMED: one cannot be decoded.
    """
    found = [get(output) for output in outputs]
    missing = [output for output, array in zip(outputs, found, strict=True) if array is None]
    if missing:
        raise UnavailableError(f"{address}: the answer lacks {', '.join(missing)}")
    return found
