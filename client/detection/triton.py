"""The network on a Triton server, with deadlines and bounded retry."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from client.detection.connect import WireProtocol, connect
from client.detection.detector import LetterboxDetector
from client.detection.errors import DetectorError
from client.detection.outage import Outage, Outages
from client.detection.transport import MistrustError, Transport, UnavailableError
from client.metrics import RETRIES
from mot.contract import MODEL_NAME, ModelSpec
from mot.detections import Detections

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


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
            being_mended: asked after each call that was not answered. While it says yes, ``retry_for_s`` does not
                run; it may raise the :class:`mot.errors.MotError` that ends the waiting.
            tell: called while the server does not answer, and once when it does again; from several threads.

        Raises:
            DetectorError: the address is unusable, nothing answers there, or it has no such model.
            ContractError: the model speaks another contract.
        """
        self._transport, self._address = connect(url, protocol)
        self._model = model
        self._deadline_s, self._retry_for_s = deadline_s, retry_for_s
        self._being_mended = being_mended
        self._closing = threading.Event()
        try:
            super().__init__(self._checked_spec(connect_timeout_s), workers=in_flight, name="triton")
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
        self._transport.close()
        super().close()

    def _checked_spec(self, timeout_s: float) -> ModelSpec:
        try:
            served = self._transport.describe(self._model, timeout_s)
        except MistrustError as error:
            raise DetectorError(str(error)) from error
        except UnavailableError as error:
            raise DetectorError(
                f"no Triton server is ready at {self._address} ({error}); start one with `mot serve`, or check "
                "the address: Triton listens on port 8001 for gRPC and 8000 for HTTP unless told otherwise"
            ) from error
        source = f"{self._address}, model {self._model!r}"
        spec = ModelSpec.from_metadata(served.parameters, source)
        spec.check_tensors(served.inputs, served.outputs, source)
        return spec

    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Call until the server answers, for at most ``retry_for_s`` after the first failure."""
        pause, give_up = _FIRST_PAUSE_S, None
        while True:
            try:
                return self._call(image)
            except UnavailableError as error:
                RETRIES.inc()
                if self._closing.is_set():
                    raise
                now = time.monotonic()
                wait = pause * random.uniform(0.5, 1)  # so that clients do not come back all at once
                if self._being_mended and self._being_mended():
                    give_up = None
                else:
                    give_up = give_up or now + self._retry_for_s
                    if now >= give_up:
                        raise DetectorError(
                            f"the Triton server at {self._address} has not answered for {self._retry_for_s:g} s: "
                            f"{error}"
                        ) from error
                    wait = min(wait, give_up - now)
                if self._closing.wait(wait):
                    raise
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _call(self, image: npt.NDArray[np.uint8]) -> Detections:
        batch = (self.spec.image.name, image[None])
        ask = self._transport.infer
        if self._outages is None:
            boxes, scores, embeddings = ask(self._model, batch, self._outputs, self._deadline_s)
        else:
            with self._outages.call():
                boxes, scores, embeddings = ask(self._model, batch, self._outputs, self._deadline_s)
        for tensor, array in zip(self.spec.outputs, (boxes, scores, embeddings), strict=True):
            if (array.dtype.name, array.shape) != (tensor.dtype, (1, *tensor.shape)):
                raise DetectorError(
                    f"{self._address}, model {self._model!r}: an answer is not as the model is described: "
                    f"{tensor.name} {array.dtype.name} {array.shape}, not {tensor.dtype} {(1, *tensor.shape)}"
                )
        return Detections(boxes=boxes[0], scores=scores[0], embeddings=embeddings[0])
