"""The manifests and the programs that they start agree: options, ports, names, settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

from client.cli import app
from mot.contract import MODEL_NAME
from mot.splits import VIDEOS
from tests.deploy.k8s.rendered import (
    K8S,
    OVERLAYS,
    ROOT,
    beside,
    containers,
    environment,
    named,
    of_kind,
    pod_of,
    rendered,
    workloads,
)

DOCKER = ROOT / "deploy/docker"


def _programs() -> Iterator[tuple[str, list[str]]]:
    seen = set()
    for overlay in OVERLAYS:
        for work in workloads(rendered(overlay)):
            for each in containers(work):
                args = tuple(each.get("args", []))
                if args[:1] == ("mot",) and args not in seen:
                    seen.add(args)
                    yield f"{overlay}-{each['name']}", list(args[1:])


def _there(arguments: list[str]) -> bool:
    """Whether this release has the command."""
    return arguments[0] in typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", [pytest.param(args, id=name) for name, args in _programs()])
def test_the_command_line_takes_what_the_containers_say(arguments: list[str]) -> None:
    if not _there(arguments):
        pytest.skip(f"there is no mot {arguments[0]} yet")
    command, rest = typer.main.get_command(app), list(arguments)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("mot", [argument.replace("$(JOB_COMPLETION_INDEX)", "0") for argument in rest])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_addresses_name_a_service_and_its_port(overlay: str) -> None:
    objects = [*rendered(overlay), *beside(overlay)]
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in of_kind(objects, "Service")}
    settings = [each["data"] for each in of_kind(rendered(overlay), "ConfigMap")]
    urls = [data[key] for data in settings for key in ("MOT_URL", "MOT_UI_METRICS_URL") if key in data]
    assert urls
    for url in urls:
        parts = urlsplit(url)
        assert parts.port in [port["port"] for port in services[parts.hostname or ""]], url
        if parts.scheme == "grpc":
            assert (parts.hostname or "").startswith("triton-headless"), "one pod would get all frames"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_one_that_the_programs_read(overlay: str) -> None:
    options = [option for command in _commands(typer.main.get_command(app)) for option in command.params]
    variables = {name for option in options for name in _listed(option.envvar)}
    settings = [each["data"] for each in of_kind(rendered(overlay), "ConfigMap")]
    named_here = {key for data in settings for key in data if key.startswith(("MOT_UI", "MOT_TLS", "MOT_URL", "MOT_M"))}
    if "MOT_LOG" not in variables:
        pytest.skip("this release has no metrics and no lines for machines yet")
    assert named_here and named_here <= variables


def _listed(names: str | list[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else names or []


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from _commands(each)


@pytest.mark.parametrize("overlay", ["dev", "cpu", "prod-gpu", "prod-gpu/canary"])
def test_ports_are_those_of_the_programs(overlay: str) -> None:
    objects = rendered(overlay)
    wanted = {
        "triton": {"grpc": 8001, "metrics": 8002},
        "page": {"http": 8501, "metrics": 9100},
        "worker": {"metrics": 9100},
    }
    for work in of_kind(objects, "Deployment"):
        (each,) = pod_of(work)["containers"]
        ports = {port["name"]: port["containerPort"] for port in each["ports"]}
        if proxy := environment(each, objects).get("MOT_HTTP_PROXY_PORT"):
            assert ports.pop("http") == int(proxy)
        assert ports == wanted[work["metadata"]["name"].removesuffix("-canary")]
        if each["name"] != "triton":
            assert environment(each, objects)["MOT_METRICS_PORT"] == str(ports["metrics"])


def test_data_of_page_and_worker_is_their_volume() -> None:
    for overlay in ("dev", "cpu", "prod-gpu"):
        for name in ("page", "worker"):
            each = pod_of(named(rendered(overlay), "Deployment", name))["containers"][0]
            data = environment(each, rendered(overlay))["MOT_UI_DATA"]
            assert data in [mount["mountPath"] for mount in each["volumeMounts"] if mount["name"] == "jobs"]


def test_page_and_workers_share_a_node() -> None:
    """SQLite's write-ahead log is shared memory: on two nodes it would be damaged."""
    for overlay in ("dev", "cpu", "prod-gpu"):
        objects = rendered(overlay)
        assert named(objects, "PersistentVolumeClaim", "jobs")["spec"]["accessModes"] == ["ReadWriteOnce"]
        assert named(objects, "Deployment", "page")["spec"]["strategy"] == {"type": "Recreate"}
        affinity = pod_of(named(objects, "Deployment", "worker"))["affinity"]["podAffinity"]
        (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        assert term["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": "page"}


def test_export_has_an_index_for_each_video_and_both_say_so() -> None:
    for overlay in ("cpu/mot17-export", "prod-gpu/mot17-export"):
        job = named(rendered(overlay), "Job", "mot17-export")["spec"]
        count = len(VIDEOS["MOT17"]["test"])
        assert job["completionMode"] == "Indexed" and job["completions"] == count
        (track,) = job["template"]["spec"]["initContainers"]
        assert f"--share=$(JOB_COMPLETION_INDEX)/{count}" in track["args"]
        (finish,) = job["template"]["spec"]["containers"]
        assert finish["args"][3] in {arg.removeprefix("--output=") for arg in track["args"]}
        assert job["backoffLimitPerIndex"] >= 1 and job["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("overlay", ["cpu/ray-batch", "prod-gpu/ray-batch"])
def test_batch_runs_where_its_videos_results_and_servers_are(overlay: str) -> None:
    objects = rendered(overlay)
    job = named(objects, "RayJob", "ray-batch")["spec"]
    words = shlex.split(job["entrypoint"])
    assert words[:2] == ["mot", "batch"] and "--ray=auto" in words and job["backoffLimit"] >= 1
    cluster = job["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"  # the head is lost with what it tracks
    (workers,) = cluster["workerGroupSpecs"]
    for group in (cluster["headGroupSpec"], workers):
        (each,) = group["template"]["spec"]["containers"]
        mounted = {mount["mountPath"]: mount for mount in each["volumeMounts"]}
        assert mounted["/videos"]["readOnly"] and not mounted["/results"].get("readOnly")
        assert {"/videos", "--output=/results"} <= set(words)
        assert environment(each, objects)["MOT_URL"].startswith("grpc://triton-headless")
    limits = workers["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert workers["rayStartParams"]["num-cpus"] == limits["cpu"]
    claims = of_kind(objects, "PersistentVolumeClaim")
    assert {each["spec"]["accessModes"][0] for each in claims} == {"ReadWriteMany"}


def test_ray_is_the_one_that_the_image_has() -> None:
    job = named(rendered("cpu/ray-batch"), "RayJob", "ray-batch")["spec"]
    locked = re.findall(r"^ray==([^ ]+)", (ROOT / "requirements-dev.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert [job["rayClusterSpec"]["rayVersion"]] == locked


@pytest.mark.parametrize("overlay", ["dev", "cpu", "prod-gpu"])
def test_triton_serves_its_own_loopback_alone_by_http(overlay: str) -> None:
    """One HTTP request of a million tiny chunks would end it; others come through the proxy."""
    server = pod_of(named(rendered(overlay), "Deployment", "triton"))["containers"][0]
    assert 8000 not in [port["containerPort"] for port in server["ports"]]
    if server["args"][0] == "mot":
        assert "--http-host=127.0.0.1" in server["args"]
    else:
        assert not any(each["name"] == "MOT_HTTP_HOST" for each in server["env"])


def test_images_and_files_are_those_that_are_built() -> None:
    if not DOCKER.is_dir():
        pytest.skip("deploy/docker is not there")
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCKER.iterdir() if path.is_file())
    for image in ("mot/client", "mot/client-ray", "mot/triton-cpu", "mot/triton-gpu"):
        assert f'image.title="{image.replace("/", " ")}"' in text
    for program in ("infers.py", "entrypoint.sh", "triton-gpu.sh"):
        assert (DOCKER / program).is_file()
    assert "10001" in text and f'model: str = "{MODEL_NAME}"' in (DOCKER / "infers.py").read_text(encoding="utf-8")


def test_readme_names_every_overlay_and_component() -> None:
    text = Path(K8S / "README.md").read_text(encoding="utf-8")
    for overlay in OVERLAYS:
        assert f"overlays/{overlay}" in text
    for component in (K8S / "components").iterdir():
        assert f"`{component.name}`" in text, component.name
