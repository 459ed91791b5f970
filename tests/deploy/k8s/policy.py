"""What the manifests must keep, beyond what a schema can say; each rule names the object that breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.deploy.k8s.rendered import (
    Object,
    containers,
    environment,
    labels_of,
    of_kind,
    pod_of,
    selects,
    title,
    workloads,
)

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_DIGEST = re.compile(r"[^@\s:]+(:\d+)?(/[^@\s:]+)*@sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[a-z0-9./-]+:[\w.-]+")
_VOLUMES = {"emptyDir", "persistentVolumeClaim", "secret", "configMap"}
_HIDDEN = ("/opt", "/usr", "/bin", "/lib", "/etc", "/proc", "/sys")  # what the image has there must stay visible
# Made outside of these manifests, as the README says.
SECRETS = {"triton-tls", "client-tls", "page-tls"}
EXIT_S = {"mot": 10, "triton-gpu.sh": 30}  # what the server itself takes at most, by the command that starts it


def faults(objects: list[Object], others: list[Object] = []) -> list[str]:  # noqa: B006  never changed
    """All that is wrong.

    Args:
        objects: of one overlay.
        others: of the one that it is beside: what both may name.
    """
    everything = [*objects, *others]
    found = [*_selectors(objects, everything), *_scaling(objects)]
    for each in workloads(objects):
        for fault in [*_pod(each, everything), *_containers(each, everything), *_probes(each), *_ending(each)]:
            found.append(f"{title(each)}: {fault}")
    for each in of_kind(objects, "ServiceAccount"):
        if each.get("automountServiceAccountToken") is not False:
            found.append(f"{title(each)}: its token is mounted")
    for each in of_kind(objects, "Ingress"):
        found += _ingress(each, objects)
    return found


def _names(objects: list[Object], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in of_kind(objects, kind)}


def _pod(workload: Object, objects: list[Object]) -> Iterator[str]:
    pod = pod_of(workload)
    if pod.get("serviceAccountName") not in _names(objects, "ServiceAccount"):
        yield f"no ServiceAccount {pod.get('serviceAccountName')}"
    if pod.get("automountServiceAccountToken") is not False:
        yield "a token is mounted"
    if pod.get("enableServiceLinks") is not False:
        yield "variables of all Services are set (enableServiceLinks)"
    if pod.get("priorityClassName") not in {"mot-serving", "mot-batch"}:
        yield f"priority class {pod.get('priorityClassName')}"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    context = pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    mounted = {mount["name"] for each in containers(workload) for mount in each.get("volumeMounts", [])}
    for volume in pod.get("volumes", []):
        kind = next(key for key in volume if key != "name")
        if kind not in _VOLUMES:
            yield f"volume {volume['name']} is a {kind}"
        if kind == "emptyDir" and "sizeLimit" not in volume[kind]:
            yield f"volume {volume['name']} has no limit"
        if kind == "persistentVolumeClaim" and volume[kind]["claimName"] not in _names(
            objects, "PersistentVolumeClaim"
        ):
            yield f"no claim {volume[kind]['claimName']}"
        if kind == "secret" and volume[kind]["secretName"] not in SECRETS:
            yield f"no Secret {volume[kind]['secretName']}"
        if volume["name"] not in mounted:
            yield f"volume {volume['name']} is mounted nowhere"


def _containers(workload: Object, objects: list[Object]) -> Iterator[str]:
    volumes = {volume["name"] for volume in pod_of(workload).get("volumes", [])}
    for each in containers(workload):
        name, context = each["name"], each.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            yield f"{name}: may gain privileges"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: writable root"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{name}: capabilities"
        for side in ("requests", "limits"):
            if missing := {"cpu", "memory", "ephemeral-storage"} - each.get("resources", {}).get(side, {}).keys():
                yield f"{name}: no {side} of {', '.join(sorted(missing))}"
        if not _DIGEST.fullmatch(each["image"]):
            tag = each["image"].rpartition(":")[2]
            if not _TAG.fullmatch(each["image"]) or tag == "latest" or workload["metadata"]["namespace"] != "mot-dev":
                yield f"{name}: image {each['image']} has no digest"
        for source in each.get("envFrom", []):
            if source["configMapRef"]["name"] not in _names(objects, "ConfigMap"):
                yield f"{name}: no ConfigMap {source['configMapRef']['name']}"
                return
        spoken_of = [*each.get("args", []), *each.get("command", []), *environment(each, objects).values()]
        for mount in each.get("volumeMounts", []):
            yield from (f"{name}: {fault}" for fault in _mount(mount, volumes, " ".join(spoken_of)))
        for port in each.get("ports", []):
            if not _PORT_NAME.fullmatch(port.get("name", "")):
                yield f"{name}: port name {port.get('name')!r}"
            if "hostPort" in port:
                yield f"{name}: a port of the node"


def _mount(mount: Object, volumes: set[str], spoken_of: str) -> Iterator[str]:
    path = mount["mountPath"]
    if mount["name"] not in volumes:
        yield f"no volume {mount['name']}"
    if path.startswith(_HIDDEN):
        yield f"{path} hides what the image has there"
    if path not in {"/tmp", "/dev/shm"} and not re.search(rf"{re.escape(path)}\b", spoken_of):
        yield f"nothing it runs speaks of {path}"


def _probes(workload: Object) -> Iterator[str]:
    if workload["kind"] != "Deployment":
        return
    for each in pod_of(workload)["containers"]:
        ports = {port["name"] for port in each.get("ports", [])}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = each.get(kind)
            if probe is None:
                yield f"no {kind}"
            elif labels_of(workload)["app.kubernetes.io/name"] == "triton":
                if probe.get("exec", {}).get("command") != ["infers.py"]:
                    yield f"{kind}: is no inference"
            elif probe["httpGet"]["port"] not in ports:
                yield f"{kind}: no port {probe['httpGet']['port']}"
            if probe and probe.get("timeoutSeconds", 1) < 5:
                yield f"{kind}: {probe.get('timeoutSeconds', 1)} s are too short for a busy node"


def _ending(workload: Object) -> Iterator[str]:
    """Triton is forgotten by clients before it ends, and has time to end."""
    if labels_of(workload)["app.kubernetes.io/name"] != "triton":
        return
    pod = pod_of(workload)
    (server,) = pod["containers"]
    command = server.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    if command[:1] != ["sleep"] or int(command[1]) < 10:
        yield "no preStop of 10 s and more"
        return
    least = int(command[1]) + EXIT_S[server["args"][0]]
    if pod.get("terminationGracePeriodSeconds", 30) <= least:
        yield f"a grace period of {pod.get('terminationGracePeriodSeconds', 30)} s, but it needs {least} s and more"
    shared = {mount["mountPath"]: mount["name"] for mount in server["volumeMounts"]}.get("/dev/shm")
    volume = next((each for each in pod["volumes"] if each["name"] == shared), {})
    if volume.get("emptyDir", {}).get("medium") != "Memory":
        yield "/dev/shm is not memory"
    spread = {each["topologyKey"] for each in pod.get("topologySpreadConstraints", [])}
    if spread != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
        yield "is not spread over nodes and zones"


def _selectors(objects: list[Object], everything: list[Object]) -> Iterator[str]:
    for each in workloads(objects):
        if each["kind"] == "Deployment" and not selects(each["spec"]["selector"], labels_of(each)):
            yield f"{title(each)}: its selector does not take its own pods"
        others = [one for one in of_kind(everything, "Deployment") if one is not each]
        if takers := [title(one) for one in others if selects(one["spec"]["selector"], labels_of(each))]:
            yield f"{title(each)}: its pods are also taken by {', '.join(takers)}"
    for each in of_kind(everything, "Service", "PodDisruptionBudget", "PodMonitor"):
        pods = [work for work in workloads(everything) if selects(each["spec"]["selector"], labels_of(work))]
        if not pods:
            yield f"{title(each)}: selects no pod"
        wanted = [port.get("targetPort") for port in each["spec"].get("ports", [])]
        wanted += [end["port"] for end in each["spec"].get("podMetricsEndpoints", [])]
        for work in pods:
            for port in set(wanted) - {port["name"] for one in containers(work) for port in one.get("ports", [])}:
                yield f"{title(each)}: {title(work)} has no port {port}"
        if each["kind"] == "Service" and len(pods) > 1:
            yield f"{title(each)}: selects {', '.join(title(work) for work in pods)}"
    for each in of_kind(objects, "NetworkPolicy"):
        selector = each["spec"]["podSelector"]
        if selector and not any(selects(selector, labels_of(work)) for work in workloads(everything)):
            yield f"{title(each)}: selects no pod"


def _scaling(objects: list[Object]) -> Iterator[str]:
    scalers = of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    for each in scalers:
        target = each["spec"]["scaleTargetRef"]["name"]
        found = [work for work in of_kind(objects, "Deployment") if work["metadata"]["name"] == target]
        if not found:
            yield f"{title(each)}: no Deployment {target}"
        elif "replicas" in found[0]["spec"]:
            yield f"{title(each)}: {target} has replicas, too, which every apply would set back"
    if len(scalers) > 1:
        yield "two autoscalers"


def _ingress(ingress: Object, objects: list[Object]) -> Iterator[str]:
    spec, notes = ingress["spec"], ingress["metadata"].get("annotations", {})
    hosts = {rule["host"] for rule in spec["rules"]}
    if {host for each in spec.get("tls", []) for host in each["hosts"]} != hosts:
        yield f"{title(ingress)}: a host without TLS"
    for rule in spec["rules"]:
        for path in rule["http"]["paths"]:
            wanted = path["backend"]["service"]
            services = [each for each in of_kind(objects, "Service") if each["metadata"]["name"] == wanted["name"]]
            if not any(port["name"] == wanted["port"]["name"] for each in services for port in each["spec"]["ports"]):
                yield f"{title(ingress)}: no Service {wanted['name']} with port {wanted['port']['name']}"
    for needed in ("proxy-body-size", "proxy-read-timeout", "affinity", "ssl-redirect"):
        if f"nginx.ingress.kubernetes.io/{needed}" not in notes:
            yield f"{title(ingress)}: no {needed}"
