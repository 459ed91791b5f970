"""Rules and dashboard: promtool takes and runs them, and they ask for what the running programs export."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import find_triton
from mot.errors import MotError
from tests.deploy.k8s.rendered import K8S, ROOT, Object, named, rendered
from tests.tiny_model import repository

UNIT_TESTS = Path(__file__).parent / "k8s/alerts_test.yml"
OVERLAYS = ("cpu", "prod-gpu")
_OF_THE_CLUSTER = {"up", "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}


def groups(overlay: str) -> list[Object]:
    found: list[Object] = named(rendered(overlay), "PrometheusRule", "mot")["spec"]["groups"]
    return found


def rules(overlay: str) -> Iterator[Object]:
    for group in groups(overlay):
        yield from group["rules"]


@pytest.fixture
def promtool(tmp_path: Path) -> str:
    """The program; ``rules.yml`` and its unit tests lie in ``tmp_path``."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is needed: apt-get install prometheus")
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups("cpu")}))
    shutil.copy(UNIT_TESTS, tmp_path)
    return found


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_both_overlays_have_the_same_rules() -> None:
    assert groups("cpu") == groups("prod-gpu")


def test_promtool_takes_the_rules(promtool: str, tmp_path: Path) -> None:
    done = run(promtool, "check", "rules", tmp_path / "rules.yml")
    assert done.returncode == 0 and f"SUCCESS: {len(list(rules('cpu')))} rules found" in done.stdout, done.stdout


def test_the_rules_unit_tests_pass(promtool: str, tmp_path: Path) -> None:
    done = run(promtool, "test", "rules", tmp_path / UNIT_TESTS.name)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def test_every_alert_has_a_unit_test() -> None:
    cases = [
        case for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for case in test.get("alert_rule_test", [])
    ]
    tested = {case["alertname"] for case in cases if case["exp_alerts"]}
    assert tested == {rule["alert"] for rule in rules("cpu") if "alert" in rule}


def test_every_alert_has_a_section_in_the_runbook() -> None:
    sections = re.findall(r"^## (\w+)$", (K8S / "RUNBOOK.md").read_text(encoding="utf-8"), re.MULTILINE)
    alerts = [rule for rule in rules("cpu") if "alert" in rule]
    for alert in alerts:
        assert alert["annotations"]["runbook"] == f"deploy/k8s/RUNBOOK.md#{alert['alert'].lower()}"
    assert sorted(sections) == sorted(alert["alert"] for alert in alerts)


def test_the_runbooks_look_for_events_that_the_worker_writes() -> None:
    runbooks = (K8S / "RUNBOOK.md", ROOT / "deploy/monitoring/prometheus/alerts.yml")
    looked_for = {word for path in runbooks for word in re.findall(r"""[`']"([\w ]+)"[`']""", path.read_text("utf-8"))}
    worker = (ROOT / "client/ui/work/worker.py").read_text("utf-8")
    assert looked_for and all(f'event("{word}"' in worker for word in looked_for)


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression of PromQL asks for: its names that are no function, keyword or label."""
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", expression)
    text = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", text)
    found = set(re.findall(r"\b([a-zA-Z_:][\w:]*)\b(?!\s*\()", text))
    return {name for name in found - {"and", "or", "unless", "sum", "max", "count"} if not re.fullmatch(r"e\d+", name)}


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ('sum by (pod) (rate(a_total{x="b c"}[1m])) / 1e6', {"a_total"}),
        ("max(a) > 0 and sum(b:c) == 0 or absent(d)", {"a", "b:c", "d"}),
        ("histogram_quantile(0.95, sum(rate(a_bucket[2m])) by (le, stage))", {"a_bucket"}),
    ],
)
def test_metrics_of_an_expression(expression: str, metrics: set[str]) -> None:
    assert metrics_of(expression) == metrics


def dashboard() -> Object:
    found: Object = json.loads(named(rendered("cpu"), "ConfigMap", "mot-dashboard")["data"]["mot-cluster.json"])
    return found


def wanted_metrics() -> set[str]:
    queries = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return {name for each in [*queries, *(rule["expr"] for rule in rules("cpu"))] for name in metrics_of(each)}


def test_panels_do_not_overlap_and_are_titled() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert panel["title"] and not cells & taken and at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.triton
def test_rules_and_dashboard_ask_for_what_triton_exports(tmp_path: Path) -> None:
    try:
        find_triton()
    except MotError as error:
        pytest.skip(str(error))
    with EmbeddedServer(repository(tmp_path), instances=1) as server:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        text = opener.open(server.metrics_url, timeout=10).read().decode()
    exported = set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))
    wanted = {name for name in wanted_metrics() if name.startswith("nv_")}
    assert wanted and wanted <= exported


def test_rules_and_dashboard_ask_for_what_the_client_exports() -> None:
    try:
        metrics = importlib.import_module("client.metrics")
    except ModuleNotFoundError:
        pytest.skip("the client has no metrics yet")
    samples = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    families = {family.name for family in metrics.REGISTRY.collect()}
    recorded = {rule["record"] for rule in rules("cpu") if "record" in rule}
    wanted = {name for name in wanted_metrics() if not name.startswith("nv_")} - _OF_THE_CLUSTER - recorded
    assert wanted and wanted <= samples | families


def test_every_metric_is_somebodys() -> None:
    recorded = {rule["record"] for rule in rules("cpu") if "record" in rule}
    ours = {name for name in wanted_metrics() if name.startswith(("nv_", "mot_"))}
    assert wanted_metrics() - ours <= _OF_THE_CLUSTER | recorded
