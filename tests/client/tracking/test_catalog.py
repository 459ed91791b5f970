"""client.tracking.catalog: trackers by name, settings from text."""

from __future__ import annotations

import typing

import pytest

from client.cli import track
from client.tracking import TRACKERS, ByteConfig, OverlapReidConfig, TrackerError, tracker_config


def test_the_default() -> None:
    assert tracker_config() == OverlapReidConfig()


def test_the_command_line_offers_every_tracker() -> None:
    option = typing.get_args(typing.get_type_hints(track, include_extras=True)["tracker"])[0]
    assert typing.get_args(option) == tuple(TRACKERS)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], ByteConfig()),
        (["match_thres=0.7"], ByteConfig(match_thres=0.7)),
        (["match_thres=0.7", "match_thres=0.6"], ByteConfig(match_thres=0.6)),
        (["fuse_score=False"], ByteConfig(fuse_score=False)),
        (["buffer_seconds=2.5", "min_hits=3"], ByteConfig(buffer_seconds=2.5, min_hits=3)),
        (["buffer_seconds=none"], ByteConfig()),
    ],
)
def test_settings_from_text(settings: list[str], expected: ByteConfig) -> None:
    assert tracker_config("byte", settings) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["colour=red"], "'colour=red' is no setting of byte; expected KEY=VALUE with one of .*match_thres"),
        (["match_thres"], "'match_thres' is no setting"),
        (["match_thres=high"], "match_thres is 'high', but must be a number"),
        (["match_thres=2"], "match_thres is 2.0, but must be between 0 and 1"),
        (["fuse_score=1"], "fuse_score is '1', but must be true or false"),
        (["min_hits=2.5"], "min_hits is '2.5', but must be a whole number"),
    ],
)
def test_impossible_settings_are_refused(settings: list[str], message: str) -> None:
    with pytest.raises(TrackerError, match=message):
        tracker_config("byte", settings)


def test_an_unknown_tracker_is_refused() -> None:
    with pytest.raises(TrackerError, match="there is no tracker 'sort'; choose one of overlap_reid, fairmot"):
        tracker_config("sort")
