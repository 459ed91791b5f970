"""Frames that come faster than they are wanted, sources that end, fail, or do not open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event

import numpy as np
import pytest

from client.live.newest import ArrivedFrame, NewestFrames, Open
from client.live.state import CameraState, Snapshot
from client.video.source import Source, VideoError
from client.video.stream import Link, Patience
from mot.frame import Frame

PATIENT = Patience(retry_for=120, pause=0.01, longest_pause=0.02)
QUICK = Patience(retry_for=0.3, pause=0.01, longest_pause=0.02)


class Scripted(Source):
    """Ten frames a second by their times, as fast as they are taken."""

    name, frame_rate, frame_count = "scripted", 10.0, None

    def __init__(self, frames: int, *, live: bool = True, then: Callable[[], None] = lambda: None) -> None:
        self.live, self._frames, self._then = live, frames, then

    def __iter__(self) -> Iterator[Frame]:
        for index in range(1, self._frames + 1):
            yield Frame(index=index, image=np.zeros((4, 6, 3), np.uint8), time=(index - 1) / 10)
        self._then()

    def close(self) -> None:
        pass


def opening(*sources: Source | VideoError) -> Open:
    """Gives one after the other, or fails."""
    left = list(sources)

    def open(address: str, patience: Patience, link: Link) -> Source:
        source = left.pop(0)
        if isinstance(source, VideoError):
            raise source
        return source

    return open


def reading(
    *sources: Source | VideoError, address: str = "rtsp://x/y", waiting: int = 5, patience: Patience = PATIENT
) -> NewestFrames:
    state = CameraState("newest", address)
    return NewestFrames(address, state, patience, waiting=waiting, open=opening(*sources))


def snapshot(frames: NewestFrames) -> Snapshot:
    return frames._state.snapshot


def test_who_is_too_slow_gets_the_newest_and_is_told_how_many_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    all_read = Event()
    frames = reading(Scripted(100, then=all_read.set))
    assert frames.start()
    assert all_read.wait(30)
    got = list(frames)
    assert [frame.index for frame in got] == [96, 97, 98, 99, 100]
    assert [frame.time for frame in got] == pytest.approx([9.5, 9.6, 9.7, 9.8, 9.9]), "the real time"
    assert snapshot(frames).dropped == 95
    assert "the oldest 95 waiting frames" in caplog.text
    assert all(isinstance(frame, ArrivedFrame) and abs(frame.wall - time.time()) < 600 for frame in got)


def test_who_keeps_up_gets_all() -> None:
    frames = reading(Scripted(100), waiting=1000)
    assert frames.start()
    assert [frame.index for frame in frames] == list(range(1, 101))
    assert (snapshot(frames).dropped, snapshot(frames).size, snapshot(frames).phase) == (0, (6, 4), "live")
    assert frames.failure is None and not frames.stopped


def test_a_file_waits_for_whoever_tracks_it() -> None:
    frames = reading(Scripted(100, live=False), address="clip.mp4", waiting=2)
    assert frames.start()
    got = list(frames)
    assert [frame.index for frame in got] == list(range(1, 101))
    walls = [frame.wall for frame in got if isinstance(frame, ArrivedFrame)]
    assert np.diff(walls) == pytest.approx(np.full(99, 0.1), abs=1e-3), "as if it had been filmed from now on"


def test_a_stop_gives_what_waits_and_no_more() -> None:
    more = Event()
    frames = reading(Scripted(3, then=lambda: bool(more.wait(30))))
    assert frames.start()
    while len(frames._frames) < 3:
        time.sleep(0.01)
    frames.stop()
    assert [frame.index for frame in frames] == [1, 2, 3]
    more.set()
    frames.close()
    assert frames.stopped and frames.failure is None


def test_a_camera_that_is_not_there_yet_is_tried_again() -> None:
    frames = reading(VideoError("asleep"), VideoError("asleep"), Scripted(2))
    assert frames.start()
    assert len(list(frames)) == 2
    assert (snapshot(frames).phase, snapshot(frames).losses) == ("live", 0)


def test_one_that_never_is_is_an_error_when_patience_is_over() -> None:
    frames = reading(*[VideoError("asleep")] * 1000, patience=QUICK)
    assert not frames.start()
    assert str(frames.failure) == "asleep"
    assert snapshot(frames).phase == "connecting" and snapshot(frames).cause == "asleep"


def test_a_file_that_is_broken_is_not_tried_again() -> None:
    frames = reading(VideoError("broken"), Scripted(3), address="clip.mp4")
    assert not frames.start()
    assert str(frames.failure) == "broken"


def test_a_device_that_comes_back_goes_on_with_its_numbers_and_later_times() -> None:
    def unplugged() -> None:
        raise VideoError("no more pictures")

    frames = reading(Scripted(3, then=unplugged), Scripted(3), address="0", waiting=100)
    assert frames.start()
    got = list(frames)
    assert [frame.index for frame in got] == [1, 2, 3, 4, 5, 6]
    assert (np.diff([frame.time for frame in got]) > 0).all()
    assert snapshot(frames).losses == 1


def test_what_nobody_has_foreseen_is_kept_for_who_tracks() -> None:
    def broken() -> None:
        raise RuntimeError("oh")

    frames = reading(Scripted(1, then=broken))
    assert frames.start()
    assert len(list(frames)) == 1
    assert isinstance(frames.failure, RuntimeError)
