"""Files by the hour: cut where the clock says, nothing lost, nothing replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from client.live.cameras import Recording
from client.live.newest import ArrivedFrame
from client.live.pieces import Pieces
from client.pipeline.tracked import TrackedFrame
from mot.detections import Detections
from mot.sequence import read_results
from tests.media import names, number_of, numbered_image, tracks

THREE = 1_800_000_000.0  # a whole hour in UTC: 08:00 on 15 January 2027


def tracked(index: int, wall: float) -> TrackedFrame:
    frame = ArrivedFrame(index=index, image=numbered_image(index % 50), time=index / 10, wall=wall)
    return TrackedFrame(frame=frame, tracks=tracks((1, 2, 11, 22)), detections=Detections.empty())


def pieces(folder: Path, faults: list[str] | None = None, **recording: Any) -> Pieces:
    told = faults.append if faults is not None else pytest.fail
    return Pieces(folder, Recording(**recording), {"frame_rate": 10.0}, frame_rate=10.0, at_fault=told, pause=0.0)


def rows(path: Path) -> list[int]:
    return read_results(path).frames.tolist()


def test_files_are_cut_at_the_hour_and_hold_every_frame(tmp_path: Path) -> None:
    with pieces(tmp_path, video=True) as sink:
        for index in range(100, 130):
            sink.write(tracked(index, THREE - 1.05 + (index - 100) / 10))
    assert names(tmp_path) == {
        f"{name}{suffix}" for name in ("20270115T075958Z", "20270115T080000Z") for suffix in (".txt", ".mp4", ".json")
    }
    assert rows(tmp_path / "20270115T075958Z.txt") == list(range(1, 12))
    assert rows(tmp_path / "20270115T080000Z.txt") == list(range(1, 20))
    with av.open(str(tmp_path / "20270115T080000Z.mp4")) as container:
        shown = [number_of(picture.to_ndarray(format="rgb24")[30:, 30:]) for picture in container.decode(video=0)]
    assert len(shown) == 19
    record = json.loads((tmp_path / "20270115T080000Z.json").read_text())
    assert (record["state"], record["frames"], record["settings"]["frame_rate"]) == ("done", 19, 10.0)


def test_frames_that_were_left_out_leave_their_numbers_free(tmp_path: Path) -> None:
    with pieces(tmp_path) as sink:
        for index in (7, 8, 12):
            sink.write(tracked(index, THREE + index))
    (path,) = tmp_path.glob("*.txt")
    assert rows(path) == [1, 2, 6]


def test_a_clock_that_is_set_back_replaces_nothing(tmp_path: Path) -> None:
    with pieces(tmp_path, every=60) as sink:
        for index, wall in enumerate((THREE, THREE + 60, THREE), start=1):
            sink.write(tracked(index, wall))
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == [
        "20270115T080000Z-2.txt",
        "20270115T080000Z.txt",
        "20270115T080100Z.txt",
    ]


def test_what_has_failed_elsewhere_leaves_whole_files(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), pieces(tmp_path, video=True) as sink:
        sink.write(tracked(1, THREE))
        raise RuntimeError
    assert names(tmp_path) == {f"20270115T080000Z{suffix}" for suffix in (".txt", ".mp4", ".json")}


def test_nothing_is_written_without_a_frame(tmp_path: Path) -> None:
    with pieces(tmp_path, video=True):
        pass
    assert names(tmp_path) == set()


def test_a_full_disk_is_told_and_files_begin_again_when_there_is_room(small_disk: Path) -> None:
    faults: list[str] = []
    ballast = small_disk / "ballast"
    with pieces(small_disk / "door", faults, every=60) as sink:
        sink.write(tracked(1, THREE))
        sink.write(tracked(2, THREE + 60))  # the first is complete
        with pytest.raises(OSError, match="No space"):
            ballast.write_bytes(bytes(1 << 20))
        index = 3
        while not faults:
            sink.write(tracked(index, THREE + 60 + index % 50))
            index += 1
        ballast.unlink()
        for index in range(5000, 5010):
            sink.write(tracked(index, THREE + 600))
    assert "no space left on device" in faults[0]
    assert rows(small_disk / "door" / "20270115T080000Z.txt") == [1]
    assert rows(small_disk / "door" / "20270115T081000Z.txt") == list(range(1, 11))
    assert not [path for path in (small_disk / "door").iterdir() if "partial" in path.name]


def test_pictures_of_the_camera_are_left_as_they_are(tmp_path: Path) -> None:
    one = tracked(1, THREE)
    before = one.frame.image.copy()
    with pieces(tmp_path, video=True, anonymise=True) as sink:
        sink.write(one)
    assert np.array_equal(one.frame.image, before)
