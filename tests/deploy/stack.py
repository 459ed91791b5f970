"""The compose file as a person uses it: docker-compose, with a project of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONG = 480  # frames that the tests track: enough to break something meanwhile, 15 s of two cores
DOCKER = os.environ.get("MOT_DOCKER", "docker")
COMPOSE = {"as installed": "docker-compose", "version 2": os.environ.get("MOT_COMPOSE_V2", "")}  # see .ci/tools


def why_no_engine() -> str:
    """Empty where containers can run."""
    if shutil.which("docker-compose") is None:
        return "docker-compose is not installed"
    if shutil.which(DOCKER) is None:
        return f"{DOCKER} is not installed"
    asked = subprocess.run([DOCKER, "info"], capture_output=True, text=True, timeout=120, check=False)
    return "" if asked.returncode == 0 else f"no container engine answers: {asked.stderr.strip().splitlines()[-1]}"


def events(text: str) -> list[dict[str, Any]]:
    """The lines, each of which must be JSON."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def frames_at(address: str, timeout: float = 1) -> int:
    """How many frames a client or a worker has tracked so far, by its metrics; 0 while it does not answer."""
    try:
        text = urllib.request.urlopen(f"http://{address}:9100/metrics", timeout=timeout).read().decode()
    except OSError:
        return 0
    found = re.search(r"^mot_frames_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def first_rows(rows: bytes, count: int) -> str:
    """Those of the first frames."""
    lines = rows.decode("ascii").splitlines(keepends=True)
    return "".join(line for line in lines if int(line.split(",")[0]) <= count)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One project; all of it goes with :meth:`remove`."""

    project: str
    environment: dict[str, str] = field(default_factory=dict)
    program: str = "docker-compose"

    def compose(self, *arguments: str, timeout: float = 600, check: bool = True) -> str:
        """Output of ``docker-compose ARGUMENTS``; errors carry what it said."""
        command = [
            self.program,
            "--ansi",
            "never",
            "--project-name",
            self.project,
            "--file",
            str(ROOT / "docker-compose.yml"),
        ]
        return self._run([*command, *arguments], timeout, check)

    def docker(self, *arguments: str, timeout: float = 600, check: bool = True) -> str:
        return self._run([DOCKER, *arguments], timeout, check)

    def feed(self, text: str, *command: str, timeout: float = 1200) -> None:
        """Run a command with this text as its input."""
        subprocess.run(command, input=text, text=True, check=True, timeout=timeout, env=self._environment())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``docker ARGUMENTS`` beside the test; its output goes to pipes."""
        return subprocess.Popen(
            [DOCKER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._environment()
        )

    def container(self, service: str) -> str:
        return self.compose("ps", "-q", service).strip()

    def logs(self, service: str) -> str:
        """What its program has written, wherever to."""
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return str(subprocess.run([DOCKER, "logs", self.container(service)], check=True, **both).stdout)  # type: ignore

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", name))[0]
        return found

    def address(self, container: str) -> str:
        """Its own, on the network inside, which this machine reaches."""
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_inside"]["IPAddress"])

    def wait_healthy(self, service: str, timeout: float = 300) -> float:
        """Seconds until its health check has succeeded."""
        begun = time.monotonic()
        while time.monotonic() - begun < timeout:
            health = self.inspect(self.container(service))["State"]["Health"]
            if health["Status"] == "healthy":
                return time.monotonic() - begun
            time.sleep(0.2)
        raise AssertionError(f"{service} is {health}: {self.compose('logs', service)}")

    def image(self, name: str) -> str:
        return f"{self.environment['MOT_IMAGES']}/{name}:{self.environment['MOT_TAG']}"

    def remove(self) -> None:
        everything = ("--profile", "tools", "--profile", "monitoring", "down", "--volumes", "--timeout", "5")
        self.compose(*everything, "--remove-orphans", check=False)

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        label = f"label=com.docker.compose.project={self.project}"
        found = []
        for kind in (("ps", "-a"), ("volume", "ls"), ("network", "ls")):
            found += self.docker(*kind, "-q", "--filter", label).split()
        return found

    def _environment(self) -> dict[str, str]:
        return os.environ | {"COMPOSE_HTTP_TIMEOUT": "600"} | self.environment

    def _run(self, command: list[str], timeout: float, check: bool) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=self._environment(), check=False, cwd=ROOT
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout
