"""client.video.gaps: frames that a steady source lacks, and pauses, stills and unsteady sources, which lack none."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.video.gaps import Gaps
from client.video.open import open_source
from tests.media import make_video, numbered_image

RATE = 10


def gaps_of(numbers: list[float], *, first_alone: bool = False) -> Gaps:
    gaps = Gaps(1 / RATE, first_alone=first_alone)
    for number in numbers:
        gaps.add(number / RATE)
    return gaps


@pytest.mark.parametrize(
    ("numbers", "count", "missing", "first"),
    [
        ([*range(9), *range(12, 24)], 1, 3, (9, 0.4)),
        ([0, *range(2, 24)], 1, 1, (1, 0.2)),
        ([*range(9), 10, 12, *range(13, 20), 22, 23, 24], 3, 4, (9, 0.2)),
        ([0, *range(2, 9), 10], 1, 1, (1, 0.2)),
        ([*range(6), 8, 9, 9.65, *range(10, 16)], 1, 2, (6, 0.3)),
    ],
    ids=["one", "behind the first", "three", "beside a still at the end", "beside a misplaced frame"],
)
def test_missing_frames_are_counted(numbers: list[float], count: int, missing: int, first: tuple[int, float]) -> None:
    gaps = gaps_of(numbers)
    assert gaps.are_odd
    assert (gaps.count, gaps.missing) == (count, missing)
    assert gaps.first == (first[0], pytest.approx(first[1]))


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [0],
        list(range(20)),
        [*range(20), 26],
        [*range(12), *range(700, 712)],
        [n * 2.5 if n % 2 else n * 2.5 + 0.4 for n in range(20)],
        [0, 1, 4, 5, 9, 12, 13, 16, 20, 24, 27, 28],
        [0, 1, 2, 4, 4.5, 5.5, 6.5, 7],
    ],
    ids=["none", "one frame", "steady", "a still at the end", "a pause", "unsteady", "mostly gaps", "few and unsteady"],
)
def test_what_is_no_gap(numbers: list[float]) -> None:
    assert not gaps_of(numbers).are_odd


def test_a_first_frame_may_stand_alone() -> None:
    numbers: list[float] = [0, *range(3, 20)]
    assert gaps_of(numbers).are_odd
    assert not gaps_of(numbers, first_alone=True).are_odd


def test_a_gap_in_a_transport_stream_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    times = [n / RATE for n in range(24) if n not in (7, 8)]
    path = make_video(tmp_path / "gap.ts", [numbered_image(n) for n in range(22)], times=times)
    with open_source(str(path)) as source:
        assert len(list(source)) == 22
    assert "about 2 frames are missing in 1 gaps, the first one of 0.3 s after frame 7" in caplog.text
