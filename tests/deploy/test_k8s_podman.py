"""The cpu overlay's containers run for real, by podman: Triton infers, the page answers, a video is tracked."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import walk
from tests.deploy.job import ADD, LOOK
from tests.deploy.k8s.rendered import Object, environment, named, of_kind, pod_of, rendered
from tests.deploy.stack import DOCKER, Stack

pytestmark = pytest.mark.container
IMAGES = ("client", "triton-cpu")
POD = "triton-headless"  # a pod knows its own name, so that this one is found as the settings have it
PARTS = ("triton", "page", "worker")


def podman(*arguments: object, timeout: float = 600, check: bool = True) -> str:
    command = ["podman", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def handed_over(stack: Stack) -> None:
    """Docker's images to podman, but those that it has."""
    names = [stack.image(name) for name in IMAGES]
    ids = {stack.inspect(name)["Id"].removeprefix("sha256:") for name in names}
    if ids <= set(podman("images", "--quiet", "--no-trunc").replace("sha256:", "").split()):
        return
    with subprocess.Popen([DOCKER, "save", *names], stdout=subprocess.PIPE) as saved:
        subprocess.run(["podman", "load", "--quiet"], stdin=saved.stdout, check=True, capture_output=True, timeout=1800)
    assert saved.returncode == 0


@pytest.fixture(scope="module")
def images(request: pytest.FixtureRequest) -> tuple[str, str]:
    """How the images' names begin, and their tag, where podman has them; they are docker's unless others are named."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed: apt-get install podman catatonit; .ci/podman sets it up")
    if os.geteuid() != 0:
        pytest.skip("the pod's folders are another user's, which needs root")
    if prefix := os.environ.get("MOT_PODMAN_IMAGES"):
        found = (prefix, os.environ.get("MOT_PODMAN_TAG", "dev"))
    else:
        stack: Stack = request.getfixturevalue("built")
        handed_over(stack)
        found = (f"localhost/{stack.environment['MOT_IMAGES']}", stack.environment["MOT_TAG"])
    trial = ("run", "--rm", "--network=none", "--entrypoint=true", f"{found[0]}/client:{found[1]}")
    done = subprocess.run(["podman", *trial], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"podman cannot run a container here: {done.stderr.strip()}")
    return found


def one_pod(objects: list[Object], data: Path, images: tuple[str, str]) -> list[Object]:
    """All Deployments' containers as one pod, whose loopback is the cluster's network, and their ConfigMaps.

    What is left of each container is all but its ports, which podman would publish; volumes are folders, since podman
    gives empty ones to root and knows no fsGroup. In one network two programs cannot have one port, so the worker's
    metrics move.
    """
    made: list[Any] = []
    volumes: list[Any] = []
    for name in PARTS:
        pod = pod_of(named(objects, "Deployment", name))
        (container,) = pod["containers"]
        image = container["image"].partition("@")[0].rpartition("/")[2]
        container["image"] = f"{images[0]}/{image}:{images[1]}"
        container["securityContext"] |= {key: pod["securityContext"][key] for key in ("runAsUser", "runAsGroup")}
        del container["ports"]
        if name == "worker":
            # Of two values, podman takes that of the ConfigMap.
            variables = environment(container, objects) | {"MOT_METRICS_PORT": "9101"}
            container["env"] = [{"name": key, "value": value} for key, value in variables.items()]
            del container["envFrom"]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                container[probe]["httpGet"]["port"] = 9101
        for mount in container["volumeMounts"]:
            mount["name"] = f"{name}-{mount['name']}"
        for volume in pod["volumes"]:
            folder = data if "persistentVolumeClaim" in volume else data.parent / f"{name}-{volume['name']}"
            folder.mkdir(exist_ok=True)
            folder.chmod(0o1777)
            volumes.append({"name": f"{name}-{volume['name']}", "hostPath": {"path": str(folder), "type": "Directory"}})
        made.append(container)
    spec = {"containers": made, "volumes": volumes, "restartPolicy": "Never"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec}
    return [*of_kind(objects, "ConfigMap"), pod]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jobs' volume; any user may write."""
    folder = tmp_path_factory.mktemp("pod") / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def pod(images: tuple[str, str], data: Path) -> Iterator[str]:
    """The pod's name, which begins the containers'."""
    manifest = data.parent / "pod.yaml"
    manifest.write_text(yaml.safe_dump_all(one_pod(rendered("cpu"), data, images)))
    try:
        podman("play", "kube", "--network=none", manifest)
        yield POD
    finally:
        podman("pod", "rm", "--force", "--time", 0, "--ignore", POD, check=False)


def wait_until(container: str, *command: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while True:
        done = subprocess.run(["podman", "exec", container, *command], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, f"{done.stdout}{done.stderr}{podman('logs', container, check=False)}"
        time.sleep(1)


@pytest.mark.parametrize("name", PARTS)
def test_containers_are_as_closed_as_the_manifests_say(pod: str, name: str) -> None:
    container = f"{pod}-{name}"
    assert podman("exec", container, "id", "-u").strip() == "10001"
    written = subprocess.run(["podman", "exec", container, "touch", "/file"], capture_output=True, check=False)
    assert written.returncode != 0, "the root can be written to"
    status = podman("exec", container, "cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status


def test_each_answers_its_probe(pod: str) -> None:
    wait_until(f"{pod}-triton", "infers.py")
    for path in ("", "_stcore/health"):
        wait_until(f"{pod}-page", "answers.py", f"http://127.0.0.1:8501/{path}")
    wait_until(f"{pod}-page", "answers.py", "http://127.0.0.1:9100/metrics")
    wait_until(f"{pod}-worker", "answers.py", "http://127.0.0.1:9101/metrics")


def test_a_video_is_tracked_by_the_name_that_the_settings_have(pod: str, data: Path) -> None:
    wait_until(f"{pod}-triton", "infers.py")
    walk(data / "walk.mp4", 20)
    # The worker's own metrics have the port.
    command = ("env", "-u", "MOT_METRICS_PORT", "mot", "track", "/data/walk.mp4", "--no-video", "-o", "/data/out")
    podman("exec", f"{pod}-worker", *command)
    assert (data / "out/walk.json").is_file()


def test_a_job_of_the_page_is_done_by_the_worker(pod: str, data: Path) -> None:
    wait_until(f"{pod}-triton", "infers.py")
    walk(data / "queued.mp4", 20)
    job = podman("exec", f"{pod}-page", "python", "-c", ADD, "/data/queued.mp4", "20").strip()
    done = f"{LOOK}\nsys.exit(job.state != 'done')"
    wait_until(f"{pod}-page", "python", "-c", done, job)
    assert (data / "jobs" / job / "1" / "result.txt").is_file()
