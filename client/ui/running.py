"""The page from start to end, for the command."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from threading import Event, Thread

from client.terminal import show
from client.ui.keeper import Keeper
from client.ui.settings import Settings, SettingsError
from client.video.sample import SampleError, fetch_sample

log = logging.getLogger(__name__)


def keep_page(settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        MotError: it cannot be started.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise SettingsError("the page needs Streamlit; install it with: pip install 'fairmot-mit[ui]'")
    if settings.base_path and not settings.base_path.startswith("/"):
        raise SettingsError(f"--base-path is {settings.base_path!r}, but must begin with /")
    if settings.login:
        _check_login()
    shown = "localhost" if settings.host in ("0.0.0.0", "127.0.0.1") else settings.host
    try:
        with Keeper(settings) as keeper:
            Thread(target=_fetch_sample, daemon=True).start()
            show("note", f"the page is at http://{shown}:{settings.port}{settings.base_path}")
            keeper.watch(Event())
    except KeyboardInterrupt:
        show("note", "stopped; jobs that were running begin again with the next start")


def _check_login() -> None:
    """So that it is said now, and not to the first who would log in."""
    from streamlit.runtime.secrets import secrets_singleton

    if not secrets_singleton.load_if_toml_exists() or "auth" not in secrets_singleton:
        raise SettingsError(
            f"--login needs an [auth] section in {Path('.streamlit/secrets.toml').absolute()}, with redirect_uri, "
            "cookie_secret, client_id, client_secret and server_metadata_url"
        )


def _fetch_sample() -> None:
    """So that "try the sample" begins at once."""
    try:
        fetch_sample()
    except SampleError as error:
        log.warning("the page's sample: %s", error)
