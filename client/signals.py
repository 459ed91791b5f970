"""What a signal asks for, done in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread


@contextmanager
def outside_of_handlers(do: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Within the block, whenever what is yielded is called, by a signal's handler, ``do`` is, soon and elsewhere.

    A handler comes between any two steps of the main thread. So one that sets an event waits for ever where the main
    thread is just using that event, as it holds the event's lock; the same goes for a second signal that comes while
    the first is handled. Signals come in bursts: the kernel tells a process of its parent's end once for each of the
    parent's threads. A queue of this kind can be put into at any time, its documentation says.
    """
    calls: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        while calls.get():
            do()

    Thread(target=listen, name="signals", daemon=True).start()
    try:
        yield lambda: calls.put(True)
    finally:
        calls.put(False)
