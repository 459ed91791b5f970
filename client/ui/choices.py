"""From the options of `mot ui` and `mot worker` to settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client.ui.settings import ENVIRONMENT, GIB, Settings

# Option -> limit, and how much of its unit is one of the option's.
_LIMITS: Mapping[str, tuple[str, float]] = {
    "max_upload": ("file_bytes", GIB),
    "max_minutes": ("seconds", 60),
    "max_pixels": ("pixels", 1e6),
    "max_jobs": ("jobs", 1),
    "max_person": ("person_bytes", GIB),
    "keep_days": ("keep_days", 1),
    "keep_gib": ("keep_bytes", GIB),
    "free_gib": ("free_bytes", GIB),
}
_WHOLE = {"file_bytes", "unpacked_bytes", "pixels", "jobs", "person_bytes", "keep_bytes", "free_bytes"}
_METRICS_PORT = 8002


def chosen(options: Mapping[str, Any], said: set[str]) -> Settings:
    """Settings by the command's options.

    Args:
        options: all of them, by name, defaults included.
        said: names of those that a person has given. Where MOT_UI_SETTINGS holds settings already, as in a cluster,
            only these change them.

    Raises:
        SettingsError: MOT_UI_SETTINGS is not readable.
    """
    before = Settings.of_environment().model_dump() if ENVIRONMENT in os.environ else {}
    wanted = {name: value for name, value in options.items() if name in said or not before}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if name in Settings.model_fields}
    limits = {_LIMITS[name][0]: value * _LIMITS[name][1] for name, value in wanted.items() if name in _LIMITS}
    if "file_bytes" in limits:
        limits["unpacked_bytes"] = 2 * limits["file_bytes"]
    values["limits"] = before.get("limits", {}) | {
        name: round(value) if name in _WHOLE else value for name, value in limits.items()
    }
    if "retry_for" in wanted:
        values["retry_for_s"] = wanted["retry_for"]
    if "base_path" in values:
        values["base_path"] = values["base_path"].rstrip("/")
    values = before | values
    values["data"] = Path(values["data"] or Path.home() / ".local" / "share" / "fairmot-mit" / "page").absolute()
    values["model_repository"] = values["model_repository"] and Path(values["model_repository"]).absolute()
    values["metrics_url"] = values["metrics_url"] or _metrics_of(values["url"])
    return Settings(**values)


def _metrics_of(url: str | None) -> str | None:
    """Where a server elsewhere usually has its metrics."""
    if url is None:
        return None
    host = urlsplit(url if "://" in url else f"//{url}").hostname
    return f"http://{host}:{_METRICS_PORT}/metrics"
