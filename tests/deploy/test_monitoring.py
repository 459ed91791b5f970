"""What is watched: the names that dashboard and alerts use are those that programs give."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

from client.live.state import CameraState
from client.metrics import CAMERA_DELAY, DELIVERIES, EVENTS, JOBS, QUEUE, REGISTRY, STAGES
from tests.deploy.stack import ROOT

MONITORING = ROOT / "deploy/monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/mot.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((MONITORING / "prometheus/alerts.yml").read_text(encoding="utf-8"))
SCRAPED = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
# Of Triton's; test_containers.py asks a running one for them.
TRITON = {
    "nv_inference_request_success",
    "nv_inference_request_failure",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_pending_request_count",
}
PANELS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


def ours() -> set[str]:
    for outcome in ("done", "failed", "stopped"):
        JOBS.labels(outcome)
    STAGES.labels("infer")
    QUEUE.labels("queued")
    CameraState("door", "rtsp://door")
    CAMERA_DELAY.labels("door")
    EVENTS.labels("door", "left")
    DELIVERIES.labels("file", "sent")
    return {sample.name for metric in REGISTRY.collect() for sample in metric.samples}


@pytest.mark.parametrize("query", [*PANELS, *(rule["expr"] for rule in RULES)])
def test_a_query_uses_metrics_that_there_are(query: str) -> None:
    names = set(re.findall(r"\b(?:mot|nv)_\w+|\bup\b", query))
    assert names and names <= ours() | TRITON | {"up"}


def test_every_metric_of_ours_is_shown_or_alerted_on() -> None:
    queries = " ".join([*PANELS, *(rule["expr"] for rule in RULES)])
    kinds = {metric.name for metric in REGISTRY.collect()} - {"mot_build"}
    assert [name for name in kinds if name not in queries] == ["mot_ids"]  # which has no rate worth a look


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"] and rule["annotations"]["runbook"]


def test_prometheus_asks_services_that_there_are_where_they_answer() -> None:
    for job in SCRAPED["scrape_configs"]:
        (found,) = job["dns_sd_configs"]
        for name in found["names"]:
            assert name in SERVICES and "inside" in SERVICES[name]["networks"]
            own = SERVICES[name].get("environment", {}).get("MOT_METRICS_PORT")
            assert str(found["port"]) == (own or "8002")


def test_the_panels_ask_the_source_that_is_provided() -> None:
    source = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text())
    (provided,) = source["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {provided["uid"]}
    assert provided["url"] == "http://prometheus:9090"


def test_promtool_takes_configuration_and_rules() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    command = ["promtool", "check", "config", str(MONITORING / "prometheus/prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
