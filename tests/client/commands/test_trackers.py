"""``mot trackers``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.commands.trackers import settings_table
from client.tracking import TRACKERS, settings_of
from tests.command import Outcome
from tests.tiny_model import TINY, repository

Mot = Callable[..., Outcome]


@pytest.mark.parametrize("name", TRACKERS)
def test_every_setting_has_its_default_and_a_meaning(name: str) -> None:
    table = settings_table(name, {})
    settings, defaults, meanings = (list(column.cells) for column in table.columns)
    assert settings == [one.name for one in settings_of(TRACKERS[name])]
    assert all(defaults) and all(len(str(meaning)) > 15 for meaning in meanings)


def test_what_the_model_changes_is_shown_beside_the_papers_value(mot: Mot, tmp_path: Path) -> None:
    models = repository(tmp_path, TINY.with_thresholds({"conf_thres": 0.35}))
    outcome = mot("trackers", "byte", "--model-repository", models)
    assert outcome.status == 0, outcome.err
    assert "0.35 (paper: 0.7)" in outcome.out and "track_buffer" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_all_of_them_for_the_shipped_model(mot: Mot) -> None:
    outcome = mot("trackers")
    assert outcome.status == 0 and all(name in outcome.out for name in TRACKERS)


def test_another_name_is_refused(mot: Mot) -> None:
    outcome = mot("trackers", "sort")
    assert outcome.status == 1 and "there is no tracker 'sort'; choose one of overlap_reid" in outcome.err
