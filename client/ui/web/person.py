"""A cookie for each browser, and what a request must bring to change something."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client.ui.store.people import COOKIE, People
from client.ui.web.services import Services

TOKEN_HEADER = "X-Mot-Token"
_A_YEAR_S = 365 * 86_400


class RefusedError(Exception):
    """The request is answered with this status and a sentence."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class PersonCookie:
    """Gives every browser a cookie with the first page that it loads.

    Only with pages: several cookies from one first load, with its scripts and styles, would leave the page with
    one and the websocket with another.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app, self._settings = app, services.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or "text/html" not in headers.get("accept", "") or cookie_of(headers.get("cookie")):
            await self._app(scope, receive, send)
            return
        secure = "; Secure" if self._settings.secure_cookie else ""
        path = f"{self._settings.base_path}/"
        value = f"{COOKIE}={People.new_cookie()}; Path={path}; Max-Age={_A_YEAR_S}; HttpOnly; SameSite=Lax{secure}"

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.append("Set-Cookie", value)
                answer["Cache-Control"] = "no-store"  # a proxy must not hand one person's cookie to others
            await send(message)

        await self._app(scope, receive, with_cookie)


def cookie_of(header: str | None) -> str | None:
    """The person's cookie in a Cookie header, if it can be one of ours."""
    try:
        found = SimpleCookie(header or "").get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and People.valid(found.value) else None


def person(request: Request, services: Services) -> str:
    """The owner that a request speaks for.

    Raises:
        RefusedError: nobody, or somebody who has yet to give the password or log in.
    """
    owner = services.owner(cookie_of(request.headers.get("cookie")))
    if owner is None:
        raise RefusedError(401, "who", "open the page first")
    return owner


def person_who_changes(request: Request, services: Services) -> str:
    """As :func:`person`, for requests that change something: these must carry the page's token.

    Raises:
        RefusedError: the token is missing or another's, so that the request may be another site's.
    """
    owner = person(request, services)
    cookie = cookie_of(request.headers.get("cookie"))
    if cookie is None or not services.people.token_fits(cookie, request.headers.get(TOKEN_HEADER, "")):
        raise RefusedError(403, "token", "reload the page")
    return owner
