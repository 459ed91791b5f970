"""The web server: Streamlit's app with the routes for uploads and results.

python -m client.ui.web.server
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from client.log_lines import FORM
from client.ui.store.appending import UploadError
from client.ui.store.database import StoreError
from client.ui.store.pruning import prune
from client.ui.web.checking import Checking
from client.ui.web.person import PersonCookie, RefusedError
from client.ui.web.result_routes import ResultRoutes
from client.ui.web.services import Services, services
from client.ui.web.upload_routes import UploadRoutes, refused
from mot.errors import MotError

SCRIPT = Path(__file__).resolve().parents[1] / "page" / "script.py"
API = "/api"
_PRUNE_EVERY_S = 600.0

log = logging.getLogger(__name__)


def make_app(services: Services) -> st.App:
    """The ASGI app: page, routes, cookie; below the base path, where there is one."""
    checking = Checking(services)
    prefix = services.settings.base_path + API

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
        for upload in services.uploads.unchecked():
            checking.begin(upload)
        pruning = asyncio.create_task(_prune_for_ever(services))
        yield None
        pruning.cancel()
        with suppress(asyncio.CancelledError):
            await pruning

    return st.App(
        SCRIPT,
        routes=[*UploadRoutes(services, checking).routes(prefix), *ResultRoutes(services).routes(prefix)],
        middleware=[Middleware(PersonCookie, services=services)],
        lifespan=lifespan,
        exception_handlers=dict.fromkeys((RefusedError, UploadError, StoreError), refused),
    )


async def _prune_for_ever(services: Services) -> None:
    while True:
        try:
            await asyncio.to_thread(prune, services.database, services.settings)
        except (MotError, OSError) as error:
            log.warning("what is old was not removed: %s", error)
        await asyncio.sleep(_PRUNE_EVERY_S)


def main() -> None:
    """Serve until SIGTERM."""
    own = services()
    settings = own.settings
    make_app(own).run(
        config={
            "server.port": settings.port,
            "server.address": settings.host,
            "server.baseUrlPath": settings.base_path.strip("/"),
            "server.headless": True,
            "server.fileWatcherType": "none",
            "server.maxUploadSize": 1,  # Streamlit's own uploads, which nobody uses here, MB
            "server.disconnectedSessionTTL": 60,
            "browser.gatherUsageStats": False,
            "logger.hideWelcomeMessage": True,  # it would ask a server elsewhere for this machine's address
            "logger.level": "error" if os.environ.get(FORM) == "json" else "info",  # its lines are not JSON
            "client.toolbarMode": "minimal",
            "client.showErrorDetails": "none",
            # Not "theme.primaryColor", with which the browser's wish for a dark page would not be heard.
            "theme.light.primaryColor": "#2f6fde",
            "theme.dark.primaryColor": "#5b93f5",
        }
    )


if __name__ == "__main__":
    main()
