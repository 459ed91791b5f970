"""client.tracking.setting: meanings, bounds and defaults of settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest

from client.tracking import TRACKERS, FairMotByteConfig, TrackerConfig, TrackerError, settings_of
from client.tracking.setting import Setting, setting


@dataclass(frozen=True, kw_only=True)
class Parent:
    share: float = setting(0.5, "a share")
    frames: float | None = setting(None, "a time", most=np.inf)
    people: int = setting(2, "a count", least=1, most=5, whole=True)
    seen: bool = setting(True, "a choice")


@dataclass(frozen=True, kw_only=True)
class Child(Parent):
    share: float = 0.25
    places: int = setting(3, "another count", least=1, most=np.inf, whole=True)


def of(config: type, name: str) -> Setting:
    return next(one for one in settings_of(config) if one.name == name)


def test_a_subclass_that_changes_the_default_inherits_the_rest() -> None:
    assert (of(Parent, "share").default, of(Child, "share").default) == (0.5, 0.25)
    assert of(Child, "share").meaning == "a share"
    assert [one.name for one in settings_of(Child)] == ["share", "frames", "people", "seen", "places"]


@pytest.mark.parametrize(
    ("name", "allowed", "good", "bad"),
    [
        ("share", "between 0 and 1", [0, 0.3, 1], [-0.1, 1.1, np.nan]),
        ("frames", "at least 0", [None, 0, 1e9], [-1, np.inf, np.nan]),
        ("people", "a whole number from 1 to 5", [1, 5, 2.0], [0, 6, 2.5, np.nan]),
        ("places", "a whole number from 1", [1, 1000], [0, np.inf, np.nan]),
        ("seen", "true or false", [True, False], []),
    ],
)
def test_values(name: str, allowed: str, good: list[Any], bad: list[Any]) -> None:
    one = of(Child, name)
    assert one.allowed == allowed
    for value in good:
        one.check(value)
    for value in bad:
        with pytest.raises(TrackerError, match=f"{name} is {value}, but must be {allowed}"):
            one.check(value)


@pytest.mark.parametrize("config", TRACKERS.values(), ids=list(TRACKERS))
def test_every_setting_of_every_tracker_has_a_meaning_and_a_default_within_its_bounds(
    config: type[TrackerConfig],
) -> None:
    found = list(settings_of(config))
    assert [one.name for one in found] == [one.name for one in fields(config)]
    for one in found:
        assert one.meaning and "\n" not in one.meaning
        assert one.default == getattr(config(), one.name)
        one.check(one.default)


def test_fairmot_byte_changes_two_defaults_of_fairmot() -> None:
    parent = {one.name: one for one in settings_of(FairMotByteConfig.__base__)}  # type: ignore[arg-type]
    changed = {one.name for one in settings_of(FairMotByteConfig) if one.default != parent[one.name].default}
    assert changed == {"conf_thres", "low_thres"}
