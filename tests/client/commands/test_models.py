"""``mot models``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.command import Outcome
from tests.tiny_model import TINY, save

Mot = Callable[..., Outcome]
FAST = replace(TINY, accuracy="HOTA 12.3 on two scenes", speed="99 ms on a Z80", terms="research", conf_thres=0.45)


def test_what_a_model_says_of_itself_is_shown(mot: Mot, tmp_path: Path) -> None:
    graph = save(tmp_path / "fairmot_fast/1/model.onnx", FAST)
    outcome = mot("models", "--model-repository", tmp_path)
    assert outcome.status == 0, outcome.err
    assert "fairmot_fast, --model fast" in outcome.out
    for fact in ("tiny", "64x32", FAST.accuracy, FAST.speed, FAST.terms, "0.45"):
        assert fact in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert f"{graph.stat().st_size / 1e6:.1f}" in outcome.out


def test_for_programs_the_default_comes_first(mot: Mot, tmp_path: Path) -> None:
    for name in ("a", "fairmot_accurate", "fairmot", "fairmot_fast"):
        save(tmp_path / name / "1/model.onnx", FAST if name == "fairmot_fast" else TINY)
    outcome = mot("models", "--model-repository", tmp_path, "--json")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line["name"] for line in lines] == ["fairmot", "fairmot_fast", "fairmot_accurate", "a"]
    assert [line.get("size") for line in lines] == ["default", "fast", "accurate", None]
    assert lines[1]["terms"] == "research" and "terms" not in lines[0]


def test_the_shipped_ones_have_accuracy_and_a_default(mot: Mot) -> None:
    lines = [json.loads(line) for line in mot("models", "--json").out.splitlines()]
    assert lines[0]["name"] == "fairmot" and all(line["accuracy"] for line in lines)


def test_an_empty_folder_is_no_repository(mot: Mot, tmp_path: Path) -> None:
    outcome = mot("models", "--model-repository", tmp_path)
    assert outcome.status == 1
    assert f"{tmp_path}: holds no model; give a repository as mot-export writes it" in outcome.err
