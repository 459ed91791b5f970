"""client.detection.sharing: who shares memory with whom, with a server that maps it for real but runs no network."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import numpy as np
import numpy.typing as npt
import pytest

from client.detection.errors import DetectorError
from client.detection.region import FOLDER
from client.detection.sharing import Sharing, Wanted
from client.detection.transport import Image, RegionLostError, SharedImage, Transport, UnavailableError
from tests.command import ROOT

HERE, ELSEWHERE = "grpc://127.0.0.1:8001", "grpc://triton.example.com:8001"
SHAPE = (4, 5, 3)


class Memory(Transport):
    """A server of which only the memory counts."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.known: dict[str, npt.NDArray[np.uint8]] = {}
        self.told: list[str] = []

    def register(self, region: str, size: int, timeout_s: float) -> None:
        if self.refusal:
            raise self.refusal
        self.known[region] = np.memmap(FOLDER / region, np.uint8, "r", shape=size)
        self.told.append(region)

    def unregister(self, region: str, timeout_s: float) -> None:
        self.known.pop(region, None)

    def regions(self, timeout_s: float) -> list[str]:
        return list(self.known)

    def read(self, image: Image | SharedImage) -> Image:
        if not isinstance(image, SharedImage):
            return image
        if image.region not in self.known:
            raise RegionLostError("Unable to find shared memory region")
        return np.array(self.known[image.region][image.offset :][: np.prod(image.shape)]).reshape(image.shape)


def sharing(memory: Memory, wanted: Wanted = "auto", address: str = HERE, count: int = 2) -> Sharing:
    return Sharing(memory, address, wanted, shape=SHAPE, count=count, timeout_s=1)


def image(value: int) -> npt.NDArray[np.uint8]:
    return np.full(SHAPE, value, np.uint8)


@pytest.mark.parametrize(
    ("wanted", "address", "shares"),
    [
        ("auto", HERE, True),
        ("auto", "http://localhost:8000", True),
        ("auto", "grpc://[::1]:8001", True),
        ("auto", ELSEWHERE, False),
        ("on", HERE, True),
        ("on", ELSEWHERE, True),  # a name of this machine's, or a neighbour that shares its memory
        ("off", HERE, False),
    ],
)
def test_who_is_asked(wanted: Wanted, address: str, shares: bool) -> None:
    memory = Memory()
    way = sharing(memory, wanted, address)
    assert way.works is shares
    with way.sent(image(9)) as sent:
        assert isinstance(sent, SharedImage) is shares
        np.testing.assert_array_equal(memory.read(sent), image(9)[None])
    assert len(memory.told) == shares
    assert not any((FOLDER / region).exists() for region in memory.told)


def test_each_image_has_a_place_of_its_own_and_too_many_go_through_the_connection() -> None:
    memory = Memory()
    way = sharing(memory)
    with way.sent(image(1)) as one, way.sent(image(2)) as two, way.sent(image(3)) as three:
        assert [isinstance(each, SharedImage) for each in (one, two, three)] == [True, True, False]
        assert [int(memory.read(each).max()) for each in (one, two, three)] == [1, 2, 3]
    with way.sent(image(4)) as four:
        assert isinstance(four, SharedImage)
        assert memory.read(four).min() == 4


def test_an_image_of_another_size_goes_through_the_connection() -> None:
    with sharing(Memory()).sent(np.zeros((9, 9, 3), np.uint8)) as sent:
        assert not isinstance(sent, SharedImage)


def test_a_server_that_refuses_gets_images_through_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        way = sharing(Memory(DetectorError(f"{HERE}: This protocol is restricted")))
    assert not way.works
    assert [record.message for record in caplog.records] == [
        f"images go through the connection, not through shared memory: {HERE}: This protocol is restricted"
    ]
    with way.sent(image(5)) as sent:
        np.testing.assert_array_equal(sent, image(5)[None])


def test_where_it_is_wanted_a_refusal_is_an_error() -> None:
    refusal = DetectorError(f"{ELSEWHERE}: Unable to open shared memory region")
    with pytest.raises(DetectorError, match=r"--shared-memory on: grpc://triton.*Unable to open.*; leave it out"):
        sharing(Memory(refusal), "on", ELSEWHERE)


def test_a_server_that_was_started_anew_is_told_again_once() -> None:
    memory = Memory()
    way = sharing(memory, count=8)
    memory.known.clear()
    meet = Barrier(8)

    def lose(value: int) -> None:
        with pytest.raises(RegionLostError), way.sent(image(value)) as sent:
            meet.wait(10)
            memory.read(sent)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lose, range(8)))
    assert len(memory.told) == 2
    with way.sent(image(6)) as sent:
        assert isinstance(sent, SharedImage)
        assert memory.read(sent).min() == 6


def test_while_the_server_is_away_it_stays_lost_and_is_told_later() -> None:
    memory = Memory()
    way = sharing(memory)
    memory.known.clear()
    memory.refusal = UnavailableError("connection refused")
    for _ in range(2):
        with pytest.raises(RegionLostError), way.sent(image(1)) as sent:
            memory.read(sent)
    memory.refusal = None
    with suppress(RegionLostError), way.sent(image(1)) as sent:
        memory.read(sent)
    with way.sent(image(8)) as sent:
        assert isinstance(sent, SharedImage)
        assert memory.read(sent).min() == 8


@pytest.mark.parametrize("wanted", ["auto", "on"])
def test_several_servers_in_turn_are_found_out(wanted: Wanted) -> None:
    memory = Memory()
    way = sharing(memory, wanted)
    raised: list[Exception] = []
    for _ in range(5):
        memory.known.clear()  # another one, that knows nothing
        try:
            with way.sent(image(1)) as sent:
                memory.read(sent)
        except DetectorError as error:
            raised.append(error)
    assert [type(error) for error in raised[:4]] == [RegionLostError] * 4
    if wanted == "on":
        assert "--shared-memory on" in str(raised[4]) and "several servers in turn" in str(raised[4])
    assert not way.works
    with way.sent(image(2)) as sent:
        np.testing.assert_array_equal(sent, image(2)[None])


def test_closing_lets_the_server_forget() -> None:
    memory = Memory()
    way = sharing(memory)
    way.close()
    assert not memory.known
    with way.sent(image(2)) as sent:
        assert not isinstance(sent, SharedImage)
    way.close()


def test_memory_of_clients_that_were_killed_is_forgotten_by_the_next() -> None:
    code = "from client.detection.region import Region; print(Region((1, 1, 3), 1).name)"
    dead = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    memory = Memory()
    first = sharing(memory)
    memory.known |= dict.fromkeys((dead.stdout.strip(), "another's"), np.zeros(1, np.uint8))
    second = sharing(memory)
    assert first.works and second.works
    assert set(memory.known) == {*memory.told, "another's"}
    assert str(os.getpid()) in memory.told[0]
