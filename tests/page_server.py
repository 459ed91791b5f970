"""`mot ui` as a process of its own, of which tests kill parts, and a person at its page."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.command import ROOT, children

WAIT_MS = 60_000  # machines are slow when many tests run


class Page(Protocol):
    """What a person needs of a page that runs, wherever it does."""

    address: str  # ends in a slash

    def log(self) -> str:
        """The last of what it has said."""


class PageServer:
    """A running page."""

    def __init__(self, data: Path, *options: object, folder: Path = ROOT) -> None:
        """``folder``: in which it is started, and has its secrets."""
        self.data, self.port, self._options, self.folder = data, free_port(), options, folder
        self.address = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        log = (self.data.parent / "page.log").open("a")
        self.process = subprocess.Popen(
            [*_command(), "ui", "--port", str(self.port), "--data", str(self.data), *map(str, self._options)],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )
        log.close()
        self.wait_up()

    def wait_up(self) -> None:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not self._healthy():
            assert self.process and self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()

    def kill(self, part: str) -> None:
        """End a process that the page keeps alive, without warning: ``web.server``, ``work.worker``, ``triton``."""
        pids = self.parts(part)
        assert pids, f"no {part} in {self.log()}"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def parts(self, part: str) -> list[int]:
        assert self.process
        return [pid for pid in children(self.process.pid) if part in _command_line(pid)]

    def log(self) -> str:
        return (self.data.parent / "page.log").read_text()[-4000:]


def _command() -> list[str]:
    import sys

    return [sys.executable, "-m", "client.cli"]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def page_server(data: Path, *options: object) -> Iterator[PageServer]:
    """A page that is stopped at the end."""
    server = PageServer(data, *options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Person:
    """Somebody at the page, in a browser of their own."""

    def __init__(self, browser: Any, server: Page, **context: Any) -> None:
        options = {"viewport": {"width": 1200, "height": 1400}, "locale": "en-US", **context}
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.server = server

    def open(self, path: str = "") -> Any:
        self.page.goto(self.server.address + path)
        self.page.wait_for_selector("[data-testid=stApp] .mot-head")
        return self.page

    def choose(self, *files: Path | dict[str, Any]) -> None:
        self.page.wait_for_selector(".drop button")
        self.page.set_input_files("input[type=file]", list(files))

    def upload(self, *files: Path | dict[str, Any]) -> None:
        """Choose files and wait until all can be started."""
        self.choose(*files)
        self.page.wait_for_function("n => document.querySelectorAll('.mot-thumb').length >= n", arg=len(files))

    def start(self) -> str:
        """Start the one that is ready; the job's id."""
        self.page.get_by_role("button", name="Find and follow people").click()
        self.page.wait_for_url("**?job=*")
        return str(self.page.url).partition("job=")[2].partition("&")[0]

    def wait_done(self) -> None:
        self.page.wait_for_selector("video", timeout=5 * WAIT_MS)  # a job of thousands of frames

    def text(self) -> str:
        return str(self.page.inner_text("[data-testid=stApp]"))

    def wait_text(self, text: str) -> None:
        from playwright.sync_api import TimeoutError as TookTooLong

        try:
            self.page.get_by_text(text).first.wait_for()
        except TookTooLong:
            raise AssertionError(f"no {text!r} in {self.text()}\n{self.said[-5:]}\n{self.server.log()}") from None

    def close(self) -> None:
        self.context.close()
        assert not self.errors, self.errors
