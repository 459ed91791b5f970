"""The compose file as text: what every service must have, and what both kinds of docker-compose take."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy.stack import COMPOSE as PROGRAMS
from tests.deploy.stack import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BY_HAND = {"client", "training"}  # started for one command, which ends
# What docker-compose 1.29 refuses, at the top, in a service, and below its build and dependencies.
REFUSED = {"name", "gpus", "configs", "secrets", "env_file", "develop", "attach", "pull_policy", "depends_on"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0 and group == "0"  # of the image's files
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_limited_and_kept(name: str) -> None:
    service = SERVICES[name]
    assert {"mem_limit", "cpus", "pids_limit", "tmpfs", "logging"} <= service.keys()
    assert service["restart"] == ("no" if name in BY_HAND else "unless-stopped")
    assert ("healthcheck" in service) is (name not in BY_HAND)


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_page_is_reached_from_elsewhere(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert name == "page" or port.startswith("127.0.0.1:")
    assert ("outside" in SERVICES[name]["networks"]) is ("ports" in SERVICES[name])
    assert COMPOSE["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_of_this_machine_is_mounted(name: str) -> None:
    assert all(volume.split(":")[0] in COMPOSE["volumes"] for volume in SERVICES[name].get("volumes", []))


@pytest.mark.parametrize("name", SERVICES)
def test_both_dialects_take_it(name: str) -> None:
    assert not REFUSED & (COMPOSE.keys() | SERVICES[name].keys())
    assert SERVICES[name]["build"].keys() <= {"context", "dockerfile", "target", "args"}
    limits = SERVICES[name].get("deploy", {}).get("resources", {})
    assert limits.keys() <= {"reservations"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_is_built_from_is_there_and_has_a_version(name: str) -> None:
    build = SERVICES[name]["build"]
    dockerfile = ROOT / build["context"] / build.get("dockerfile", "Dockerfile")
    text = dockerfile.read_text(encoding="utf-8")
    if "target" in build:
        assert re.search(rf"^FROM \S+ AS {build['target']}$", text, re.MULTILINE)
    for key, value in build["args"].items():
        default = re.fullmatch(r"\$\{\w+:-(.*)\}", value)
        assert default and f"ARG {key}" in text
        if key.endswith("_IMAGE"):
            assert f"ARG {key}={default[1]}" in text and not default[1].endswith(("latest", ":"))
            assert ":" in default[1]
    assert not SERVICES[name]["image"].endswith("latest")


def test_clients_speak_to_the_port_that_the_server_has() -> None:
    command = SERVICES["triton"]["command"]
    assert not {"--grpc-port", "--metrics-port", "--http-port"} & set(command)  # the command's defaults
    for name in ("page", "worker", "client"):
        assert SERVICES[name]["environment"]["MOT_URL"] == "${MOT_TRITON:-grpc://triton:8001}"


def test_http_of_triton_stays_in_its_container() -> None:
    assert SERVICES["triton"]["command"][-2:] == ["--http-host", "127.0.0.1"]
    assert '"${MOT_HTTP_HOST:-127.0.0.1}"' in (ROOT / "deploy/docker/triton-gpu.sh").read_text()


@pytest.mark.parametrize("version", PROGRAMS)
@pytest.mark.parametrize("profile", ["", "gpu", "monitoring", "tools", "training"])
def test_docker_compose_reads_it(profile: str, version: str) -> None:
    program = shutil.which(PROGRAMS[version])
    if program is None:
        pytest.skip(f"docker-compose {version} is not there; .ci/tools brings version 2")
    chosen = ("--profile", profile) if profile else ()
    command = [program, "--file", str(ROOT / "docker-compose.yml"), *chosen, "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
