from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.training.weights.published import segformer
from training.checkpoint import load_checkpoint
from training.cli import main
from training.model.mit import MIT_B0

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
architecture = "yolox_nano"
width = 96
height = 64
batch_size = 2
epochs = 400
max_objects = 8
workers = 1
warmup_steps = 2
ema_decay = 0.9
"""


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command prints when it fails as it should: one line, status 1."""
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    assert stopped.value.code == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    assert captured.err.startswith("error: ")
    return captured.err


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], recipe: Path, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    here = ("--out", out, "--accelerator", "cpu")
    assert "recipe 'none' not found" in fails(capsys, "fit", "--recipe", "none", "--data", people, *here)
    assert "gone.json: no such data configuration; mot-train data makes one" in fails(
        capsys, "fit", "--recipe", recipe, "--data", tmp_path / "gone.json", *here
    )
    with_data = ("fit", "--recipe", recipe, "--data", people, *here)
    assert "'dla_34' is unknown; choose one of mit_b1" in fails(capsys, *with_data, "--arch", "dla_34")
    assert "lr: Input should be greater than 0 (0)" in fails(capsys, *with_data, "--set", "lr=0")
    assert "no such checkpoint to resume" in fails(capsys, *with_data, "--resume")
    assert "--validate 'x,frames=3': frames.1: Field required" in fails(capsys, *with_data, "--validate", "x,frames=3")
    assert "validation 'gone': no labels, looked for gone/gt/gt.txt" in fails(capsys, *with_data, "--validate", "gone")
    assert "no such checkpoint" in fails(capsys, "show", out / "last.pt")
    assert "no folder 'mot' in it" in fails(capsys, "data", "shipped", tmp_path)
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_that_is_not_there(capsys: pytest.CaptureFixture[str], recipe: Path, people: Path, tmp_path: Path) -> None:
    arguments = ("fit", "--recipe", recipe, "--data", people, "--out", tmp_path / "out", "--accelerator", "cuda")
    assert "no CUDA device is visible here; use --accelerator cpu" in fails(capsys, *arguments)


@pytest.mark.parametrize(
    "option",
    [("--accelerator", "tpu"), ("--precision", "8-bit"), ("--devices", "0"), ("--nodes", "0"), ("--epochs", "3")],
)
def test_wrong_options_are_usage_errors(capsys: pytest.CaptureFixture[str], option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["fit", *option])
    assert stopped.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_weights_reports_what_fits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mit_b0.pth"
    state = segformer(MIT_B0.widths)
    for removed, status in ((None, 0), ("norm4.bias", 1)):
        torch.save({name: tensor for name, tensor in state.items() if name != removed}, path)
        with pytest.raises(SystemExit) as stopped:
            main(["weights", str(path), "--arch", "mit_b0"])
        assert stopped.value.code == status
        said = capsys.readouterr().out.splitlines()
        assert "unused     head.weight" in said
        assert ("missing    backbone.stages.3.norm.bias" in said) == bool(removed)
        assert said[-1].startswith(f"{path}: {176 - status} of 176 tensors match; ")
    assert "gone.pth: no such file; it should hold" in fails(capsys, "weights", "gone.pth")


