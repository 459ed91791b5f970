"""The network in process, on a tiny real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from client.detection.errors import DetectorError
from client.detection.onnx import OnnxDetector, check_runtime, read_spec
from mot.contract import CONTRACT_VERSION, ContractError, ModelSpec
from tests.media import frame_of
from tests.tiny_model import TINY, build, expected, images, save


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(tmp_path / "model.onnx")


@pytest.mark.parametrize(("workers", "threads"), [(None, 1), (1, 2), (4, 1)])
def test_rows_belong_to_their_image(model: Path, workers: int | None, threads: int) -> None:
    detector = OnnxDetector(model, workers=workers, threads=threads)
    batch = images(30)
    answers = [detector.submit(frame_of(image)) for image in batch]
    for image, answer in zip(batch, answers, strict=True):
        found = answer.result()
        np.testing.assert_allclose(found.boxes, expected(image).boxes, rtol=1e-5)
        np.testing.assert_allclose(found.scores, expected(image).scores, rtol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, rtol=1e-5)
    detector.close()


def test_spec_is_read_from_the_file(model: Path) -> None:
    detector = OnnxDetector(model)
    assert detector.spec == TINY
    detector.close()


def test_black_image(model: Path) -> None:
    detector = OnnxDetector(model)
    found = detector.infer(np.zeros(TINY.image.shape, np.uint8))
    assert not found.scores.any()
    assert np.isfinite(found.embeddings).all()
    detector.close()


def test_image_of_another_size(model: Path) -> None:
    detector = OnnxDetector(model)
    with pytest.raises(DetectorError, match=r"model\.onnx: ONNX Runtime failed on an image of \(7, 9, 3\)"):
        detector.infer(np.zeros((7, 9, 3), np.uint8))
    detector.close()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"nowhere\.onnx: no such model file; .*mot-export"):
        OnnxDetector(tmp_path / "nowhere.onnx")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no such model file"):
        OnnxDetector(tmp_path)


@pytest.mark.parametrize("content", [b"", b"This is a text file.\n" * 50, b"\x08\x0a"], ids=["empty", "text", "bare"])
def test_file_that_is_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(DetectorError, match=r"model\.onnx: ONNX Runtime .* cannot load it as an ONNX model"):
        OnnxDetector(path)


def test_onnx_file_cut_in_half(model: Path) -> None:
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    with pytest.raises(DetectorError, match=r"model\.onnx: ONNX Runtime .* cannot load"):
        OnnxDetector(model)


def test_model_without_contract(tmp_path: Path) -> None:
    path = save(tmp_path / "model.onnx", metadata={})
    with pytest.raises(ContractError, match=r"model\.onnx: no contract metadata"):
        OnnxDetector(path)


def test_model_of_another_contract_version(tmp_path: Path) -> None:
    path = save(tmp_path / "model.onnx", metadata=TINY.to_metadata() | {"mot.version": "99"})
    with pytest.raises(ContractError, match=rf"contract version 99, this program speaks {CONTRACT_VERSION}"):
        OnnxDetector(path)


def test_metadata_that_contradicts_the_tensors(tmp_path: Path) -> None:
    larger = ModelSpec(architecture="tiny", height=64, width=64, top_k=5, embedding_dim=8)
    path = save(tmp_path / "model.onnx", metadata=larger.to_metadata())
    with pytest.raises(ContractError, match=r"input 'image' is uint8 \(32, 64, 3\), expected uint8 \(64, 64, 3\)"):
        OnnxDetector(path)


def test_missing_output(tmp_path: Path) -> None:
    model = build()
    del model.graph.output[1]
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    with pytest.raises(ContractError, match="output 'scores' is missing"):
        OnnxDetector(path)


@pytest.mark.parametrize("version", ["1.25.0", "1.32.0", "2.0.0", "1.26.0.dev1"])
def test_recent_runtime_is_accepted(version: str) -> None:
    check_runtime(version)


@pytest.mark.parametrize("version", ["1.24.4", "1.9.0", "0.99.1"])
def test_old_runtime_is_refused(version: str) -> None:
    with pytest.raises(DetectorError, match=rf"ONNX Runtime {version} has no deformable .*onnxruntime>=1\.25"):
        check_runtime(version)


def test_metadata_that_are_no_text(tmp_path: Path) -> None:
    """Found by fuzzing: UnicodeDecodeError."""
    data = build().SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data.replace(b"mot.recipe", b"mot.recip\xff"))
    with pytest.raises(ContractError, match=r"model\.onnx: its metadata are no text"):
        read_spec(path)
