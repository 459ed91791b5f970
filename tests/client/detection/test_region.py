"""client.detection.region: shared memory that leaves nothing behind, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from client.detection import region as region_module
from client.detection.errors import DetectorError
from client.detection.region import FOLDER, Region, owner_is_gone, remove_dead_regions
from tests.command import ROOT
from tests.full_disk import disk

SHAPE = (4, 5, 3)


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One that has made a region and is telling a server of it; with the region's name."""
    code = (
        "import sys; from client.detection.region import Region\n"
        "with Region((4, 5, 3), 2).visible() as region: print(region.name, flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_it_has_a_name_only_while_others_are_told_of_it() -> None:
    with Region(SHAPE, 2).visible() as region:
        path = FOLDER / region.name
        assert path.stat().st_size == 2 * 4 * 5 * 3
        assert path.stat().st_mode & 0o777 == 0o600
        region.images[1] = 7
        written = path.read_bytes()
    assert written == bytes(60) + b"\7" * 60
    assert not path.exists()
    region.images[0] = 3  # still there
    assert np.all(region.images[1] == 7)


def test_the_name_goes_when_they_do_not_listen() -> None:
    region = Region(SHAPE, 2)
    with pytest.raises(RuntimeError), region.visible():
        raise RuntimeError
    assert not (FOLDER / region.name).exists()


def test_places_are_lent_once() -> None:
    region = Region(SHAPE, 2)
    first, second = region.take(), region.take()
    assert {first, second} == {0, 1}
    assert region.take() is None
    region.give_back(1)
    assert region.take() == 1


def test_no_room_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk(tmp_path / "shm", "16k") as small:
        monkeypatch.setattr(region_module, "FOLDER", small)
        with pytest.raises(DetectorError, match=r"shm: 12\.0 MB of shared memory cannot be had: .*No space left"):
            Region((1000, 2000, 3), 2).visible().__enter__()
        assert not list(small.iterdir())


def test_half_of_the_room_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk(tmp_path / "shm", "64k") as small:
        monkeypatch.setattr(region_module, "FOLDER", small)
        with Region((100, 100, 3), 1).visible() as region:  # 30 kB of 64 KiB
            assert region.images.shape == (1, 100, 100, 3)
        del region  # unmaps it
        with pytest.raises(DetectorError, match="No space left"):
            Region((120, 100, 3), 1).visible().__enter__()


def test_a_machine_without_such_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_module, "FOLDER", tmp_path / "none")
    with pytest.raises(DetectorError, match=r"none: 0\.0 MB of shared memory cannot be had: .*No such file"):
        Region(SHAPE, 2).visible().__enter__()


def test_whose_owner_is_gone() -> None:
    assert not owner_is_gone(Region(SHAPE, 1).name)
    with another_process() as (process, name):
        assert not owner_is_gone(name)
        process.kill()
        process.wait()
        assert owner_is_gone(name)
        # A process of the same number that began later is another one.
        assert owner_is_gone(name.replace(f"-{process.pid}-", f"-{os.getpid()}-"))
    remove_dead_regions()


@pytest.mark.parametrize("name", ["", "image", "mot-images-1-2", "mot-triton-12-ab-region", "mot-images-1-2-3-ab/../x"])
def test_what_is_not_ours_is_left_alone(name: str) -> None:
    assert not owner_is_gone(name)


def test_of_another_container_nobody_knows() -> None:
    space, ours = "mot-images-1-", Region(SHAPE, 1).name
    assert not owner_is_gone(space + ours.split("-", 3)[3].replace(str(os.getpid()), "999999999", 1))


def test_what_a_killed_process_leaves_is_removed_by_the_next() -> None:
    with another_process() as (killed, dead), another_process() as (_, alive):
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert (FOLDER / dead).exists()
        remove_dead_regions()
        assert not (FOLDER / dead).exists()
        assert (FOLDER / alive).exists()
        (FOLDER / alive).unlink()
