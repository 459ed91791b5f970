"""The images built, started with compose, used and broken for real."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.stack import COMPOSE, LONG, Stack, events, first_rows
from tests.deploy.test_monitoring import TRITON
from tests.page_server import free_port

pytestmark = [pytest.mark.container, pytest.mark.data]
COUNT = 60  # frames, in which people come and go
VICTIMS = {"Triton": "tritonserver", "a model process": "triton_python_b", "the container": "docker-init"}
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:mode=1777")


@contextlib.contextmanager
def tracking(stack: Stack, video: str, name: str, frames: int) -> Iterator[subprocess.Popen[str]]:
    """``mot track`` in a hardened client's container of the project, under way."""
    command = ("mot", "--metrics-port", "9100", "track", video, "--end", str(frames), "--output", f"/data/{name}")
    process = stack.start(
        *("run", "--name", f"{stack.project}-{name}", *HARDENED, "--network", f"{stack.project}_inside"),
        *("-v", f"{stack.project}_jobs:/data", "-e", "MOT_LOG=json", "-e", "MOT_URL=grpc://triton:8001"),
        *(stack.image("client"), *command, "--no-video"),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        stack.docker("rm", "-f", f"{stack.project}-{name}", check=False)


def rows_of(stack: Stack, name: str) -> bytes:
    text = stack.docker(
        "run", "--rm", "-v", f"{stack.project}_jobs:/data", stack.image("client"), "cat", f"/data/{name}/vtest.txt"
    )
    return text.encode("ascii")


def until_frame(process: subprocess.Popen[str], frame: int) -> list[dict[str, Any]]:
    """Read events until one tells of this frame or a later one."""
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if seen[-1].get("frame", 0) >= frame:
            return seen
    raise AssertionError(f"no frame {frame} but {seen}")


def frames_in(metrics: str) -> float:
    return float(next(line for line in metrics.splitlines() if line.startswith("mot_frames_total ")).split()[1])


@pytest.mark.parametrize("name", ["client", "triton-cpu"])
def test_images_hold_what_runs_and_no_more(built: Stack, name: str) -> None:
    image = built.inspect(built.image(name))["Config"]
    assert image["User"] == "10001:0"
    assert {"title", "licenses", "version", "revision"} <= {key.rpartition(".")[2] for key in image["Labels"]}
    assert "ORT_DISABLE_TELEMETRY=1" in image["Env"]
    script = "for tool in gcc cc make pip pip3; do command -v $tool; done; cat /usr/share/sbom.cdx.json"
    bill = json.loads(
        built.docker("run", "--rm", built.image(name), "sh", "-c", script)
    )  # no tool has spoken before it
    listed = {component["name"].lower() for component in bill["components"]}
    assert {"onnxruntime", "libc6", "fairmot-mit", "fairmot/1/model.onnx"} <= listed


def test_a_damaged_model_is_refused(built: Stack) -> None:
    script = (
        "cp -r /opt/models/. /tmp/models && echo x >> /tmp/models/fairmot/1/model.onnx && entrypoint.sh mot --version"
    )
    environment = ("-e", "MOT_MODEL_REPOSITORY=/tmp/models")
    command = ("run", "--rm", "--entrypoint", "sh", *environment, built.image("triton-cpu"), "-c", script)
    process = built.start(*command)
    out, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "./fairmot/1/model.onnx: FAILED" in out and "licence" not in out


def test_any_user_may_run_it(running: Stack, video: str) -> None:
    command = ("mot", "track", video, "--engine", "local", "--end", "3", "--no-video", "--output", "/tmp/out")
    volume = ("-v", f"{running.project}_jobs:/data:ro")
    script = f"{' '.join(command)} && wc -l < /tmp/out/vtest.txt"
    for user in ("34567:0", "34567:34567"):
        out = running.docker(
            "run", "--rm", "--user", user, *HARDENED, *volume, running.image("client"), "sh", "-c", script
        )
        assert int(out.split()[-1]) >= 3, user


def test_rows_are_those_of_a_local_run(running: Stack, video: str, expected: bytes) -> None:
    with tracking(running, video, "same", COUNT) as process:
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0, out
    assert events(out)[-1]["outcome"] == "tracked" and events(out)[-1]["frames"] == COUNT
    assert rows_of(running, "same").decode() == first_rows(expected, COUNT)


def test_the_tracker_in_the_image_is_compiled(running: Stack, video: str) -> None:
    track = f"mot track {video} --engine local --end 30 --no-video --output /tmp/out > /dev/null"
    count = "find {} -name '*.nbc' | wc -l"
    script = f"{track} && {count.format('/opt/mot/numba')} && {count.format('/tmp/numba')}"
    volume = ("-v", f"{running.project}_jobs:/data:ro")
    baked, after = running.docker(
        "run", "--rm", *HARDENED, *volume, running.image("client"), "sh", "-c", script, timeout=600
    ).split()
    assert int(baked) == int(after) > 30


def test_metrics_of_client_and_server_are_read(running: Stack, video: str) -> None:
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:{}/metrics').read().decode())"
    with tracking(running, video, "measured", LONG) as process:
        until_frame(process, 1)
        exposed = ("exec", f"{running.project}-measured", "python", "-c", read.format(9100))
        while frames_in(text := running.docker(*exposed)) < 5:
            assert process.poll() is None
    assert 'mot_stage_seconds_bucket{le="0.25",stage="infer"}' in text and "mot_jobs_running 1.0" in text
    served = running.compose("exec", "-T", "triton", "python", "-c", read.format(8002))
    assert 'nv_inference_request_success{model="fairmot",version="1"}' in served
    assert [name for name in TRITON if f"\n{name}{{" not in served] == []


def test_bare_http_is_for_the_container_alone(running: Stack) -> None:
    answers = "import socket, sys; sys.exit(socket.socket().connect_ex(('triton', int(sys.argv[1]))) != 0)"
    network = ("--network", f"{running.project}_inside")
    for port, open_ in ((8001, True), (8002, True), (8080, True), (8000, False)):
        process = running.start("run", "--rm", *network, running.image("client"), "python", "-c", answers, str(port))
        process.communicate(timeout=300)
        assert (process.returncode == 0) is open_, port


@pytest.mark.parametrize("victim", VICTIMS)
def test_triton_killed_costs_no_row(running: Stack, video: str, expected: bytes, victim: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("killing a container's process on the host needs root")
    running.wait_healthy("triton")
    name = f"killed-{VICTIMS[victim]}"
    top = running.docker("top", running.container("triton"), "-eo", "pid,comm").splitlines()[1:]
    pids = {line.split()[1]: int(line.split()[0]) for line in reversed(top)}
    with tracking(running, video, name, LONG) as process:
        until_frame(process, 1)
        os.kill(pids[VICTIMS[victim]], signal.SIGKILL)
        out, _ = process.communicate(timeout=900)
        assert process.returncode == 0, out
    assert events(out)[-1]["frames"] == LONG
    assert rows_of(running, name) == expected
    running.wait_healthy("triton")


def test_logs_are_one_event_a_line(running: Stack) -> None:
    assert events(running.logs("triton"))[0]["message"] == "serving"


@pytest.mark.parametrize("version", COMPOSE)
def test_up_brings_all_and_down_leaves_nothing(built: Stack, version: str) -> None:
    if shutil.which(COMPOSE[version]) is None:
        pytest.skip("no docker-compose 2 in MOT_COMPOSE_V2; .ci/tools brings it")
    environment = built.environment | {"MOT_PAGE_PORT": f"127.0.0.1:{free_port()}"}
    other = Stack(project=f"{built.project}-down", environment=environment, program=COMPOSE[version])
    try:
        other.compose("up", "-d", "--no-build")
        for service in ("triton", "page", "worker"):
            other.wait_healthy(service)
        assert len(other.left()) >= 6  # three containers, two networks, and the jobs' volume
    finally:
        other.remove()
    assert other.left() == []
