"""What every part of the page is given: who looks, in which language, and the page's parts on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from client.ui.page.phrases import WORDS
from client.ui.page.words import Language, Words
from client.ui.store.jobs import Job
from client.ui.web.services import Services

API = "/api"


@dataclass(frozen=True, kw_only=True)
class View:
    """One person's look at the page."""

    services: Services
    owner: str
    cookie: str
    language: Language

    @property
    def words(self) -> Words:
        return WORDS[self.language]

    @property
    def api(self) -> str:
        """Where the routes are."""
        return self.services.settings.base_path + API

    def named(self, *names: str) -> dict[str, str]:
        """Some of the words, for a part in JavaScript."""
        words = asdict(self.words)
        return {name: words[name] for name in names}

    def spec(self, job: Job) -> dict[str, Any]:
        """A job as plain values."""
        values: dict[str, Any] = json.loads(job.spec)
        return values
