"""The look at complete uploads: one process at a time, with a deadline."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from json import JSONDecodeError
from typing import Any

from client.ui.store.database import StoreError
from client.ui.store.uploads import Upload
from client.ui.web.services import Services

_DEADLINE_S = 600.0  # unpacking a large zip takes minutes
_AT_ONCE = 2
_FULL_S = 2.0  # until one looks again whether there is room

log = logging.getLogger(__name__)


class Checking:
    """Runs ``client.ui.work.probe`` on uploads, within the web server's event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, upload: Upload) -> None:
        """Look at a complete file; the answer goes to the database."""
        task = asyncio.create_task(self._check(upload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, upload: Upload) -> None:
        async with self._free:
            answer = await self._probe(upload)
        while True:
            try:
                await asyncio.to_thread(self._note, upload, answer)
                return
            except StoreError as error:  # as long as the disk is full
                log.warning("upload %s: %s", upload.id, error)
            await asyncio.sleep(_FULL_S)

    def _note(self, upload: Upload, answer: dict[str, Any]) -> None:
        uploads = self._services.uploads
        if "facts" in answer:
            uploads.ready(upload.id, answer["facts"])
        else:
            error = json.dumps({"error": answer["error"], "values": answer["values"]})
            uploads.refuse(upload.id, answer["kind"], error)

    async def _probe(self, upload: Upload) -> dict[str, Any]:
        uploads, limits = self._services.uploads, self._services.settings.limits
        path = await asyncio.to_thread(uploads.whole, upload)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "client.ui.work.probe"),
            *(str(path), str(uploads.path(upload.id)), limits.model_dump_json()),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"OPENCV_IO_MAX_IMAGE_PIXELS": str(limits.pixels)},
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), _DEADLINE_S)
            answer: dict[str, Any] = json.loads(output)
        except (TimeoutError, JSONDecodeError):
            log.warning("upload %s: the look at it has ended with status %s", upload.id, process.returncode)
            answer = {"kind": "not_video", "error": "the file could not be looked at", "values": {}}
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return answer
