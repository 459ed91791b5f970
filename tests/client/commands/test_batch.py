"""The command ``mot batch`` in processes of this machine."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from client.batch.inputs import find_inputs
from client.batch.summary import CSV
from client.jobs.record import Record
from client.outputs.embeddings import read_embeddings
from client.serving.keeper import children, is_running
from mot.sequence import read_results
from tests.batch_killer import begun, killing
from tests.command import Outcome, start, walk
from tests.tiny_model import repository

LONG = 1500  # frames, 150 s of video, which take a while on any machine


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders with a video of the same name, and one that takes long."""
    folder = tmp_path_factory.mktemp("videos")
    for name, count in {"cam1/street": 30, "cam2/street": 45, "cam2/door": 20}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        walk(folder / f"{name}.mp4", count)
    walk(folder / "long.mp4", LONG)
    return folder


@pytest.fixture(scope="module")
def engine(models: Path) -> tuple[object, ...]:
    return ("--engine", "local", "--model-repository", models, "--conf-thres", 0.2)


@pytest.fixture(scope="module")
def serial(videos: Path, engine: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Rows of each video, as `mot track` makes them, one after the other."""
    folder = tmp_path_factory.mktemp("serial")
    inputs, _ = find_inputs([str(videos)], folder)
    process = start("track", *inputs, "--no-video", "-o", folder, *engine)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / CSV).open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def eventually(condition: Callable[[], object], process: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


def wait_for_end(processes: list[int]) -> None:
    deadline = time.monotonic() + 120
    while any(is_running(pid) for pid in processes):
        assert time.monotonic() < deadline, "workers outlive the batch"
        time.sleep(0.01)


def test_help_has_examples(mot: Callable[..., Outcome]) -> None:
    outcome = mot("batch", "--help")
    lines = [line.strip() for line in outcome.out.splitlines()]
    assert outcome.status == 0 and any(line.startswith("mot batch") for line in lines[lines.index("Examples") :])


@pytest.mark.parametrize(
    "arguments",
    [("x.mp4",), ("x.mp4", "-o", "out", "--ray", "auto"), ("x.mp4", "-o", "out", "--jobs", 0), ("-o", "out")],
    ids=["no output", "a cluster with a server of our own", "no process", "no input"],
)
def test_wrong_usage_is_status_2(mot: Callable[..., Outcome], arguments: tuple[object, ...]) -> None:
    assert mot("batch", *arguments).status == 2


def test_rows_are_those_of_a_serial_run(
    mot: Callable[..., Outcome], videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = mot("batch", videos, "-o", out, "--jobs", 3, *engine)
    assert first.status == 0, first.err
    assert "4 videos: 4 tracked, in " in first.out
    assert texts(out) == serial and serial.keys() >= {"street.txt", "street-2.txt"}
    rows = table(out)
    assert {name: row["frames"] for name, row in rows.items()} == {
        "street": "30",
        "door": "20",
        "street-2": "45",
        "long": str(LONG),
    }
    assert rows["street-2"]["input"] == str(videos / "cam2/street.mp4")
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.txt")}
    again = mot("batch", videos / "cam2", videos, "-o", out, *engine)  # in another order
    assert again.status == 0 and "4 videos: 4 kept, in " in again.out
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.txt")} == before
    other = mot("batch", videos, "-o", out, *engine[:-1], 0.3)
    assert other.status == 1 and "made with other settings (parameters.conf_thres: 0.2 -> 0.3)" in other.err
    assert texts(out) == serial


def test_inputs_that_cannot_be_read_are_set_aside_and_the_others_done(
    mot: Callable[..., Outcome], videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    given = ("batch", tmp_path / "bad.mp4", videos / "cam1", tmp_path / "missing.mp4")
    outcome = mot(*given, "-o", tmp_path / "out", "--tries", 2, *engine)
    assert outcome.status == 1
    assert "missing.mp4': no such file or folder" in outcome.err
    assert "error: bad: set aside after 2 tries: " in outcome.err and "not a video that can be read" in outcome.err
    assert texts(tmp_path / "out") == {"street.txt": serial["street.txt"]}
    assert table(tmp_path / "out")["bad"]["state"] == "set aside"
    record = Record.read(tmp_path / "out", "bad", done=False)
    assert record and record.state == "failed" and "not a video that can be read" in record.error
    (tmp_path / "bad.mp4").write_bytes((videos / "cam2/door.mp4").read_bytes())  # mended
    outcome = mot(*given[:-1], "-o", tmp_path / "out", "--tries", 2, *engine)
    assert outcome.status == 0, outcome.err
    assert texts(tmp_path / "out")["bad.txt"] == serial["door.txt"]


def test_a_worker_that_hangs_is_killed_and_its_video_done_by_another(
    videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start("batch", videos, "-o", out, "--jobs", 2, "--timeout", 15, *engine)
    eventually(lambda: "long" in begun(out), process)
    hangs = begun(out)["long"]
    os.kill(hangs, signal.SIGSTOP)  # it will never end by itself, whoever asks
    printed, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "long: tried again: no new frame for 15 s (--timeout): its worker was killed" in err
    assert "4 videos: 4 tracked, in " in printed and texts(out) == serial
    assert not is_running(hangs) and table(out)["long"]["tries"] == "1"
    assert re.search(r"^frames: frame \d+, ", err, re.MULTILINE), "frames are counted, not videos alone"


def test_a_video_that_kills_its_worker(
    mot: Callable[..., Outcome], videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("batch", videos, "-o", out, "--jobs", 2, *engine)
    with killing(out, "long") as killed:
        outcome = mot(*given)
    assert len(killed) == 3
    assert outcome.status == 1 and "3 tracked, 1 set aside" in outcome.out
    assert "error: long: set aside after 3 tries: its worker was killed by signal 9 (SIGKILL" in outcome.err
    assert texts(out) == {name: rows for name, rows in serial.items() if name != "long.txt"}
    record = Record.read(out, "long", done=False)
    assert record and record.state == "failed" and "killed by signal 9" in record.error
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]  # nothing of the killed lies about
    outcome = mot(*given)  # nobody would kill it now, but nobody has said so
    assert outcome.status == 1 and "3 kept, 1 set aside" in outcome.out
    outcome = mot(*given, "--again")
    assert outcome.status == 0, outcome.err
    assert texts(out) == serial


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to it alone", "to the whole group"])
def test_ctrl_c_ends_it_in_order_and_it_goes_on(
    videos: Path,
    engine: tuple[object, ...],
    serial: dict[str, bytes],
    tmp_path: Path,
    send: Callable[[int, signal.Signals], None],
) -> None:
    """A terminal sends it to the workers, too, which hear of it from the batch alone."""
    out = tmp_path / "out"
    given = ("batch", videos, "-o", out, "--jobs", 2, *engine)
    process = start(*given, alone=True)
    eventually(lambda: "long" in begun(out), process)
    workers = children(process.pid)
    send(process.pid, signal.SIGINT)
    printed, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "stopped" in printed and "Traceback" not in err
    wait_for_end(workers)
    stopped = Record.read(out, "long", done=False)
    assert stopped and stopped.state == "stopped"
    assert "long.txt" not in texts(out) and table(out)["long"]["state"] == "stopped"
    process = start(*given)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert texts(out) == serial


def test_a_batch_that_was_killed_goes_on(
    videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("batch", videos, "-o", out, "--jobs", 2, *engine)
    process = start(*given)
    eventually(lambda: "long" in begun(out) and (out / "door.json").exists(), process)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    wait_for_end(workers)  # they notice by themselves
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.json") if ".partial." not in path.name}
    assert out / "door.json" in before and out / "long.json" not in before
    process = start(*given)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert texts(out) == serial
    assert before.items() <= {path: path.stat().st_mtime_ns for path in out.glob("*.json")}.items()  # done once


def test_videos_that_have_to_be_fetched(
    mot: Callable[..., Outcome], videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    pytest.importorskip("fsspec")
    out = tmp_path / "out"
    address = f"file://{videos}/cam2"
    outcome = mot("batch", address, "-o", out, *engine)
    assert outcome.status == 0, outcome.err
    assert texts(out) == {"street.txt": serial["street-2.txt"], "door.txt": serial["door.txt"]}
    record = json.loads((out / "door.json").read_text())
    assert record["settings"]["input"]["address"] == f"{address}/door.mp4"
    assert record["settings"]["input"]["bytes"] == (videos / "cam2/door.mp4").stat().st_size
    assert "2 kept" in mot("batch", f"{address}/*.mp4", "-o", out, *engine).out


def test_long_videos_in_pieces(
    mot: Callable[..., Outcome], videos: Path, engine: tuple[object, ...], serial: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("batch", videos / "long.mp4", videos / "cam1", "-o", out, "--jobs", 2, "--pieces", 60, *engine)
    outcome = mot(*given, "--embeddings", "--video")
    assert outcome.status == 0, outcome.err
    assert "2 videos: 2 tracked, in " in outcome.out
    assert texts(out)["street.txt"] == serial["street.txt"]  # short enough
    expected = read_results(write(tmp_path / "serial.txt", serial["long.txt"]))
    rows = read_results(out / "long.txt")
    assert np.array_equal(rows.frames, expected.frames) and np.array_equal(rows.ids, expected.ids)
    record = Record.read(out, "long")
    assert record and record.settings["pieces"] == [60, 4] and record.summary and record.summary.frames == LONG
    assert set(read_embeddings(out / "long.embeddings.npz")) == set(rows.ids.tolist())
    assert (out / "long.mp4").exists() and not (out / ".pieces/long").exists()
    again = mot(*given, "--embeddings", "--video")
    assert again.status == 0 and "2 kept" in again.out


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
