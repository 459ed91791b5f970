"""Every overlay keeps the rules of :mod:`tests.deploy.k8s.policy`, and each rule finds what breaks it."""

from __future__ import annotations

import pytest

from tests.deploy.k8s.policy import faults
from tests.deploy.k8s.rendered import OVERLAYS, beside, rendered, spoiled

_POD = "spec/template/spec"
_SERVER = f"{_POD}/containers/0"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_keeps_the_rules(overlay: str) -> None:
    assert not faults(rendered(overlay), beside(overlay))


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "says"),
    [
        ("Deployment", "page", f"{_POD}/automountServiceAccountToken", True, "a token is mounted"),
        ("ServiceAccount", "page", "automountServiceAccountToken", ..., "its token is mounted"),
        ("Deployment", "page", f"{_POD}/serviceAccountName", "pages", "no ServiceAccount pages"),
        ("Deployment", "page", f"{_POD}/enableServiceLinks", ..., "enableServiceLinks"),
        ("Deployment", "page", f"{_POD}/priorityClassName", "mot-servig", "priority class mot-servig"),
        ("Deployment", "page", f"{_POD}/hostNetwork", True, "hostNetwork"),
        ("Deployment", "page", f"{_POD}/securityContext/runAsUser", 0, "may run as root"),
        ("Deployment", "page", f"{_POD}/securityContext/seccompProfile", ..., "seccomp"),
        ("Deployment", "page", f"{_POD}/volumes/0", {"name": "tmp", "hostPath": {"path": "/tmp"}}, "is a hostPath"),
        ("Deployment", "page", f"{_POD}/volumes/0/emptyDir", {}, "volume tmp has no limit"),
        ("Deployment", "page", f"{_POD}/volumes/1/persistentVolumeClaim/claimName", "job", "no claim job"),
        ("Deployment", "page", f"{_SERVER}/securityContext/readOnlyRootFilesystem", False, "writable root"),
        ("Deployment", "page", f"{_SERVER}/securityContext/allowPrivilegeEscalation", ..., "may gain privileges"),
        ("Deployment", "page", f"{_SERVER}/securityContext/capabilities/add", ["NET_ADMIN"], "capabilities"),
        ("Deployment", "page", f"{_SERVER}/resources/limits/memory", ..., "no limits of memory"),
        ("Deployment", "page", f"{_SERVER}/image", "mot/client:latest", "mot/client:latest has no digest"),
        ("Deployment", "page", f"{_SERVER}/image", "mot/client:1.2", "mot/client:1.2 has no digest"),
        ("Deployment", "page", f"{_SERVER}/envFrom/0/configMapRef/name", "settings", "no ConfigMap settings"),
        ("Deployment", "page", f"{_SERVER}/volumeMounts/1/mountPath", "/date", "speaks of /date"),
        ("Deployment", "page", f"{_SERVER}/volumeMounts/1/mountPath", "/opt/mot", "/opt/mot hides"),
        ("Deployment", "page", f"{_SERVER}/volumeMounts/1/name", "job", "no volume job"),
        ("Deployment", "page", f"{_SERVER}/volumeMounts/1", ..., "volume jobs is mounted nowhere"),
        ("Deployment", "page", f"{_SERVER}/ports/0/name", "http-of-the-page", "port name 'http-of-the-page'"),
        ("Deployment", "page", f"{_SERVER}/ports/0/hostPort", 80, "a port of the node"),
        ("Deployment", "page", f"{_SERVER}/livenessProbe", ..., "no livenessProbe"),
        ("Deployment", "page", f"{_SERVER}/livenessProbe/httpGet/port", "https", "no port https"),
        ("Deployment", "page", f"{_SERVER}/readinessProbe/timeoutSeconds", ..., "1 s are too short"),
        ("Deployment", "triton", f"{_SERVER}/readinessProbe", {"httpGet": {"path": "/v2/health/ready", "port": 8000},
                                                             "timeoutSeconds": 9}, "is no inference"),
        ("Deployment", "triton", f"{_SERVER}/lifecycle", ..., "no preStop"),
        ("Deployment", "triton", f"{_POD}/terminationGracePeriodSeconds", 45, "but it needs 45 s and more"),
        ("Deployment", "triton", f"{_POD}/volumes/3/emptyDir/medium", ..., "/dev/shm is not memory"),
        ("Deployment", "triton", f"{_POD}/topologySpreadConstraints/1", ..., "is not spread"),
        ("Deployment", "triton", "spec/template/metadata/labels/mot~1track", "canary", "does not take its own pods"),
        ("Deployment", "triton", "spec/replicas", 2, "triton has replicas, too"),
        ("Service", "triton", "spec/selector/app.kubernetes.io~1name", "tritons", "selects no pod"),
        ("Service", "triton-headless", "spec/ports/0/targetPort", "gprc", "has no port gprc"),
        ("PodDisruptionBudget", "triton", "spec/selector/matchLabels/mot~1track", "stabel", "selects no pod"),
        ("PodMonitor", "triton", "spec/podMetricsEndpoints/0/port", "metric", "has no port metric"),
        ("NetworkPolicy", "triton-from-clients", "spec/podSelector/matchLabels", {"a": "b"}, "selects no pod"),
        ("ScaledObject", "triton", "spec/scaleTargetRef/name", "tritons", "no Deployment tritons"),
        ("Ingress", "page", "spec/tls", [], "a host without TLS"),
        ("Ingress", "page", "spec/rules/0/http/paths/0/backend/service/name", "pages", "no Service pages"),
        ("Ingress", "page", "metadata/annotations", {}, "no proxy-body-size"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_found(kind: str, name: str, path: str, value: object, says: str) -> None:
    found = faults(spoiled(rendered("prod-gpu"), kind, name, path, value))
    assert any(says in fault for fault in found), found


def test_a_canary_without_labels_of_its_own_is_found() -> None:
    canary = spoiled(
        rendered("prod-gpu/canary"), "Deployment", "triton-canary", "spec/template/metadata/labels/mot~1track", "stable"
    )
    found = faults(canary, beside("prod-gpu/canary"))
    assert "Deployment/triton-canary: its pods are also taken by Deployment/triton" in found
    assert "Service/triton-headless: selects Deployment/triton-canary, Deployment/triton" in found
