"""Memory of the page's web server: after 50 jobs beside after 5, and at its peak during an upload of 1 GB.

    python -m tests.benchmarks.ui_memory

Needs Chromium. Jobs are short, with the tiny model; each is uploaded, started, watched and looked at in a browser.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from client.ui.store.people import COOKIE
from tests.chromium import chromium
from tests.media import make_video
from tests.page_server import PageServer, Person, page_server
from tests.tiny_model import repository

CHUNK = 8 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--bytes", type=int, default=1 << 30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium(alone=False) as browser:
        folder = Path(name)
        options = ("--engine", "local", "--model-repository", repository(folder / "models"), "--workers", 1)
        with page_server(folder / "data", *options) as server:
            _upload(server, browser, arguments.bytes)
        with page_server(folder / "more", *options, "--max-jobs", 1000) as server:
            images = [np.full((240, 320, 3), (60 + n, 150, 250), np.uint8) for n in range(20)]
            video = make_video(folder / "walk.mp4", images)
            person = Person(browser, server)
            sizes = {}
            for number in range(1, arguments.jobs + 1):
                person.open()
                person.upload(video)
                person.start()
                person.wait_done()
                sizes[number] = _memory(server, "VmRSS")
                if number in (1, 5) or number % 10 == 0:
                    print(f"after {number:3} jobs  {sizes[number]:.0f} MB", flush=True)
            print(f"after {arguments.jobs} / after 5  {sizes[arguments.jobs] / sizes[5]:.3f}")
            person.context.close()


def _memory(server: PageServer, kind: str) -> float:
    """MB of the web server."""
    (pid,) = server.parts("web.server")
    found = re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def _upload(server: PageServer, browser: object, size: int) -> None:
    """As the page's own part sends it, as fast as it goes."""
    person = Person(browser, server)
    person.open()
    cookie = next(each["value"] for each in person.context.cookies() if each["name"] == COOKIE)
    person.page.wait_for_function("() => window.motSender")
    token = person.page.evaluate("() => window.motSender.data.token")
    person.context.close()
    before = _memory(server, "VmHWM")
    headers = {"Cookie": f"{COOKIE}={cookie}", "X-Mot-Token": token}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/api/uploads", json.dumps({"name": "a.avi", "size": size, "stamp": ""}), headers)
    id = json.loads(connection.getresponse().read())["id"]
    data, begun = bytes(CHUNK), time.perf_counter()
    for offset in range(0, size, CHUNK):
        piece = data[: size - offset]
        connection.request("PATCH", f"/api/uploads/{id}", piece, {**headers, "Upload-Offset": str(offset)})
        assert connection.getresponse().read()
    seconds, peak = time.perf_counter() - begun, _memory(server, "VmHWM")
    print(f"upload of {size >> 20} MB: {seconds:.1f} s; peak {peak:.0f} MB (before it {before:.0f} MB)", flush=True)


if __name__ == "__main__":
    main()
