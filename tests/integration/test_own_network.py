"""The tests' browser does not hear of the machine's interfaces, which come and go with containers."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chromium import can_be_alone, chromium

pytestmark = pytest.mark.browser
CALLS = 12  # a browser opens six connections; the others wait, and these are what it would break off


class _Held(BaseHTTPRequestHandler):
    """Answers the first page at once, all else when it is let go."""

    protocol_version = "HTTP/1.1"
    asked = threading.Semaphore(0)
    free = threading.Event()

    def do_GET(self) -> None:
        if self.path != "/":
            self.asked.release()
            self.free.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _interface() -> Iterator[None]:
    """A bridge with an address, as a container engine makes them; removed at the end."""
    name = f"mot{os.getpid() % 100_000}"
    try:
        subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no bridge can be made here: {error}")
    try:
        subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def test_an_interface_that_comes_and_goes_breaks_nothing_off() -> None:
    if not can_be_alone():
        pytest.skip("no network namespace can be made here: needs root, or user namespaces")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Held) as server, chromium() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        call = "n => fetch(`/${n}`).then(answer => answer.text()).catch(String)"
        page.evaluate(f"calls => {{ window.answers = Promise.all([...Array(calls).keys()].map({call})) }}", CALLS)
        for _ in range(6):
            assert _Held.asked.acquire(timeout=60)
        with _interface():
            page.wait_for_timeout(1000)  # for the browser to hear of it, if it does
        page.wait_for_timeout(1000)
        _Held.free.set()
        assert page.evaluate("() => window.answers") == ["ok"] * CALLS
        server.shutdown()
