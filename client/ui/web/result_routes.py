"""A job's pictures, its video with byte ranges, and its downloads; to its owner alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from client.ui.results import Result
from client.ui.store.jobs import Job
from client.ui.store.names import disposition
from client.ui.web.person import RefusedError, person
from client.ui.web.services import Services

_SHOWN = {
    "result.mp4": "video/mp4",
    "scene.jpg": "image/jpeg",
    "heat.jpg": "image/jpeg",
    "ways.svg": "image/svg+xml",
    "summary.json": "application/json",
}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox",
}


class ResultRoutes:
    """The routes, below a prefix."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self, prefix: str) -> list[Route]:
        job = f"{prefix}/jobs/{{id}}"
        return [
            Route(f"{job}/preview.jpg", self._preview, methods=["GET"]),
            Route(f"{job}/{{attempt:int}}/portraits/{{track:int}}.jpg", self._portrait, methods=["GET"]),
            Route(f"{job}/{{attempt:int}}/{{name}}", self._shown, methods=["GET", "HEAD"]),
            Route(f"{job}/download/{{kind}}", self._download, methods=["GET"]),
        ]

    async def _preview(self, request: Request) -> Response:
        job = await self._job(request)
        path = self._services.settings.jobs / job.id / "preview.jpg"
        try:  # whole: while it is sent, it is replaced
            picture = await asyncio.to_thread(path.read_bytes)
        except OSError:
            raise RefusedError(404, "missing", "there is no picture yet") from None
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store", **_SAFE})

    async def _portrait(self, request: Request) -> Response:
        folder = await self._folder(request)
        name = f"{request.path_params['track']}.jpg"
        return await _file(folder / "portraits" / name, "image/jpeg", self._services.cached(86_400))

    async def _shown(self, request: Request) -> Response:
        folder = await self._folder(request)
        name = request.path_params["name"]
        if name not in _SHOWN:
            raise RefusedError(404, "missing", "there is no such file")
        return await _file(folder / name, _SHOWN[name], self._services.cached(3600))

    async def _download(self, request: Request) -> Response:
        """A file to keep, under the upload's own name."""
        job = await self._job(request)
        if job.published is None:
            raise RefusedError(404, "missing", "there is no result yet")
        folder = self._services.settings.jobs / job.id
        stem = Path(job.title).stem
        kind = request.path_params["kind"]
        if kind in ("mp4", "txt"):
            headers = {"Content-Disposition": disposition(f"{stem}.{kind}")}
            return await _file(folder / str(job.published) / f"result.{kind}", None, "no-store", headers)
        language: Literal["en", "zh"] = "zh" if request.query_params.get("language") == "zh" else "en"
        try:
            result = await run_in_threadpool(Result.of, folder, job.published, job.title)
        except OSError:
            raise RefusedError(404, "missing", "the result has been removed") from None
        made: dict[str, tuple[str, str, Callable[[], str]]] = {
            "csv": (f"{stem}.tracks.csv", "text/csv", result.tracks_csv),
            "counts": (f"{stem}.counts.csv", "text/csv", result.counts_csv),
            "events": (f"{stem}.events.csv", "text/csv", result.events_csv),
            "json": (f"{stem}.json", "application/json", result.document),
            "report": (f"{stem}.html", "text/html", lambda: result.report(_settings(job), language)),
        }
        if kind not in made:
            raise RefusedError(404, "missing", "there is no such download")
        name, media, make = made[kind]
        text = await run_in_threadpool(make)
        headers = {"Content-Disposition": disposition(name), "Cache-Control": "no-store", **_SAFE}
        return Response(text.encode(), media_type=f"{media}; charset=utf-8", headers=headers)

    async def _job(self, request: Request) -> Job:
        owner = person(request, self._services)
        job = await run_in_threadpool(self._services.jobs.get, owner, request.path_params["id"])
        if job is None:
            raise RefusedError(404, "missing", "there is no such job")
        return job

    async def _folder(self, request: Request) -> Path:
        job = await self._job(request)
        return self._services.settings.jobs / job.id / str(request.path_params["attempt"])


def _settings(job: Job) -> dict[str, str]:
    """How it was tracked, for the report."""
    tracker = json.loads(job.spec).get("tracker", {})
    settings = {name: str(value) for name, value in tracker.get("settings", {}).items()}
    return {"tracker": tracker.get("name", ""), **settings}


async def _file(path: Path, media: str | None, cache: str, headers: dict[str, str] | None = None) -> Response:
    """A file with byte ranges, as it is now."""
    try:
        stat = await asyncio.to_thread(path.stat)
    except OSError:
        raise RefusedError(404, "missing", "there is no such file") from None
    return FileResponse(
        path, media_type=media, stat_result=stat, headers={"Cache-Control": cache, **_SAFE, **(headers or {})}
    )
