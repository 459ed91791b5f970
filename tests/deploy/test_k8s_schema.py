"""Every overlay against the schemas of Kubernetes and of the operators, in which an unknown field is a fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from packaging.version import Version

from tests.deploy.k8s import rayjob
from tests.deploy.k8s.rendered import K8S, OVERLAYS, Object, rendered, spoiled, title

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
_OLDEST = Version("1.34")  # of Kubernetes, that these manifests are for

_CPU = re.compile(r"\d+m?|\d+\.\d+")
_BYTES = re.compile(r"\d+(Ki|Mi|Gi|Ti|k|M|G|T)?")


@cache
def _models() -> dict[str, Any]:
    """Typed models of the operators' objects, by ``apiVersion/kind``."""
    keda = pytest.importorskip("cloudcoil.models.keda.v1alpha1", reason="pip install cloudcoil-models-keda")
    monitoring = pytest.importorskip(
        "cloudcoil.models.prometheus_operator.v1", reason="pip install cloudcoil-models-prometheus-operator"
    )
    return {
        "keda.sh/v1alpha1/ScaledObject": keda.ScaledObject,
        "monitoring.coreos.com/v1/PodMonitor": monitoring.PodMonitor,
        "monitoring.coreos.com/v1/PrometheusRule": monitoring.PrometheusRule,
    }


def faults_of(each: Object, version: str) -> list[str]:
    """What a strict API server would refuse."""
    kind = f"{each['apiVersion']}/{each['kind']}"
    if model := _models().get(kind):
        try:
            back = model.model_validate(each).model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValueError as error:
            return [f"{title(each)}: {error}"]
        # The models pass over what they do not know: it is missing when they write it down again.
        return [] if back == each else [f"{title(each)}: unknown fields: {sorted(_paths(each) - _paths(back))}"]
    if each["kind"] == "RayJob":
        return _rayjob_faults(each, version)
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{title(each)}: {'/'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{title(each)}: Kubernetes {version} knows no {kind}"]
    return [f"{title(each)}: {fault}" for fault in _quantity_faults(each)]


def _rayjob_faults(job: Object, version: str) -> list[str]:
    found = [f"{title(job)}: {fault}" for fault in rayjob.faults(job)]
    for role, template in rayjob.templates(job).items() if not found else ():
        metadata = {"name": f"{job['metadata']['name']}-{role}"}
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": template}
        found += faults_of(pod, version)
    return found


def _paths(value: object, at: str = "") -> set[str]:
    if isinstance(value, dict):
        return {at}.union(*(_paths(inner, f"{at}/{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return {at}.union(*(_paths(inner, f"{at}/{place}") for place, inner in enumerate(value)))
    return {at}


def _quantity_faults(value: object, at: str = "") -> list[str]:
    """Quantities are plain strings to the schema, so it takes `cpu: two`."""
    if isinstance(value, list):
        return [fault for place, inner in enumerate(value) for fault in _quantity_faults(inner, f"{at}/{place}")]
    if not isinstance(value, dict):
        return []
    found = []
    for key, inner in value.items():
        pattern = {"cpu": _CPU, "memory": _BYTES, "ephemeral-storage": _BYTES, "storage": _BYTES, "sizeLimit": _BYTES}
        if key in pattern and isinstance(inner, (str, int)) and not pattern[key].fullmatch(str(inner)):
            found.append(f"{at}/{key}: {inner!r} is no quantity")
        found += _quantity_faults(inner, f"{at}/{key}")
    return found


@pytest.fixture(scope="module", params=["oldest", "newest"])
def version(request: pytest.FixtureRequest) -> str:
    newest = str(kubernetes_validate.latest_version())
    return newest if request.param == "newest" else f"{_OLDEST}.0"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_is_valid(overlay: str, version: str) -> None:
    faults = [fault for each in rendered(overlay) for fault in faults_of(each, version)]
    assert not faults


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_object_is_there_twice(overlay: str) -> None:
    names = [(title(each), each["metadata"].get("namespace")) for each in rendered(overlay)]
    assert len(names) == len(set(names))


Spoil = Callable[[], list[Object]]


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "says"),
    [
        ("Deployment", "triton", "spec/template/spec/containers/0/readinesProbe", {}, "readinesProbe"),
        ("Deployment", "triton", "spec/replicaCount", 2, "replicaCount"),
        ("Deployment", "triton", "spec/minReadySeconds", "five", "five"),
        ("Deployment", "triton", "apiVersion", "apps/v1beta1", "knows no apps/v1beta1/Deployment"),
        ("Deployment", "triton", "spec/template/spec/containers/0/resources/limits/cpu", "two", "no quantity"),
        ("ScaledObject", "triton", "spec/maxReplicas", 8, "/spec/maxReplicas"),
        ("ScaledObject", "triton", "spec/scaleTargetRef", ..., "scaleTargetRef"),
        ("PodMonitor", "triton", "spec/podMetricsEndpoints/0/interval", "ten", "interval"),
        ("PodMonitor", "triton", "spec/podMetricsEndpoints/0/intervall", "10s", "intervall"),
        ("PrometheusRule", "mot", "spec/groups/1/rules/0/anotations", {}, "anotations"),
        ("PrometheusRule", "mot", "kind", "PrometheusRules", "knows no"),
    ],
)  # fmt: skip
def test_what_is_misspelt_is_found(kind: str, name: str, path: str, value: object, says: str) -> None:
    changed = spoiled(rendered("prod-gpu"), kind, name, path, value)
    newest = str(kubernetes_validate.latest_version())
    faults = [fault for each in changed for fault in faults_of(each, newest)]
    assert len(faults) == 1 and says in faults[0]


_HEAD = "spec/rayClusterSpec/headGroupSpec"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("apiVersion", "ray.io/v1alpha1", "knows no ray.io/v1alpha1/RayJob"),
        ("spec/backofLimit", 3, "backofLimit"),
        ("spec/submissionMode", "K8SJobMode", "submissionMode"),
        ("spec/rayClusterSpec/workerGroupSpecs/0/replicas", "4", "replicas"),
        ("spec/rayClusterSpec/workerGroupSpecs/0/groupName", ..., "groupName"),
        (f"{_HEAD}/rayStartParams/num-cpus", 0, "num-cpus"),
        (f"{_HEAD}/template/spec/containers/0/volumeMount", [], "volumeMount"),
        (f"{_HEAD}/template/spec/containers/0/resources/limits/cpu", "two", "no quantity"),
    ],
)  # fmt: skip
def test_what_is_misspelt_in_a_rayjob_is_found(path: str, value: object, says: str) -> None:
    changed = spoiled(rendered("cpu/ray-batch"), "RayJob", "ray-batch", path, value)
    newest = str(kubernetes_validate.latest_version())
    faults = [fault for each in changed for fault in faults_of(each, newest)]
    assert len(faults) == 1 and says in faults[0]


def test_each_file_holds_one_object() -> None:
    for path in K8S.rglob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert "---" not in lines, f"{path}: one object a file"


def test_every_file_is_used() -> None:
    """What no kustomization names is not part of any cluster."""
    helpers = {"prometheus-adapter-values.yaml"}  # for a chart
    for path in K8S.rglob("*.yaml"):
        if path.name not in {"kustomization.yaml", *helpers}:
            assert path.name in (path.parent / "kustomization.yaml").read_text(encoding="utf-8"), f"{path} is not used"
