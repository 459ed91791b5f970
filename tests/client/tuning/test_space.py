"""client.tuning.space: what is searched, between which values."""

from __future__ import annotations

import pytest

from client.tracking import TRACKERS, ByteConfig, OverlapReidConfig, TrackerError, tracker_config
from client.tuning.space import Range, ranges_of, shortened, with_values


@pytest.mark.parametrize("name", TRACKERS)
def test_every_end_is_a_value_that_the_tracker_takes(name: str) -> None:
    base = tracker_config(name)
    ranges = ranges_of(base)
    assert len(ranges) > 5
    for one in ranges:
        default = getattr(base, one.name)
        assert one.low <= default <= one.high, one
        for point in one.points(7):
            assert isinstance(point, bool) == one.switch
            assert getattr(with_values(base, {one.name: point}), one.name) == point


def test_an_unbounded_setting_goes_to_four_times_its_default() -> None:
    ranges = {one.name: one for one in ranges_of(OverlapReidConfig())}
    assert (ranges["coast"].low, ranges["coast"].high) == (0, 0.6)
    assert (ranges["conf_thres"].low, ranges["conf_thres"].high) == (0, 1)
    assert ranges["min_hits"].whole and ranges["min_hits"].low == 1
    assert "gate" not in ranges and [one.high for one in ranges_of(OverlapReidConfig(), ["gate"])] == [4 * 9.4877]
    assert "buffer_seconds" not in ranges  # off by default
    assert "coast" not in {one.name for one in ranges_of(ByteConfig())}  # it has none, so none is known to be enough


def test_chosen_settings_alone() -> None:
    ranges = ranges_of(ByteConfig(), ["conf_thres=0.3..0.6", "min_hits", "fuse_score", "coast=0..20"])
    assert [(one.name, one.low, one.high) for one in ranges] == [
        ("conf_thres", 0.3, 0.6),
        ("min_hits", 1, 8),
        ("fuse_score", 0, 1),
        ("coast", 0, 20),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("look", "there is no setting 'look'; choose among "),
        ("coast", r"coast has no upper bound; give a range: coast=LOW\.\.HIGH"),
        ("conf_thres=0.3", r"conf_thres=0\.3 is no range; write conf_thres=LOW\.\.HIGH"),
        ("conf_thres=0.6..0.3", r"0\.6 is not below 0\.3"),
        ("conf_thres=0.3..1.5", r"conf_thres is 1\.5, but must be between 0 and 1"),
    ],
)
def test_what_cannot_be_searched_is_said(text: str, message: str) -> None:
    with pytest.raises(TrackerError, match=message):
        ranges_of(ByteConfig(), [text])


def test_points_are_even_and_short() -> None:
    assert Range(name="a", low=0, high=1, whole=False).points(5) == [0, 0.25, 0.5, 0.75, 1]
    assert Range(name="a", low=1, high=8, whole=True).points(4) == [1, 3, 6, 8]
    assert Range(name="a", low=1, high=3, whole=True).points(9) == [1, 2, 3]
    assert shortened(0.123456) == 0.123 and shortened(12345.6) == 12300
