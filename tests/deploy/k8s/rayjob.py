"""RayJobs, which no schema at hand knows: their own fields by a model of ours, their pods as other workloads'.

Fields and defaults: ray-project/kuberay, ray-operator/apis/ray/v1/{rayjob,raycluster}_types.go, v1.4.
"""

from __future__ import annotations

import copy
import shlex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Object = dict[str, Any]
Count = Annotated[int, Field(ge=0, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Head(_Strict):
    rayStartParams: dict[str, str]  # noqa: N815  the manifest's spelling, here and below
    template: Object


class _Workers(_Strict):
    groupName: str  # noqa: N815
    replicas: Count
    minReplicas: Count  # noqa: N815
    maxReplicas: Count  # noqa: N815
    rayStartParams: dict[str, str]  # noqa: N815
    template: Object


class _Cluster(_Strict):
    rayVersion: str  # noqa: N815
    enableInTreeAutoscaling: bool = False  # noqa: N815
    headGroupSpec: _Head  # noqa: N815
    workerGroupSpecs: list[_Workers]  # noqa: N815


class _Spec(_Strict):
    entrypoint: str
    submissionMode: Literal["K8sJobMode", "HTTPMode", "InteractiveMode"]  # noqa: N815
    backoffLimit: Count  # noqa: N815
    shutdownAfterJobFinishes: bool  # noqa: N815
    ttlSecondsAfterFinished: Count  # noqa: N815
    activeDeadlineSeconds: Annotated[int, Field(gt=0)] | None = None  # noqa: N815
    submitterPodTemplate: Object  # noqa: N815
    rayClusterSpec: _Cluster  # noqa: N815


def faults(job: Object) -> list[str]:
    """What is wrong with all but its pods."""
    if job["apiVersion"] != "ray.io/v1":
        return [f"KubeRay knows no {job['apiVersion']}/RayJob"]
    try:
        _Spec.model_validate(job["spec"])
    except ValidationError as error:
        return [f"{'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return []


def templates(job: Object) -> dict[str, Object]:
    """Its pods' templates by what they are."""
    spec = job["spec"]
    cluster = spec["rayClusterSpec"]
    found = {"submitter": spec["submitterPodTemplate"], "head": cluster["headGroupSpec"]["template"]}
    return found | {each["groupName"]: each["template"] for each in cluster["workerGroupSpecs"]}


def as_workloads(job: Object) -> list[Object]:
    """Its pods as if each had a workload of its own; those of the cluster run what the job's entrypoint says."""
    found = []
    for role, template in templates(job).items():
        template = copy.deepcopy(template)
        if role != "submitter":
            template["spec"]["containers"][0]["args"] = shlex.split(job["spec"]["entrypoint"])
        metadata = {**job["metadata"], "name": f"{job['metadata']['name']}-{role}"}
        found.append({"kind": "RayJob", "metadata": metadata, "spec": {"template": template}})
    return found
