"""The network on a Triton server, with deadlines and bounded retry."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress

import numpy as np
import numpy.typing as npt

from client.detection.connect import WireProtocol, connect
from client.detection.detector import LetterboxDetector
from client.detection.errors import DetectorError
from client.detection.outage import Outage, Outages
from client.detection.pressure import Pressure
from client.detection.served import Served
from client.detection.sharing import Sharing, Wanted
from client.detection.transport import MistrustError, OverloadedError, RegionLostError, Transport, UnavailableError
from client.metrics import RETRIES
from mot.contract import MODEL_NAME, ModelSpec
from mot.detections import Detections

_UNKNOWN = -1
_DIES_WITHIN_S = 1.0  # a killed server's connections are closed before anybody can see that it has ended
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_FULL_PAUSE_S = 0.2  # at the longest, as a place in a queue is free again before long


class TritonDetector(LetterboxDetector):
    """Sends images to a server, ``in_flight`` at a time, each from a thread of its own.

    A call that the server does not answer (it is down, restarting, overloaded, slower than the deadline, or one of
    its model processes has died) is repeated with growing pauses: inference has no state, so running an image twice
    does no harm. Any other error is final.
    """

    def __init__(
        self,
        url: str,
        *,
        protocol: WireProtocol = "grpc",
        model: str = MODEL_NAME,
        in_flight: int = 4,
        deadline_s: float = 20.0,
        retry_for_s: float = 60.0,
        connect_timeout_s: float = 5.0,
        connect: Callable[[str, WireProtocol], tuple[Transport, str]] = connect,
        shared_memory: Wanted = "off",
        being_mended: Callable[[], bool] | None = None,
        tell: Callable[[Outage], None] | None = None,
    ) -> None:
        """Connect, and check that the server's model speaks this contract.

        Args:
            url: ``host:port``, ``grpc://host:port`` or ``http://host:port``; a scheme overrides ``protocol``.
            protocol: how to speak where the address does not say.
            model: its name on the server.
            in_flight: calls at the same time.
            deadline_s: for one call, queueing included.
            retry_for_s: how long a frame's calls are repeated, from the first that failed.
            connect_timeout_s: for each of the first questions to the server.
            connect: makes a transport for ``url`` and says the address in full; by default a real one.
            shared_memory: how images reach a server on this machine, see :class:`client.detection.sharing.Sharing`.
            being_mended: asked after each call that was not answered. While it says yes, ``retry_for_s`` does not
                run (and is a second at least: what is wrong may show that late); it may raise the
                :class:`mot.errors.MotError` that ends the waiting.
            tell: called while the server does not answer, and once when it does again; from several threads.

        Raises:
            DetectorError: the address is unusable, nothing answers there, or it has no such model.
            ContractError: the model speaks another contract.
        """
        self._transport, self._address = connect(url, protocol)
        self._model = model
        self._deadline_s = deadline_s
        self._retry_for_s = max(retry_for_s, _DIES_WITHIN_S) if being_mended else retry_for_s
        self._being_mended = being_mended
        self._closing = threading.Event()
        self._pressure = Pressure(in_flight)
        try:
            self._served = self._connected(connect_timeout_s)
            super().__init__(self._served.spec, workers=in_flight, name="triton")
            self._sharing = Sharing(
                self._transport,
                self._address,
                shared_memory,
                shape=self.spec.image.shape,
                count=in_flight,
                timeout_s=connect_timeout_s,
            )
        except BaseException:
            self._transport.close()
            raise
        self._outputs = [tensor.name for tensor in self.spec.outputs]
        limit_s = None if being_mended else retry_for_s
        self._outages = Outages(self._address, limit_s, tell) if tell else None

    def close(self) -> None:
        """Cancel what is queued, break off what is under way, and drop the connections."""
        self._closing.set()
        if self._outages:
            self._outages.close()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._pressure.close()
        self._sharing.close()
        self._transport.close()
        super().close()

    @property
    def identity(self) -> dict[str, str]:
        """With the version that the server gives it."""
        return self._served.identity

    def confirm(self) -> None:
        """Ask the server for its model.

        Raises:
            ModelChangedError: it has another one than at first.
            ContractError: that one speaks another contract.
            UnavailableError: it does not answer.
        """
        self._served.confirm()

    def _connected(self, timeout_s: float) -> Served:
        """What the server has.

        Raises:
            DetectorError, ContractError: as for the constructor.
        """
        source = f"{self._address}, model {self._model!r}"

        def describe() -> tuple[ModelSpec, str]:
            served = self._transport.describe(self._model, timeout_s)
            spec = ModelSpec.from_metadata(served.parameters, source)
            spec.check_tensors(served.inputs, served.outputs, source)
            return spec, served.version

        try:
            return Served(describe, source)
        except MistrustError as error:
            raise DetectorError(str(error)) from error
        except UnavailableError as error:
            raise DetectorError(
                f"no Triton server is ready at {self._address} ({error}); start one with `mot serve`, or check "
                "the address: Triton listens on port 8001 for gRPC and 8000 for HTTP unless told otherwise"
            ) from error

    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Call until the server answers, for at most ``retry_for_s`` after the first failure.

        A queue that is full holds us up for as long as anybody's images are being computed.
        """
        pause, give_up, answered = _FIRST_PAUSE_S, None, _UNKNOWN
        while True:
            try:
                found = self._call(image)
                self._served.settle()
                return found
            except RegionLostError:  # there is another one now, or none is used any more
                self._served.doubt()  # a server that has been started anew
            except UnavailableError as error:
                self._served.doubt()
                RETRIES.inc()
                if self._closing.is_set():
                    raise
                now = time.monotonic()
                wait = pause * random.uniform(0.5, 1)  # so that clients do not come back all at once
                if self._being_mended and self._being_mended():
                    give_up = None
                else:
                    give_up = give_up or now + self._retry_for_s
                    if now < give_up:
                        wait = min(wait, give_up - now)
                    else:
                        before, answered = answered, self._answered(error)
                        if answered in (before, _UNKNOWN):
                            raise DetectorError(
                                f"the Triton server at {self._address} has not answered for {self._retry_for_s:g} s: "
                                f"{error}"
                            ) from error
                        give_up = now + self._retry_for_s
                if self._closing.wait(wait):
                    raise
                longest = _FULL_PAUSE_S if isinstance(error, OverloadedError) else _LONGEST_PAUSE_S
                pause = min(2 * pause, longest)

    def _answered(self, error: UnavailableError) -> int:
        """Images that a server which has too much to do has computed so far, for anybody."""
        if not isinstance(error, OverloadedError):
            return _UNKNOWN
        try:
            return self._transport.answered(self._model, self._deadline_s)
        except DetectorError:
            return _UNKNOWN

    def _call(self, image: npt.NDArray[np.uint8]) -> Detections:
        told = self._outages.call if self._outages else nullcontext
        with self._pressure.turn(), self._sharing.sent(image) as pixels, told():
            boxes, scores, embeddings = self._transport.infer(
                self._model, (self.spec.image.name, pixels), self._outputs, self._deadline_s
            )
        for tensor, array in zip(self.spec.outputs, (boxes, scores, embeddings), strict=True):
            if (array.dtype.name, array.shape) != (tensor.dtype, (1, *tensor.shape)):
                with suppress(UnavailableError):
                    self._served.confirm()  # another model's answer is of another form
                raise DetectorError(
                    f"{self._address}, model {self._model!r}: an answer is not as the model is described: "
                    f"{tensor.name} {array.dtype.name} {array.shape}, not {tensor.dtype} {(1, *tensor.shape)}"
                )
        return Detections(boxes=boxes[0], scores=scores[0], embeddings=embeddings[0])
