"""Several processes on a CPU, through gloo: what several GPUs do through NCCL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mot.errors import MotError
from tests.training.runs import logged
from tests.training.scenes import write_scene
from training.checkpoint import load_checkpoint
from training.cli import main
from training.devices import make_fabric
from training.scoreboard import read_rows

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
architecture = "yolox_nano"
width = 96
height = 64
batch_size = 2
epochs = 2
max_objects = 8
workers = 0
lr = 1e-3
clip_norm = 10.0
ema_decay = 0.9
"""
ENVIRONMENT = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def options(recipe: Path, people: Path, out: Path) -> list[str]:
    return ["fit", "--recipe", str(recipe), "--data", str(people), "--out", str(out), "--accelerator", "cpu"]


def start(*command: str, path: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT | {"PYTHONPATH": str(path)},
        start_new_session=True,
    )


def test_two_processes_learn_what_one_with_twice_the_batches_does(recipe: Path, people: Path, tmp_path: Path) -> None:
    """Under torchrun, with a validation by the first process.

    The one process takes two batches a step, so that BatchNorm sees the same images together. What differs is
    the order of sums, in the seventh digit of gradients; Adam makes steps of them that do not depend on their
    size, so that four steps later the weights agree to a hundredth of these steps. BatchNorm's running statistics
    are the first process's alone, as in all of torch's data parallelism.
    """
    scene = write_scene(tmp_path, frames=2)
    run = start(
        *("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training.cli"),
        *options(recipe, people, tmp_path / "two"),
        *("--validate", str(scene)),
    )
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert out.count("checkpoint: ") == 1
    with pytest.raises(SystemExit) as stopped:
        main([*options(recipe, people, tmp_path / "one"), "--set", "accumulate=2"])
    assert stopped.value.code == 0
    one, two = (load_checkpoint(tmp_path / name / "last.pt") for name in ("one", "two"))
    assert (one["step"], one["processes"], two["step"], two["processes"]) == (4, 1, 4, 2)
    for part in ("model", "loss", "ema"):
        for name, weight in one[part].items():
            if "running_" not in name and "num_batches" not in name:
                torch.testing.assert_close(two[part][name], weight, rtol=0, atol=1e-5, msg=f"{part} {name}")
    rows = [logged(tmp_path / name)[-1] for name in ("one", "two")]
    for name in ("loss", "heatmap", "box", "offset", "identity"):
        assert float(rows[1][name]) == pytest.approx(float(rows[0][name]), rel=1e-4)
    assert [row["step"] for row in read_rows(tmp_path / "two/validation.csv")] == ["2", "2", "4", "4"]


def test_ctrl_c_stops_all_after_the_same_step_and_one_process_goes_on(
    recipe: Path, people: Path, tmp_path: Path
) -> None:
    """Processes started by --devices; the signal reaches them at different moments, in different steps.

    Lightning looks every five seconds whether one of them has failed, and kills the others; here, it does all the
    time, and a checkpoint takes as long as on a slow disk.
    """
    out, hasty = tmp_path / "out", tmp_path / "hasty"
    hasty.mkdir()
    (hasty / "sitecustomize.py").write_text(
        "from lightning.fabric.strategies.launchers.subprocess_script import _ChildProcessObserver\n"
        "_ChildProcessObserver.__init__.__defaults__ = (0.02,)\n"
        "import time, torch\n"
        "save = torch.save\n"
        "torch.save = lambda *given: (time.sleep(3), save(*given))\n"
    )
    run = start("training.cli", *options(recipe, people, out), "--devices", "2", "--set", "epochs=400", path=hasty)
    assert run.stdout
    for line in run.stdout:
        if line.startswith("step 10/800 "):
            break
    os.kill(run.pid, signal.SIGINT)  # the first process alone
    _, err = run.communicate(timeout=120)
    assert run.returncode == 130, err
    assert err.count("last.pt is saved, --resume goes on") == 1
    state = load_checkpoint(out / "last.pt")
    assert (state["processes"], state["step"] >= 10) == (2, True)
    epochs = state["step"] // 2 + 1
    with pytest.raises(SystemExit) as stopped:
        main([*options(recipe, people, out), "--resume", "--set", f"epochs={epochs}", "--set", "accumulate=2"])
    assert stopped.value.code == 0
    assert load_checkpoint(out / "last.pt")["step"] == 2 * epochs


def test_torchrun_decides_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "6", "LOCAL_WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MotError, match="--devices 2: torchrun started 3; leave the option out"):
        make_fabric("cpu", 2, None, "32-true")
    with pytest.raises(MotError, match="--nodes 4: torchrun started 2; leave the option out"):
        make_fabric("cpu", 3, 4, "32-true")


def test_one_process_needs_no_group() -> None:
    fabric = make_fabric("cpu", None, None, "auto")
    assert (fabric.world_size, fabric.device) == (1, torch.device("cpu"))
    assert not torch.distributed.is_initialized()
    assert fabric.strategy.precision.precision == "32-true"
