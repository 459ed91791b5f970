"""Starting and stopping the embedded server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from client.serving import server as server_module
from client.serving.errors import ServerError
from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import build_runtime
from mot.contract import ContractError
from mot.errors import MotError
from tests.command import ROOT, children

pytestmark = pytest.mark.triton
SHARED_MEMORY = Path("/dev/shm")


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def eventually(condition, seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def copied(repository: Path, target: Path) -> Path:
    return Path(shutil.copytree(repository, target))


def test_urls_answer(server: EmbeddedServer) -> None:
    with urllib.request.urlopen(f"{server.http_url}/v2/health/ready", timeout=5) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(server.metrics_url, timeout=5) as answer:
        assert b'nv_inference_request_success{model="fairmot"' in answer.read()


def test_it_listens_on_loopback_only(server: EmbeddedServer) -> None:
    sockets = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    listening = {fields[1] for fields in sockets if fields[3] == "0A"}
    for port in server.ports:
        addresses = {address for address in listening if address.endswith(f":{port:04X}")}
        assert addresses
        assert addresses <= {f"0100007F:{port:04X}", f"0000000000000000FFFF00000100007F:{port:04X}"}


def test_the_given_repository_stays_as_it_is(server: EmbeddedServer, tiny_repository: Path) -> None:
    assert sorted(str(path.relative_to(tiny_repository)) for path in tiny_repository.rglob("*")) == [
        "fairmot",
        "fairmot/1",
        "fairmot/1/model.onnx",
        "fairmot/1/model.py",
        "fairmot/config.pbtxt",
        "fairmot/configs",
        "fairmot/configs/local.pbtxt",
    ]


def test_clean_stop_leaves_nothing(tiny_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(SHARED_MEMORY.iterdir())
    with EmbeddedServer(tiny_repository, instances=1) as server:
        assert server.process
        process = server.process
        assert set(SHARED_MEMORY.iterdir()) - before
        assert list(tmp_path.iterdir())
        server.stop(grace_s=60)
    assert process.returncode == 0
    assert eventually(lambda: group_is_empty(process.pid))  # its guard is a zombie until init takes it
    assert set(SHARED_MEMORY.iterdir()) <= before
    assert not list(tmp_path.iterdir())
    server.stop()  # twice does no harm


def test_stop_after_a_crash_leaves_nothing(tiny_repository: Path) -> None:
    before = set(SHARED_MEMORY.iterdir())
    with EmbeddedServer(tiny_repository, instances=1) as server:
        assert server.process
        process = server.process
        process.kill()  # Triton only: its model process is left behind
        process.wait()
    assert eventually(lambda: group_is_empty(process.pid))
    assert set(SHARED_MEMORY.iterdir()) <= before


def test_it_ends_when_we_are_killed(tiny_repository: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from client.serving.server import EmbeddedServer\n"
        "with EmbeddedServer(Path(sys.argv[1]), instances=1) as server:\n"
        "    print(server.process.pid, flush=True); time.sleep(60)\n"
    )
    before = set(SHARED_MEMORY.iterdir())
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_repository)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as owner:
        assert owner.stdout
        group = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert eventually(lambda: group_is_empty(group))
    assert set(SHARED_MEMORY.iterdir()) <= before


def test_it_ends_when_we_are_killed_while_it_loads_its_model(tiny_repository: Path, tmp_path: Path) -> None:
    """A signal ends it then, and its model processes would wait for it for ever."""
    code = (
        "import sys; from pathlib import Path; from client.serving.server import EmbeddedServer\n"
        "EmbeddedServer(Path(sys.argv[1]), instances=2).start()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_repository)], cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    log = "mot-triton-*/triton.log"
    assert eventually(lambda: any("InstanceInitialize" in path.read_text() for path in tmp_path.glob(log)), 120)
    (group,) = children(owner.pid)
    owner.kill()
    owner.wait()
    assert eventually(lambda: group_is_empty(group))


def test_it_outlives_the_thread_that_started_it(tiny_repository: Path) -> None:
    server = EmbeddedServer(tiny_repository, instances=1)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    try:
        time.sleep(0.5)  # the kernel's signal would come at once
        assert server.process and server.process.poll() is None
        server.wait_ready(5)
    finally:
        server.stop(grace_s=0)


def test_a_given_port_that_is_taken(tiny_repository: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"cannot serve on 127\.0\.0\.1:{port}: Address already in use"):
            EmbeddedServer(tiny_repository, http_port=port).start()


def test_a_free_port_that_is_taken_before_triton_binds_it(
    tiny_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = server_module.free_ports
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = iter([(other.getsockname()[1], *find("127.0.0.1", (0, 0, 0))[1:])])
        monkeypatch.setattr(server_module, "free_ports", lambda host, wanted: next(found, None) or find(host, wanted))
        server = EmbeddedServer(tiny_repository, instances=1)
        server.start()
        assert server.ports[0] != other.getsockname()[1]
        server.stop(grace_s=0)


def test_a_host_that_is_not_ours(tiny_repository: Path) -> None:
    with pytest.raises(
        ServerError, match=r"cannot serve on 192\.0\.2\.1:0: Cannot assign .*not an IPv4 address of this machine"
    ):
        EmbeddedServer(tiny_repository, host="192.0.2.1").start()


def test_a_model_that_is_not_onnx(tiny_repository: Path, tmp_path: Path) -> None:
    broken = copied(tiny_repository, tmp_path / "repository")
    (broken / "fairmot/1/model.onnx").write_text("not a graph")
    with pytest.raises(ServerError, match=r"exited with status 1 while starting:[\s\S]*model\.onnx"):
        EmbeddedServer(broken, instances=1).start()


def test_a_model_of_another_contract_version(tiny_repository: Path, tmp_path: Path) -> None:
    old = copied(tiny_repository, tmp_path / "repository")
    config = old / "fairmot/configs/local.pbtxt"
    config.write_text(
        config.read_text().replace(
            '"mot.version" value { string_value: "1" }', '"mot.version" value { string_value: "99" }'
        )
    )
    with pytest.raises(ContractError, match=r"grpc://127\.0\.0\.1:\d+, model 'fairmot': contract version 99"):
        EmbeddedServer(old, instances=1).start()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("configs/local.pbtxt", "is missing; give a model repository"),
        ("1/model.onnx", ": no such model file; give a repository"),
        ("1/model.py", "is missing; give a model repository"),
    ],
)
def test_a_repository_that_lacks_a_file(tiny_repository: Path, tmp_path: Path, name: str, words: str) -> None:
    incomplete = copied(tiny_repository, tmp_path / "repository")
    (incomplete / "fairmot" / name).unlink()
    with pytest.raises(MotError, match=f"{name} ?{words}"):
        EmbeddedServer(incomplete).start()


def test_start_waits_no_longer_than_told(tiny_repository: Path) -> None:
    with pytest.raises(ServerError, match=r"not ready after 0\.01 s"):
        EmbeddedServer(tiny_repository, instances=1).start(timeout_s=0.01)


def test_instances_are_set_in_a_copy_of_the_configuration(tiny_repository: Path, tmp_path: Path) -> None:
    runtime = build_runtime(tmp_path, tiny_repository, instances=5)
    assert "count: 5" in (runtime.models / "fairmot/configs/local.pbtxt").read_text()
    assert "count: 2" in (tiny_repository / "fairmot/configs/local.pbtxt").read_text()
