"""client.tracking.rules: what settings mean for a video of some frame rate."""

from __future__ import annotations

import pytest

from client.tracking import ByteConfig, OverlapReidConfig
from client.tracking.rules import STILL, rules_of


@pytest.mark.parametrize(
    ("config", "rate", "frames"),
    [(ByteConfig(), 30, 30), (ByteConfig(), 7, 7), (ByteConfig(track_buffer=60), 10, 20)]
    + [(ByteConfig(buffer_seconds=2.5), rate, 2.5 * rate) for rate in (1, 30)],
)
def test_the_buffer_is_a_time(config: ByteConfig, rate: float, frames: float) -> None:
    assert rules_of(config, rate, measured=False).patience == frames


@pytest.mark.parametrize(("seconds", "frames"), [(3, 30), (0, 10)])
def test_what_is_away_is_remembered_for_longer_never_shorter(seconds: float, frames: float) -> None:
    rules = rules_of(OverlapReidConfig(away_seconds=seconds), 10, measured=False)
    assert (rules.patience, rules.memory) == (10, frames)
    assert rules_of(ByteConfig(), 10, measured=False).memory == 10


@pytest.mark.parametrize(("rate", "frames"), [(1, 0), (3.5, 0), (7, 1), (10, 1), (30, 4)])
def test_coasting_is_a_time(rate: float, frames: int) -> None:
    assert int(rules_of(OverlapReidConfig(), rate, measured=False).coast) == frames


@pytest.mark.parametrize(("coast", "rate"), [(0.3, 10), (0.1, 30), (0.7, 10), (0.29, 100)])
def test_whole_frames_are_whole_whatever_the_rounding(coast: float, rate: float) -> None:
    assert int(rules_of(ByteConfig(coast=coast), rate, measured=False).coast) == round(coast * rate)


def test_speeds_are_by_time() -> None:
    assert rules_of(ByteConfig(), 10, measured=False).still == STILL / 10


def test_all_numbers_are_floats_so_that_nothing_is_compiled_twice() -> None:
    *numbers, measured = rules_of(ByteConfig(coast=3, min_box_area=50, max_aspect=2), 30, measured=True)
    assert {type(number) for number in numbers} == {float} and measured is True
