"""Who is who: a browser is known by its cookie, of which only the hash is kept; a login joins browsers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from pathlib import Path

from client.ui.store.database import Database, StoreError
from mot.files import whole_file

COOKIE = "mot_person"
_OWNER_BYTES = 32


class People:
    """Browsers and whose they are."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._secret = _secret(folder / "secret")

    @staticmethod
    def new_cookie() -> str:
        return secrets.token_hex(_OWNER_BYTES)

    @staticmethod
    def valid(cookie: str | None) -> bool:
        """Whether it can be one of ours."""
        return cookie is not None and len(cookie) == 2 * _OWNER_BYTES and set(cookie) <= set("0123456789abcdef")

    def owner(self, cookie: str, *, open_to_all: bool) -> str | None:
        """The person; None where they have yet to give the password or log in.

        Args:
            open_to_all: no password and no login is needed.
        """
        key = _hash(cookie)
        row = self._database.row("SELECT owner, admitted FROM people WHERE cookie = ?", (key,))
        if row is not None and row["admitted"]:
            return str(row["owner"])
        return key if open_to_all else None

    def admit(self, cookie: str, login: str | None = None) -> None:
        """Let a browser in: it has given the password, or somebody has logged in there."""
        key = _hash(cookie)
        owner = key if login is None else _hash(f"login {login}")
        self._database.change("INSERT OR REPLACE INTO people VALUES (?, ?, ?, 1, ?)", (key, owner, login, time.time()))

    def login_of(self, cookie: str) -> str | None:
        """Whose login let this browser in, if any did."""
        row = self._database.row("SELECT login FROM people WHERE cookie = ? AND admitted", (_hash(cookie),))
        return row["login"] if row else None

    def expel(self, cookie: str) -> None:
        """The login has ended."""
        self._database.change("DELETE FROM people WHERE cookie = ?", (_hash(cookie),))

    def token(self, cookie: str) -> str:
        """What a request that changes something must carry in its header: another site cannot know it."""
        return hmac.new(self._secret, cookie.encode(), "sha256").hexdigest()

    def token_fits(self, cookie: str, token: str) -> bool:
        return hmac.compare_digest(self.token(cookie).encode(), token.encode(errors="replace"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _secret(path: Path) -> bytes:
    """The page's own secret, made at the first start."""
    try:
        if not path.exists():
            with whole_file(path) as temporary:
                temporary.touch(mode=0o600)
                temporary.write_bytes(secrets.token_bytes(32))
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; check the folder given with --data") from error
