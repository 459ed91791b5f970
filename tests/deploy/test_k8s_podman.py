"""The cpu overlay's pods run for real, by podman, which takes Deployments: Triton infers, a video is tracked."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.command import walk
from tests.deploy.k8s.rendered import Object, containers, labels_of, named, pod_of, rendered

pytestmark = pytest.mark.container
# Where podman finds the images that docker-compose has built, e.g. by `docker save | podman load`.
PREFIX = os.environ.get("MOT_PODMAN_IMAGES", "localhost/mot")
TAG = os.environ.get("MOT_PODMAN_TAG", "dev")


def podman(*arguments: object, timeout: float = 120, check: bool = True) -> str:
    command = ["podman", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def images() -> None:
    if shutil.which("podman") is None:
        pytest.skip("podman is needed: apt-get install podman catatonit")
    for name in ("client", "triton-cpu"):
        if subprocess.run(["podman", "image", "exists", f"{PREFIX}/{name}:{TAG}"], check=False).returncode:
            pytest.skip(f"podman has no image {PREFIX}/{name}:{TAG}: docker save mot/{name}:dev | podman load")


def playable(workload: Object, objects: list[Object], folder: Path) -> Object:
    """A workload as podman takes it: local images, ConfigMaps as they are, claims as folders, one replica."""
    made = copy.deepcopy(workload)
    made["spec"]["replicas"] = 1
    for each in containers(made):
        name = each["image"].partition("@")[0].rpartition("/")[2]
        each["image"] = f"{PREFIX}/{name}:{TAG}"
    for volume in pod_of(made)["volumes"]:
        if claim := volume.pop("persistentVolumeClaim", None):
            place = folder / claim["claimName"]
            place.mkdir(exist_ok=True)
            place.chmod(0o777)
            volume["hostPath"] = {"path": str(place), "type": "Directory"}
    return made


@pytest.fixture(scope="module")
def triton(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The container of the cpu overlay's Triton, as hardened as there."""
    folder = tmp_path_factory.mktemp("pods")
    objects = rendered("cpu")
    manifest = folder / "triton.yaml"
    manifest.write_text(yaml.safe_dump(playable(named(objects, "Deployment", "triton"), objects, folder)))
    podman("play", "kube", manifest)
    (name,) = [line for line in podman("ps", "--format", "{{.Names}}").split() if line.endswith("-triton")]
    yield name
    podman("play", "kube", "--down", manifest, check=False)


def test_triton_infers_and_is_hardened(triton: str) -> None:
    deadline = time.monotonic() + 120
    while subprocess.run(["podman", "exec", triton, "infers.py"], capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, podman("logs", triton)
        time.sleep(1)
    assert podman("exec", triton, "id", "-u").strip() == "10001"
    written = subprocess.run(["podman", "exec", triton, "touch", "/file"], capture_output=True, check=False)
    assert written.returncode != 0, "the root can be written to"
    assert "0000000000000000" in podman("exec", triton, "grep", "CapEff", "/proc/self/status")


def test_a_video_is_tracked_in_the_pod_of_a_worker(triton: str, tmp_path: Path) -> None:
    """The client's container with the worker's security, beside Triton in its network."""
    worker = named(rendered("cpu"), "Deployment", "worker")
    assert labels_of(worker)["mot/calls-triton"] == "true"
    tmp_path.chmod(0o777)
    walk(tmp_path / "walk.mp4", 20)
    hardened = ("--read-only", "--cap-drop=ALL", "--user=10001:10001", "--tmpfs=/tmp", f"--volume={tmp_path}:/data")
    track = ("mot", "track", "/data/walk.mp4", "--no-video", "--url", "127.0.0.1:8001", "-o", "/data/out")
    podman("run", "--rm", *hardened, f"--network=container:{triton}", f"{PREFIX}/client:{TAG}", *track)
    assert (tmp_path / "out/walk.json").is_file()
