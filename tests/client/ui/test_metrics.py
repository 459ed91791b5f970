"""client.ui.metrics: Triton's own text, as it was served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from client.ui.metrics import listens, parse_metrics, read_state
from client.ui.settings import Settings

TEXT = """# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="fairmot",version="1"} 200
nv_inference_request_failure{model="fairmot",reason="REJECTED",version="1"} 1
nv_inference_request_failure{model="fairmot",reason="OTHER",version="1"} 2
nv_inference_request_failure{model="other",reason="OTHER",version="1"} 7
nv_inference_count{model="fairmot",version="1"} 200
nv_inference_exec_count{model="fairmot",version="1"} 80
nv_inference_queue_duration_us{model="fairmot",version="1"} 500000
nv_inference_request_summary_us{model="fairmot",version="1",quantile="0.5"} 30000
nv_inference_request_summary_us{model="fairmot",version="1",quantile="0.9"} Nan
nv_inference_request_summary_us{model="fairmot",version="1",quantile="0.99"} 90000
nv_cpu_utilization 0.5
"""


def test_numbers_of_the_model() -> None:
    state = parse_metrics(TEXT, ready=True)
    assert (state.model, state.version, state.requests, state.failures) == ("fairmot", "1", 200, 3)
    assert (state.mean_batch, state.queue_ms, state.latencies_ms) == (2.5, 2.5, {0.5: 30.0, 0.99: 90.0})


def test_another_servers_or_no_metrics() -> None:
    assert parse_metrics("<html>not found</html>", ready=False).model is None


@pytest.mark.parametrize("url", [None, "", "127.0.0.1:1", "grpc://127.0.0.1:1", "no such host"])
def test_nothing_listens(url: str | None) -> None:
    assert not listens(url)


def test_a_server_that_accepts_and_says_nothing_is_not_ready() -> None:
    """As one that was stopped (SIGSTOP): the kernel still takes connections for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert listens(address)
        settings = Settings(data=Path("/nowhere"), url=address, metrics_url=f"http://{address}/metrics")
        assert not read_state(settings).ready
