"""Sinks in a thread of their own: order, errors, and what happens when the block is left early."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from client.outputs.background import in_background
from client.outputs.sink import SinkError
from client.outputs.text import MotTextSink
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from tests.media import names, numbered_image, tracked, tracks


class Recorder:
    """A sink that notes what happens to it, and fails where it is told to."""

    def __init__(self, *, fail_at: int | None = None, fail_on: str = "", pause: float = 0) -> None:
        self.events: list[object] = []
        self.threads: set[str] = set()
        self._fail_at, self._fail_on, self._pause = fail_at, fail_on, pause

    def __enter__(self) -> Self:
        self._note("enter")
        return self

    def write(self, tracked: TrackedFrame) -> None:
        time.sleep(self._pause)
        if tracked.frame.index == self._fail_at:
            raise SinkError(f"frame {self._fail_at}")
        self._note(tracked.frame.index)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note(kind)
        if kind is None and self._fail_on == "exit":
            raise SinkError("exit")

    def _note(self, event: object) -> None:
        if event == self._fail_on:
            raise SinkError(str(event))
        self.events.append(event)
        self.threads.add(threading.current_thread().name)


def frame(index: int) -> TrackedFrame:
    return tracked(index, numbered_image(index), people=tracks((0, 0, 10, 20)))


def test_every_sink_gets_every_frame_in_order_from_one_other_thread() -> None:
    sinks = [Recorder(), Recorder(pause=0.001)]
    stages = Stages()
    with in_background(sinks, stages) as write:
        for index in range(1, 31):
            write(frame(index))
    for each in sinks:
        assert each.events == ["enter", *range(1, 31), None]
    assert sinks[0].threads == sinks[1].threads == {"sinks_0"}
    assert stages.seconds["render/encode"] >= 30 * 0.001


def test_without_sinks_or_frames() -> None:
    with in_background([], Stages()) as write:
        write(frame(1))
    idle = Recorder()
    with in_background([idle], Stages()):
        pass
    assert idle.events == ["enter", None]


def test_a_slow_sink_slows_the_loop_instead_of_filling_memory() -> None:
    slow = Recorder(pause=0.02)
    with in_background([slow], Stages()) as write:
        for index in range(1, 21):
            write(frame(index))
            assert index - (len(slow.events) - 1) <= 6  # four wait, one is being written, one just was


@pytest.mark.parametrize("fail_at", [1, 10, 20])
def test_an_error_of_a_sink_ends_the_block(fail_at: int) -> None:
    good, bad = Recorder(), Recorder(fail_at=fail_at)
    handed_over = 0
    with pytest.raises(SinkError, match=f"frame {fail_at}"), in_background([good, bad], Stages()) as write:
        for index in range(1, 21):
            write(frame(index))
            handed_over = index
    assert handed_over <= fail_at + 4
    assert good.events[-1] is bad.events[-1] is SinkError


def test_an_error_while_opening_closes_what_was_open() -> None:
    first, second = Recorder(), Recorder(fail_on="enter")
    with pytest.raises(SinkError, match="enter"), in_background([first, second], Stages()):
        pytest.fail("the block must not run")
    assert first.events == ["enter", SinkError]
    assert second.events == []


def test_an_error_while_finishing_is_told_to_the_other_sinks() -> None:
    first, second = Recorder(), Recorder(fail_on="exit")
    with pytest.raises(SinkError, match="exit"), in_background([first, second], Stages()) as write:
        write(frame(1))
    assert first.events == ["enter", 1, SinkError]


def test_frames_handed_over_before_an_interruption_are_kept(tmp_path: Path) -> None:
    slow = Recorder(pause=0.02)
    text = MotTextSink(tmp_path / "walk.txt")
    with pytest.raises(KeyboardInterrupt), in_background([slow, text], Stages()) as write:
        for index in range(1, 5):
            write(frame(index))
        raise KeyboardInterrupt
    assert slow.events == ["enter", 1, 2, 3, 4, KeyboardInterrupt]
    assert names(tmp_path) == {"walk.partial.txt"}
    assert len(text.partial.read_text().splitlines()) == 4