def start(*arguments: object, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """``mot-train fit`` as a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "training.cli", "fit", "--accelerator", "cpu", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen[str], beginning: str) -> str:
    """Read what it prints until a line begins so."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"no line {beginning!r}: {process.stderr.read() if process.stderr else ''}")


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_a_supervisor_s_signal_to_the_whole_group_saves(
    recipe: Path, people: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """timeout, systemd, docker stop and a lost connection send it to the workers, too."""
    process = start("--recipe", recipe, "--data", people, "--output", tmp_path / "out")
    wait_for(process, "step 10/2000 ")
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert f"stopped; {tmp_path / 'out/last.pt'} is saved, --resume goes on" in err
    assert load_checkpoint(tmp_path / "out/last.pt")["step"] >= 10


def test_a_worker_that_is_killed_costs_no_step(recipe: Path, people: Path, tmp_path: Path) -> None:
    process = start("--recipe", recipe, "--data", people, "--output", tmp_path / "out", "--set", "workers=2")
    wait_for(process, "step 20/2000 ")
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.startswith("error: a worker that loads images was killed")
    assert err.endswith(f"{tmp_path / 'out/last.pt'} is saved, --resume goes on\n")
    assert len(err.splitlines()) == 1
    assert load_checkpoint(tmp_path / "out/last.pt")["step"] >= 20


def test_too_few_open_files_for_the_workers(recipe: Path, people: Path, tmp_path: Path) -> None:
    """Each picture that a worker hands over costs some; what they need is known before they start, and is enough."""
    run = ("--recipe", recipe, "--data", people, "--output", tmp_path / "out", "--set", "workers=2")
    limits = 24, 24
    for _ in range(2):
        process = start(*run)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
        _, err = process.communicate(timeout=300)
        said = re.fullmatch(
            r"error: the system allows (\d+) open files, and 2 workers that load images need (\d+): raise the limit "
            r"\(ulimit -n\), or lower workers\n",
            err,
        )
        assert process.returncode == 1 and said, err
        needed = int(said[2])  # and one or two more, where a log's thread has its file open just then
        limits = needed - 3, needed - 3
    process = start(*run)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (24, needed + 3))
    wait_for(process, "step 100/2000 ")
    os.killpg(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err, err


def test_stopped_before_anything_is_made(recipe: Path, people: Path, tmp_path: Path) -> None:
    """While labels are read nothing is saved, and nothing is said to be."""
    labels = people.parent / "drawn.train"
    listing = tmp_path / "data/drawn.train"
    listing.parent.mkdir()
    listing.write_text("".join(f"{people.parent / line}\n" for line in labels.read_text().splitlines()) * 20_000)
    config = tmp_path / "data/data.json"
    config.write_text('{"root": ".", "train": {"drawn": "drawn.train"}}')
    process = start("--recipe", recipe, "--data", config, "--output", tmp_path / "out")
    reading = Path(f"/proc/{process.pid}/maps")
    deadline = time.monotonic() + 120
    while "libtorch" not in reading.read_text():  # the command's own handlers are there before torch is
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "stopped; nothing was made yet to be saved"
    assert not (tmp_path / "out/last.pt").exists()


def test_a_resumed_run_goes_on_by_its_own_recipe(
    capsys: pytest.CaptureFixture[str], recipe: Path, people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    fit = ["fit", "--data", str(people), "--output", str(out), "--accelerator", "cpu"]
    with pytest.raises(SystemExit):
        main([*fit, "--recipe", str(recipe), "--set", "epochs=1", "--set", "width=128"])
    said = capsys.readouterr().out
    assert f"next: mot-export model {out / 'last.pt'} --image PICTURE" in said
    for more in ([], ["--recipe", str(recipe)]):
        with pytest.raises(SystemExit):
            main([*fit, "--resume", *more])
        said = capsys.readouterr().out
        assert "resuming with another recipe" not in said
        assert load_checkpoint(out / "last.pt")["recipe"]["width"] == 128
    assert f"--recipe {recipe} has epochs=400; the run goes on with 1, --set epochs=... changes it" in said
    with pytest.raises(SystemExit):
        main([*fit, "--resume", "--set", "epochs=2"])
    assert "resuming with another recipe: epochs: 1 -> 2" in capsys.readouterr().out
    assert load_checkpoint(out / "last.pt")["step"] == 10


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("fit", "--data", "gone.json"), "gone.json: no such data configuration"),
        (("fit", "--resume", "--output", "gone"), "gone/last.pt: no such checkpoint to resume"),
        (("show", "gone.pt"), "gone.pt: no such checkpoint"),
        (("weights", "gone.pth"), "gone.pth: no such file"),
    ],
)
def test_missing_files_cost_no_imports(arguments: tuple[str, ...], complaint: str) -> None:
    """A process of its own, in which torch cannot be imported."""
    code = f"import sys\nsys.modules['torch'] = None\nfrom training.cli import main\nmain({list(arguments)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {complaint}")


@pytest.mark.parametrize("arguments", [["-h"], ["fit", "-h"], ["data", "-h"], ["data", "coco", "-h"], ["show", "-h"]])
def test_short_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    assert "--out " not in capsys.readouterr().out, "the former name works, but is not shown"


def test_ctrl_c_saves_and_resume_goes_on(
    capsys: pytest.CaptureFixture[str], recipe: Path, people: Path, tmp_path: Path
) -> None:
    """A real process with a loader's worker, and the signal as a terminal sends it: to all processes at once."""
    out = tmp_path / "out"
    process = start("--recipe", recipe, "--data", people, "--out", out)  # the former name
    line = wait_for(process, "step 10/2000 ")
    assert re.search(r" waiting \d\.\d{3} skipped 0\.000, \d+:\d\d:\d\d left$", line.rstrip())
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "last.pt is saved, --resume goes on" in err
    assert "Traceback" not in err
    assert (out / "curves.png").is_file()
    step = load_checkpoint(out / "last.pt")["step"]
    assert step >= 10
    epochs = step // 5 + 1  # ten images, batches of two
    with pytest.raises(SystemExit) as stopped:
        arguments = ["fit", "--data", str(people), "--output", str(out), "--accelerator", "cpu"]
        main([*arguments, "--resume", "--set", f"epochs={epochs}"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert f"resuming with another recipe: epochs: 400 -> {epochs}" in said
    assert f"step {5 * epochs}/{5 * epochs} loss" in said
    assert f"checkpoint: {out / 'last.pt'}" in said
    assert load_checkpoint(out / "last.pt")["step"] == 5 * epochs
    with pytest.raises(SystemExit) as stopped:
        main(["show", str(out / "last.pt")])
    assert stopped.value.code == 0
    shown = {
        cells[0].strip(): cells[1].strip()
        for line in capsys.readouterr().out.splitlines()
        if len(cells := line.strip("│┃ ").split("│")) == 2
    }
    assert shown["architecture"] == "yolox_nano"
    assert shown["augment.flip"] == "0.5"
    assert shown["step"] == str(5 * epochs)
    assert shown["identities"] == "3"
    assert shown["averaged weights"] == "yes"
    parts = [int(n.replace(",", "")) for name, n in shown.items() if name.startswith("parameters of")]
    assert sum(parts) == int(shown["parameters"].replace(",", ""))
    assert len(parts) == 6
