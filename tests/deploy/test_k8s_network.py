"""Who may speak with whom, by the overlays' NetworkPolicies: what is needed, and nothing else."""

from __future__ import annotations

import pytest

from tests.deploy.k8s.rendered import SERVING, Object, beside, labels_of, named, of_kind, rendered, selects, workloads

_MONITORING = ({"kubernetes.io/metadata.name": "monitoring"}, {"app.kubernetes.io/name": "prometheus"})
_INGRESS = ({"kubernetes.io/metadata.name": "ingress-nginx"}, {"app.kubernetes.io/name": "ingress-nginx"})
_DNS = ({"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"})
_ELSEWHERE = ({"kubernetes.io/metadata.name": "default"}, {"app": "stranger"})

Labels = tuple[dict[str, str] | None, dict[str, str]]  # of the namespace (None: our own) and of the pod


def allowed(policies: list[Object], source: Labels, target: Labels, port: int, protocol: str = "TCP") -> bool:
    """Whether the policies let a pod open a connection; a pod of another namespace has no policies of ours."""
    return _side(policies, "Egress", source, target, port, protocol) and _side(
        policies, "Ingress", target, source, port, protocol
    )


def _side(policies: list[Object], way: str, own: Labels, peer: Labels, port: int, protocol: str) -> bool:
    if own[0] is not None:
        return True
    mine = [
        each["spec"]
        for each in policies
        if way in each["spec"]["policyTypes"]
        and (not each["spec"]["podSelector"] or selects(each["spec"]["podSelector"], own[1]))
    ]
    rules = [rule for spec in mine for rule in spec.get(way.lower(), [])]
    return not mine or any(_takes(rule, "to" if way == "Egress" else "from", peer, port, protocol) for rule in rules)


def _takes(rule: Object, side: str, peer: Labels, port: int, protocol: str) -> bool:
    assert rule[side] and rule["ports"], "a rule for everybody, or for every port"
    if {"protocol": protocol, "port": port} not in rule["ports"]:
        return False
    return any(_is_peer(each, peer) for each in rule[side])


def _is_peer(each: Object, peer: Labels) -> bool:
    namespace, pod = peer
    if "namespaceSelector" not in each:
        return namespace is None and selects(each["podSelector"], pod)
    here = namespace is not None and selects(each["namespaceSelector"], namespace)
    return here and ("podSelector" not in each or selects(each["podSelector"], pod))


def _pods(overlay: str) -> tuple[list[Object], dict[str, Labels]]:
    objects = [*beside(overlay), *rendered(overlay)]
    pods = {each["metadata"]["name"]: (None, labels_of(each)) for each in workloads(objects)}
    return of_kind(objects, "NetworkPolicy"), pods


@pytest.mark.parametrize("overlay", [*SERVING, "prod-gpu/canary", "cpu/mot17-export"])
def test_every_pod_is_closed_unless_a_rule_opens_it(overlay: str) -> None:
    policies, pods = _pods(overlay)
    for source in (*pods.values(), _ELSEWHERE, _MONITORING, _INGRESS):
        for target in pods.values():
            assert not allowed(policies, source, target, 8000)  # Triton's HTTP
            assert not allowed(policies, source, target, 22)
    for source in pods.values():
        assert not allowed(policies, source, _ELSEWHERE, 443)
        assert not allowed(policies, _ELSEWHERE, source, 8001)
        assert not allowed(policies, _ELSEWHERE, source, 8501)


@pytest.mark.parametrize("overlay", SERVING)
def test_clients_reach_triton_and_names(overlay: str) -> None:
    policies, pods = _pods(overlay)
    for client in ("page", "worker"):
        assert allowed(policies, pods[client], pods["triton"], 8001)
        assert allowed(policies, pods[client], _DNS, 53, "UDP") and allowed(policies, pods[client], _DNS, 53)
    assert allowed(policies, pods["page"], pods["triton"], 8002)
    assert not allowed(policies, pods["worker"], pods["triton"], 8002)
    assert not allowed(policies, pods["triton"], pods["triton"], 8001)
    assert not allowed(policies, pods["triton"], _DNS, 53, "UDP")
    assert not allowed(policies, pods["worker"], pods["page"], 8501)


@pytest.mark.parametrize("overlay", ["cpu", "prod-gpu"])
def test_http_is_reached_through_its_proxy_by_those_who_are_named(overlay: str) -> None:
    policies, pods = _pods(overlay)
    caller = {"mot/calls-triton-http": "true"}
    way_out = {"podSelector": {"matchLabels": caller}, "policyTypes": ["Egress"]}
    rule = {"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": port} for port in (8000, 8080)]}
    with_one = [*policies, {"spec": {**way_out, "egress": [rule]}}]
    assert allowed(with_one, (None, caller), pods["triton"], 8080)
    assert not allowed(with_one, (None, caller), pods["triton"], 8000)
    for source in (*pods.values(), _ELSEWHERE, _MONITORING, _INGRESS):
        assert not allowed(policies, source, pods["triton"], 8080)


@pytest.mark.parametrize("overlay", ["cpu", "prod-gpu"])
def test_prometheus_and_ingress_reach_their_ports_alone(overlay: str) -> None:
    policies, pods = _pods(overlay)
    for name, port in {"triton": 8002, "page": 9100, "worker": 9100}.items():
        assert allowed(policies, _MONITORING, pods[name], port)
    assert not allowed(policies, _MONITORING, pods["triton"], 8001)
    assert not allowed(policies, _MONITORING, pods["page"], 8501)
    assert allowed(policies, _INGRESS, pods["page"], 8501)
    assert not allowed(policies, _INGRESS, pods["triton"], 8001)
    assert not allowed(policies, _INGRESS, pods["worker"], 9100)


def test_export_and_canary_reach_triton() -> None:
    for overlay, client, server in (
        ("cpu/mot17-export", "mot17-export", "triton"),
        ("prod-gpu/mot17-export", "mot17-export", "triton"),
        ("cpu/ray-batch", "ray-batch-trackers", "triton"),
        ("prod-gpu/ray-batch", "ray-batch-head", "triton"),
        ("prod-gpu/canary", "worker-canary", "triton-canary"),
    ):
        policies, pods = _pods(overlay)
        assert allowed(policies, pods[client], pods[server], 8001)


def test_a_ray_cluster_speaks_with_itself_and_its_operator() -> None:
    policies, pods = _pods("cpu/ray-batch")
    operator = ({"kubernetes.io/metadata.name": "kuberay"}, {"app.kubernetes.io/name": "kuberay-operator"})
    anything = [
        rule["ports"] for each in policies for rule in each["spec"].get("ingress", []) if "endPort" in str(rule)
    ]
    assert anything == [[{"protocol": "TCP", "port": 1024, "endPort": 65535}]]
    assert allowed(policies, operator, pods["ray-batch-head"], 8265)
    assert not allowed(policies, operator, pods["ray-batch-head"], 6379)
    assert not allowed(policies, operator, pods["page"], 8265)


def test_without_the_default_nothing_would_be_closed() -> None:
    """The rules above are judged by a simulation of ours: that it sees what is open."""
    policies, pods = _pods("dev")
    named(policies, "NetworkPolicy", "default-deny")
    open_ones = [each for each in policies if each["metadata"]["name"] not in {"default-deny", "triton-from-clients"}]
    assert allowed(open_ones, _ELSEWHERE, pods["triton"], 8001)
    assert allowed(open_ones, pods["triton"], _ELSEWHERE, 443)
