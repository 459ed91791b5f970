from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from client.detection.onnx import OnnxDetector, read_spec
from export import cli, parity
from export.triton.config import CONFIG_PATHS
from mot.errors import MotError
from training.checkpoint import CheckpointError

runner = CliRunner()


def export(checkpoint: Path, output: Path, *more: str) -> None:
    arguments = ["model", str(checkpoint), "--output", str(output), "--top-k", "16", *more]
    result = runner.invoke(cli.app, arguments)
    if result.exception:
        raise result.exception


def test_model_writes_a_whole_triton_model(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "fairmot"
    export(checkpoint, output, "--accuracy", "measured somewhere")
    detector = OnnxDetector(output / "1" / "model.onnx", workers=1)
    detector.close()
    assert detector.spec.accuracy == "measured somewhere"
    assert sorted(p.name for p in (output / "1").iterdir()) == ["model.onnx", "model.py"]
    texts = {target: (output / path).read_text() for target, path in CONFIG_PATHS.items()}
    assert all("measured somewhere" in text for text in texts.values())
    for path in CONFIG_PATHS.values():
        (output / path).unlink()
    assert runner.invoke(cli.app, ["config", str(output)]).exit_code == 0
    assert {target: (output / path).read_text() for target, path in CONFIG_PATHS.items()} == texts
    arguments = ["verify", str(checkpoint), str(output / "1" / "model.onnx")]
    assert runner.invoke(cli.app, arguments).exit_code == 0


def test_thresholds_are_written_into_the_file_and_may_be_changed_later(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "fairmot"
    export(checkpoint, output, "--thresholds", "0.5,0.3,0.2")
    graph = output / "1" / "model.onnx"
    assert read_spec(graph).thresholds == {"conf_thres": 0.5, "high_thres": 0.3, "low_thres": 0.2}
    weights = [tensor.raw_data for tensor in onnx.load(graph).graph.initializer]
    assert runner.invoke(cli.app, ["config", str(output), "--thresholds", "0.4,0.2,0.1"]).exit_code == 0
    assert read_spec(graph).thresholds == {"conf_thres": 0.4, "high_thres": 0.2, "low_thres": 0.1}
    assert [tensor.raw_data for tensor in onnx.load(graph).graph.initializer] == weights
    assert all('"mot.conf_thres" value { string_value: "0.4" }' in (output / path).read_text()
               for path in CONFIG_PATHS.values())  # fmt: skip


def test_what_was_measured_later_is_written_into_the_file(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "fairmot"
    export(checkpoint, output, "--accuracy", "to be measured", "--thresholds", "0.5,0.3,0.2")
    more = ["--accuracy", "HOTA 50, MOTA 60", "--speed", "9 ms", "--terms", "research"]
    assert runner.invoke(cli.app, ["config", str(output), *more]).exit_code == 0
    spec = read_spec(output / "1" / "model.onnx")
    assert (spec.accuracy, spec.speed, spec.terms) == ("HOTA 50, MOTA 60", "9 ms", "research")
    assert spec.thresholds == {"conf_thres": 0.5, "high_thres": 0.3, "low_thres": 0.2}
    assert all("HOTA 50, MOTA 60" in (output / path).read_text() for path in CONFIG_PATHS.values())


def test_sizes_of_the_family_have_names_of_their_own(checkpoint: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "fairmot_fast", "--width", "64", "--height", "64")
    assert all('name: "fairmot_fast"' in (tmp_path / "fairmot_fast" / path).read_text()
               for path in CONFIG_PATHS.values())  # fmt: skip
    with pytest.raises(MotError, match=r"is 'fairmot' to all clients \(fairmot_accurate, fairmot_fast beside it\)"):
        export(checkpoint, tmp_path / "people")


@pytest.mark.parametrize("text", ["0.5", "0.5,0.3,high", "0.5,0.3,1.2"])
def test_thresholds_that_are_no_scores_are_refused(text: str) -> None:
    result = runner.invoke(cli.app, ["config", "model_repository/fairmot", "--thresholds", text])
    assert result.exit_code == 2


def test_disagreement_fails_and_leaves_the_old_model(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "fairmot"
    old = output / "1" / "model.onnx"
    old.parent.mkdir(parents=True)
    old.write_text("the old model")
    strict = parity.Limits(boxes=-1.0, scores=-1.0, embeddings=-1.0)
    monkeypatch.setitem(parity.LIMITS, "fp32", strict)
    with pytest.raises(parity.ParityError, match="differs from PyTorch"):
        export(checkpoint, output, "--overwrite")
    assert old.read_text() == "the old model"
    assert [p.name for p in old.parent.iterdir()] == ["model.onnx"]


def test_checkpoint_of_another_architecture_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"last\.pt: architecture 'yolox_nano', but 'mit_b1' was asked for"):
        export(checkpoint, tmp_path / "fairmot", "--arch", "mit_b1")


def test_input_size_must_suit_the_network(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match="input width 100 is not a positive multiple of 32"):
        export(checkpoint, tmp_path / "fairmot", "--width", "100")


def test_a_folder_of_another_name_is_refused_at_once(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"repo/people: Triton wants a model's folder .* write it to .*people/fairmot"):
        export(checkpoint, tmp_path / "repo" / "people")
    assert not (tmp_path / "repo").exists()


def test_a_model_that_stands_there_is_not_replaced_unasked(checkpoint: Path, tmp_path: Path) -> None:
    graph = tmp_path / "fairmot" / "1" / "model.onnx"
    graph.parent.mkdir(parents=True)
    graph.write_text("the old model")
    with pytest.raises(MotError, match=r"model\.onnx exists; choose another --output .* or give --overwrite"):
        export(checkpoint, tmp_path / "fairmot")
    assert graph.read_text() == "the old model"


def test_the_default_output_is_no_model_that_is_served() -> None:
    assert Path("runs/export/fairmot") == cli.OUTPUT


def test_more_people_than_cells_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"^--top-k 500: an input of 96x64 has 384 cells for people; lower it"):
        export(checkpoint, tmp_path / "fairmot", "--top-k", "500")


def test_the_end_names_the_next_command(checkpoint: Path, tmp_path: Path) -> None:
    arguments = ["model", str(checkpoint), "--output", str(tmp_path / "fairmot"), "--top-k", "16"]
    result = runner.invoke(cli.app, arguments)
    assert result.exit_code == 0
    assert f"next: mot track VIDEO --model-repository {tmp_path}" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("model", "gone.pt"), "gone.pt: no such checkpoint"),
        (("model", __file__, "--image", "gone.jpg"), "gone.jpg: no such image"),
        (("verify", __file__, "gone.onnx"), "gone.onnx: no such model file; mot-export model writes one"),
        (("config", "gone/fairmot"), "gone/fairmot/1/model.onnx: no such model file"),
    ],
)
def test_missing_files_cost_no_imports(arguments: tuple[str, ...], complaint: str) -> None:
    """A process of its own, in which torch cannot be imported."""
    code = (
        "import sys\nsys.modules['torch'] = sys.modules['onnx'] = None\n"
        f"sys.argv = ['mot-export', *{arguments!r}]\nfrom export.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {complaint}")


@pytest.mark.parametrize("arguments", [["-h"], ["model", "-h"], ["config", "-h"], ["verify", "-h"]])
def test_short_help(arguments: list[str]) -> None:
    assert runner.invoke(cli.app, arguments).exit_code == 0


def test_missing_checkpoint_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mot-export", "model", "nowhere.pt"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith("error: nowhere.pt: no such checkpoint")
