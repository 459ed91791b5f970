"""Images in memory that a server on this machine reads, too: they need not go through a connection.

Only images: an answer is a twentieth of one. The memory is mapped by both sides as soon as the server has been told of
it, and then its name is removed, so that a process that is killed leaves no file in /dev/shm.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from client.detection.errors import DetectorError
from client.detection.proxy import is_here
from client.detection.region import Region, owner_is_gone, remove_dead_regions
from client.detection.transport import (
    Image,
    RegionLostError,
    SharedImage,
    Transport,
    UnavailableError,
)

log = logging.getLogger(__name__)

Wanted = Literal["auto", "on", "off"]

_LEAVE_WITHIN_S = 0.5
_LOSSES, _LOSSES_WITHIN_S = 5, 10.0  # more is no server that has been started anew
_HELPS = "leave it out (auto), or start Triton on this machine so that it takes memory from clients"


class Sharing:
    """How the images of one client reach its server: in shared memory where that works, else through the connection.

    ``auto`` tries it with a server that is reached by this machine's own names and loopback addresses; ``on`` with
    any, and fails where it does not work. A server that has been started anew is told of new memory.
    """

    def __init__(
        self,
        transport: Transport,
        address: str,
        wanted: Wanted,
        *,
        shape: tuple[int, ...],
        count: int,
        timeout_s: float,
    ) -> None:
        """Register memory with the server.

        Args:
            transport: to the server at ``address``, which is written in full.
            wanted: whether to.
            shape: of an image, (H, W, 3).
            count: images in the server at a time; more than that go through the connection.
            timeout_s: for each question to the server.

        Raises:
            DetectorError: it cannot be done, and is ``on``.
        """
        self._transport, self._address, self._wanted = transport, address, wanted
        self._shape, self._count, self._timeout_s = shape, count, timeout_s
        self._lock = Lock()  # of the two below
        self._region: Region | None = None
        self._losses: deque[float] = deque(maxlen=_LOSSES)  # when
        if wanted == "off" or (wanted == "auto" and not is_here(urlsplit(address).hostname or "")):
            return
        try:
            self._region = self._registered()
        except DetectorError as error:
            self._without(error)
            return
        with suppress(DetectorError):
            for name in filter(owner_is_gone, transport.regions(timeout_s)):
                transport.unregister(name, timeout_s)

    @property
    def works(self) -> bool:
        """Whether images go through shared memory at present."""
        return self._region is not None

    @contextmanager
    def sent(self, image: npt.NDArray[np.uint8]) -> Iterator[Image | SharedImage]:
        """What to send within the block for an image, (H, W, 3); the block ends when it has been answered.

        Raises:
            DetectorError: from within a block that lost the memory, where no other can be had and it is ``on``.
        """
        with self._lock:
            region = self._region
            place = region.take() if region is not None and image.shape == self._shape else None
        if region is None or place is None:
            yield image[None]
            return
        try:
            region.images[place] = image
            yield SharedImage(region=region.name, offset=place * image.nbytes, shape=(1, *image.shape))
        except RegionLostError:
            self._renew(region)
            raise
        finally:
            with self._lock:
                region.give_back(place)

    def close(self) -> None:
        """Let the server forget the memory.

        Triton refuses while it has images to read there, of calls that were broken off; then the next client that
        comes after this process has ended does it.
        """
        with self._lock:
            region, self._region = self._region, None
        if region is not None:
            self._unregister(region)

    def _unregister(self, region: Region) -> None:
        deadline = time.monotonic() + _LEAVE_WITHIN_S
        while True:
            try:
                return self._transport.unregister(region.name, _LEAVE_WITHIN_S)
            except UnavailableError:
                return None
            except DetectorError:
                if time.monotonic() > deadline:
                    return None
                time.sleep(0.01)  # an image is let go a moment after its answer

    def _registered(self) -> Region:
        """New memory that the server knows, and no name in /dev/shm."""
        remove_dead_regions()
        with Region(self._shape, self._count).visible() as region:
            self._transport.register(region.name, region.images.nbytes, self._timeout_s)
        return region

    def _renew(self, lost: Region) -> None:
        """The server has forgotten; where it is away, that will be found out again with the next image."""
        with self._lock:
            if self._region is not lost:
                return  # somebody else has renewed it
            self._losses.append(time.monotonic())
            try:
                if len(self._losses) == _LOSSES and self._losses[-1] - self._losses[0] < _LOSSES_WITHIN_S:
                    raise DetectorError(
                        f"{self._address}: forgets shared memory again and again; is it several servers in turn?"
                    )
                self._region = self._registered()
            except UnavailableError:
                return
            except DetectorError as error:
                self._region = None
                self._without(error)

    def _without(self, error: DetectorError) -> None:
        if self._wanted == "on":
            raise DetectorError(f"--shared-memory on: {error}; {_HELPS}") from error
        log.info("images go through the connection, not through shared memory: %s", error)
