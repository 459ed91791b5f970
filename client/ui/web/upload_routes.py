"""Uploads over HTTP: announced, sent in pieces, gone on with after any break.

POST   uploads        {"name", "size", "stamp"} -> {"id", "received", ...}; refused before a byte is sent
PATCH  uploads/ID     a piece of at most 16 MiB, with Upload-Offset -> {"received"}; 409 says where to go on
GET    uploads        this person's uploads that no job reads yet
DELETE uploads/ID
"""

from __future__ import annotations

import asyncio
import json
import logging
from json import JSONDecodeError
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from client.ui.store.appending import Appending, UploadError
from client.ui.store.database import StoreError
from client.ui.store.uploads import Upload
from client.ui.web.checking import Checking
from client.ui.web.person import RefusedError, person, person_who_changes
from client.ui.web.services import Services
from client.ui.web.upload_chunk import MOST

_MOST_JSON = 1 << 14
_BUFFER = 1 << 20  # bytes that are written at a time

log = logging.getLogger(__name__)


class UploadRoutes:
    """The routes, below a prefix."""

    def __init__(self, services: Services, checking: Checking) -> None:
        self._services, self._uploads, self._checking = services, services.uploads, checking

    def routes(self, prefix: str) -> list[Route]:
        one = f"{prefix}/uploads/{{id}}"
        return [
            Route(f"{prefix}/uploads", self._list, methods=["GET"]),
            Route(f"{prefix}/uploads", self._begin, methods=["POST"]),
            Route(one, self._append, methods=["PATCH"]),
            Route(one, self._delete, methods=["DELETE"]),
            Route(f"{one}/poster.jpg", self._poster, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        owner = person(request, self._services)
        found = await run_in_threadpool(self._uploads.unused, owner)
        return JSONResponse([self._shown(upload) for upload in found])

    async def _begin(self, request: Request) -> Response:
        owner = person_who_changes(request, self._services)
        values = await _json(request)
        name, size, stamp = values.get("name"), values.get("size"), values.get("stamp")
        if not (isinstance(name, str) and type(size) is int and isinstance(stamp, str) and len(stamp) <= 200):
            raise RefusedError(400, "request", "name, size and stamp are expected")
        upload = await run_in_threadpool(self._uploads.begin, owner, name, size, stamp)
        return JSONResponse(self._shown(upload), 201)

    async def _append(self, request: Request) -> Response:
        owner = person_who_changes(request, self._services)
        upload = await self._upload(request, owner)
        try:
            offset = int(request.headers["Upload-Offset"])
        except (KeyError, ValueError):
            raise RefusedError(400, "request", "Upload-Offset must be a number of bytes") from None
        if int(request.headers.get("Content-Length", 0) or 0) > MOST:
            raise RefusedError(413, "piece", f"a piece has at most {MOST} bytes")
        await self._receive(request, upload, offset)
        if await run_in_threadpool(self._uploads.touch, upload):
            self._checking.begin(upload)
            return JSONResponse({"received": upload.size})
        return JSONResponse({"received": await run_in_threadpool(self._uploads.received, upload)})

    async def _receive(self, request: Request, upload: Upload, offset: int) -> None:
        """Write the piece as it comes; where the connection breaks, what has come stays."""
        piece = await run_in_threadpool(self._uploads.append, upload, offset)
        waiting, read = bytearray(), 0
        refusal: UploadError | RefusedError | None = None
        try:
            async for data in request.stream():
                read += len(data)
                if read > MOST:
                    refusal = refusal or RefusedError(413, "piece", f"a piece has at most {MOST} bytes")
                if read > 2 * MOST:
                    break
                if refusal:
                    continue  # read to its end: a browser that still sends would not hear the answer
                waiting += data
                if len(waiting) >= _BUFFER:
                    refusal = await self._write(piece, waiting)
        except ClientDisconnect:
            pass
        finally:
            refusal = refusal or await self._write(piece, waiting)
            await run_in_threadpool(piece.close)
        if refusal:
            raise refusal

    async def _write(self, piece: Appending, waiting: bytearray) -> UploadError | None:
        """Write what waits; returns why that was not possible."""
        try:
            await run_in_threadpool(piece.write, bytes(waiting))
        except UploadError as error:
            return error
        finally:
            waiting.clear()
        return None

    async def _delete(self, request: Request) -> Response:
        owner = person_who_changes(request, self._services)
        await run_in_threadpool(self._uploads.delete, owner, request.path_params["id"])
        return Response(status_code=204)

    async def _poster(self, request: Request) -> Response:
        owner = person(request, self._services)
        upload = await self._upload(request, owner)
        path = self._uploads.path(upload.id) / "poster.jpg"
        if not await asyncio.to_thread(path.exists):
            raise RefusedError(404, "missing", "there is no picture of it yet")
        return FileResponse(path, headers={"Cache-Control": self._services.cached(3600)})

    async def _upload(self, request: Request, owner: str) -> Upload:
        upload = await run_in_threadpool(self._uploads.get, owner, request.path_params["id"])
        if upload is None:
            raise RefusedError(404, "missing", "there is no such upload")
        return upload

    def _shown(self, upload: Upload) -> dict[str, Any]:
        return {
            "id": upload.id,
            "name": upload.name,
            "size": upload.size,
            "stamp": upload.stamp,
            "state": upload.state,
            "received": self._uploads.received(upload),
            "facts": dict(upload.facts),
            "kind": upload.error_kind,
            "error": upload.error,
        }


async def _json(request: Request) -> dict[str, Any]:
    """A small JSON object.

    Raises:
        RefusedError: it is something else.
    """
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > _MOST_JSON:
            raise RefusedError(413, "request", "this is too much")
    try:
        values = json.loads(bytes(body))
    except (JSONDecodeError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict):
        raise RefusedError(400, "request", "a JSON object is expected")
    return values


def refused(request: Request, error: Exception) -> Response:
    """The answer to a request that cannot be fulfilled."""
    if isinstance(error, UploadError):
        values = {"kind": error.kind, "error": str(error), "values": error.values}
        return JSONResponse(values, error.status)
    if isinstance(error, StoreError):  # what has been received is kept, and what was to be noted is not
        log.warning("%s", error)
        return JSONResponse({"kind": "disk_full", "error": "the server's disk is full", "values": {}}, 507)
    assert isinstance(error, RefusedError)
    return JSONResponse({"kind": error.kind, "error": str(error), "values": {}}, error.status)
