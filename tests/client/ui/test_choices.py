"""From the options of `mot ui` and `mot worker` to settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from client.cli import app
from client.ui.choices import chosen
from client.ui.settings import ENVIRONMENT, GIB, Settings

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def settings_of(command: str, *arguments: str) -> Settings:
    context = COMMANDS[command].make_context("mot", list(arguments))
    given = {name for name in context.params if context.get_parameter_source(name).name != "DEFAULT"}
    return chosen(context.params, given)


def test_defaults_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    settings = settings_of("ui", "--data", "/srv/mot")
    expected = Settings(data=Path("/srv/mot"))
    assert settings.model_copy(update={"limits": expected.limits}) == expected
    assert settings.limits.model_dump() == expected.limits.model_dump() | {"pixels": 8_300_000}


def test_units_become_the_settings_own() -> None:
    limits = settings_of("ui", "--max-upload", "0.5", "--max-minutes", "10", "--keep-gib", "2").limits
    assert (limits.file_bytes, limits.unpacked_bytes) == (GIB // 2, GIB)
    assert (limits.seconds, limits.keep_bytes) == (600, 2 * GIB)


def test_a_worker_has_the_pages_options_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_URL", "grpc://triton:8001")
    monkeypatch.setenv("MOT_UI_DATA", "/data")
    page, worker = settings_of("ui", "--workers", "0"), settings_of("worker")
    assert (page.data, page.url, page.workers) == (Path("/data"), "grpc://triton:8001", 0)
    assert worker == page.model_copy(update={"workers": 2})
    assert page.metrics_url == "http://triton:8002/metrics"


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        ((), {}),
        (("--port", "8600"), {"port": 8600}),
        (("--retry-for", "5", "--workers", "0"), {"retry_for_s": 5.0, "workers": 0}),
    ],
)
def test_options_change_what_the_environment_holds(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], changed: dict[str, Any]
) -> None:
    held = {"data": "/data", "url": "triton:8001", "host": "0.0.0.0", "workers": 7, "limits": {"jobs": 3}}
    monkeypatch.setenv(ENVIRONMENT, json.dumps(held))
    before = Settings.of_environment().model_copy(update={"metrics_url": "http://triton:8002/metrics"})
    assert settings_of("ui", *arguments) == before.model_copy(update=changed)


def test_a_limit_changes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, json.dumps({"data": "/data", "limits": {"jobs": 3, "keep_days": 1}}))
    assert settings_of("ui", "--max-jobs", "4").limits == Settings.of_environment().limits.model_copy(
        update={"jobs": 4}
    )
