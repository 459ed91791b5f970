"""client.tuning.search: on a hill whose top is known."""

from __future__ import annotations

import pytest

from client.tracking import ByteConfig, TrackerConfig, TrackerError
from client.tuning.search import TOLERANCE, Found, plateaus, search
from client.tuning.space import Range

RANGES = [
    Range(name="conf_thres", low=0, high=1, whole=False),
    Range(name="min_hits", low=1, high=8, whole=True),
    Range(name="fuse_score", low=0, high=1, whole=True, switch=True),
]


def hill(config: TrackerConfig) -> float:
    """The best is 0.3, 3, false; one hundredth of conf_thres costs half a point."""
    assert isinstance(config, ByteConfig)
    return 80 - 50 * abs(config.conf_thres - 0.3) - 2 * abs(config.min_hits - 3) - 5 * config.fuse_score


def test_the_top_is_found() -> None:
    found = search(hill, ByteConfig(), RANGES, trials=150, seed=3)
    assert found.value > 78 and found.default == hill(ByteConfig())
    assert found.settings["min_hits"] == 3 and found.settings["fuse_score"] is False
    assert found.settings["conf_thres"] == pytest.approx(0.3, abs=0.04)
    assert hill(ByteConfig(**found.settings)) == pytest.approx(found.value)  # type: ignore[arg-type]


def test_the_same_seed_tries_the_same() -> None:
    one, other = (search(hill, ByteConfig(), RANGES, trials=20, seed=1) for _ in range(2))
    assert one == other != search(hill, ByteConfig(), RANGES, trials=20, seed=2)


def test_nothing_better_leaves_all_as_it_was() -> None:
    best = ByteConfig(conf_thres=0.3, min_hits=3, fuse_score=False)
    found = search(hill, best, RANGES, trials=5)
    assert found.value == found.default == 80
    assert found.settings == {"conf_thres": 0.3, "min_hits": 3, "fuse_score": False}


def test_refused_settings_count_as_tried() -> None:
    watched = 0

    def watch() -> None:
        nonlocal watched
        watched += 1

    def picky(config: TrackerConfig) -> float:
        if config.min_hits > 2:
            raise TrackerError("no")
        return hill(config)

    found = search(picky, ByteConfig(), RANGES, trials=30, watch=watch)
    assert watched == 30
    assert found.settings["min_hits"] in (1, 2)


def test_width_of_each_setting() -> None:
    best = {"conf_thres": 0.3, "min_hits": 3, "fuse_score": False}
    found = Found(settings=best, value=80, default=70, tried=(70, 79.5, 80))
    assert found.near == pytest.approx(2 / 3)
    widths = plateaus(hill, ByteConfig(), found, RANGES)
    assert [one.name for one in widths] == ["conf_thres", "min_hits", "fuse_score"]
    steep, whole, switch = widths
    assert (steep.low, steep.high, steep.worst) == (0.3, 0.3, 35)
    assert (whole.low, whole.high) == (3, 3) and whole.worst == 10
    assert (switch.low, switch.high, switch.worst) == (False, False, 5)
    flat = plateaus(lambda config: 80 - TOLERANCE * (config.min_hits > 6), ByteConfig(), found, RANGES[1:2])[0]
    assert (flat.low, flat.high, flat.worst) == (1, 8, TOLERANCE)
