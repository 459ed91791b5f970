"""What the routes and the page's script share within the web server's process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Self

from client.ui.settings import Settings
from client.ui.store.database import Database
from client.ui.store.jobs import JobQueue
from client.ui.store.people import People
from client.ui.store.uploads import Uploads


@dataclass(frozen=True, kw_only=True)
class Services:
    """The page's parts on disk."""

    settings: Settings
    database: Database
    jobs: JobQueue
    uploads: Uploads
    people: People

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open, or make, the page's folder.

        Raises:
            StoreError: it cannot be read or written.
        """
        database = Database(settings.database)
        for folder in (settings.uploads, settings.jobs):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(
            settings=settings,
            database=database,
            jobs=JobQueue(database),
            uploads=Uploads(database, settings.uploads, settings.limits),
            people=People(database, settings.data),
        )

    def owner(self, cookie: str | None) -> str | None:
        """Whose browser it is; None where the cookie is none of ours, or a password or login is missing."""
        if cookie is None or not self.people.valid(cookie):
            return None
        return self.people.owner(cookie, open_to_all=not self.settings.guarded)

    def cached(self, seconds: int) -> str:
        """``Cache-Control`` of what a person may see: where they log out, the next in that browser must not see it."""
        return "no-store" if self.settings.login else f"private, max-age={seconds}"


@cache
def services() -> Services:
    """This process's."""
    return Services.open(Settings.of_environment())
