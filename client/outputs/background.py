"""Sinks that work in a thread of their own, beside the tracking loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from client.outputs.sink import Sink
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame

_STAGE = "render/encode"
_DEPTH = 4  # frames that may wait to be written; bounds memory where writing is slower than tracking


@contextmanager
def in_background(sinks: Sequence[Sink], stages: Stages) -> Iterator[Callable[[TrackedFrame], None]]:
    """Open the sinks, yield a function that hands each of them a frame, and close them.

    One thread makes all calls, in order. So encoding overlaps waiting for the network (encoders release the
    interpreter's lock), and no Ctrl-C, which only ever reaches the main thread, can come between two halves of
    a write. The time goes to ``stages`` as ``render/encode``.

    An error of a sink is raised a few frames late, at the end of the block at the latest. If the block is left by
    an exception, the frames handed over are still written before the sinks learn of it.
    """
    pending: deque[Future[None]] = deque()
    opened = ExitStack()

    def write_all(tracked: TrackedFrame) -> None:
        with stages.measure(_STAGE):
            for sink in sinks:
                sink.write(tracked)

    def close(error: BaseException | None) -> None:
        with stages.measure(_STAGE):
            opened.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    with ThreadPoolExecutor(1, thread_name_prefix="sinks") as thread:

        def write(tracked: TrackedFrame) -> None:
            if len(pending) == _DEPTH:
                pending.popleft().result()
            pending.append(thread.submit(write_all, tracked))

        try:
            for sink in sinks:
                thread.submit(opened.enter_context, sink).result()
            yield write
            while pending:
                pending.popleft().result()
        except BaseException as error:
            thread.submit(close, error).result()
            raise
        thread.submit(close, None).result()
