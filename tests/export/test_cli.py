from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.detection.onnx import OnnxDetector
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


def test_missing_checkpoint_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mot-export", "model", "nowhere.pt"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith("error: nowhere.pt: no such checkpoint")
