"""What ONNX Runtime lacks for a GPU, said in words."""

from __future__ import annotations

import onnxruntime as ort
import pytest
import torch

from export import cuda


def test_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(cuda.missing()).startswith(f"torch {torch.__version__} finds no CUDA device; needed are an NVIDIA GPU")


def test_runtime_without_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert "has no CUDAExecutionProvider; pip uninstall onnxruntime && pip install onnxruntime-gpu" in str(
        cuda.missing()
    )


def test_provider_whose_libraries_do_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that lists the provider and leaves it out of the session, as it does then."""
    if cuda.CUDA in ort.get_available_providers():
        pytest.skip("this ONNX Runtime has the provider")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(ort, "get_available_providers", lambda: [cuda.CUDA, cuda.CPU])
    with pytest.warns(UserWarning, match="not in available provider names"):
        assert "cannot load its CUDAExecutionProvider" in str(cuda.missing())


@pytest.mark.gpu
def test_nothing_is_missing() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert cuda.missing() is None
