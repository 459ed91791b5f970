"""FairMOT: one network that finds people and gives each an appearance embedding.

Source: Zhang et al., "FairMOT", IJCV 2021; backbone, neck and heads by :data:`ARCHITECTURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mot.contract import IMAGENET_MEAN, IMAGENET_STD
from mot.errors import MotError
from training.model.csp import CSPDarknetPAFPN
from training.model.efficientnet import EfficientNetLite0
from training.model.heads import Head, gather, gather_patches
from training.model.mit import MIT_B0, MIT_B1, MIT_B2, MIT_B3, MIT_B4, MIT_B5, MiT, MiTConfig
from training.model.neck import DLANeck, TopDownNeck

STRIDE = 4
HEATMAP_PRIOR = -2.19  # sigmoid(-2.19) = 0.1: CornerNet's start for a mostly empty map


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What ``--arch`` names."""

    backbone: Callable[[], MiT | EfficientNetLite0 | CSPDarknetPAFPN]
    neck: Callable[[Sequence[int], str], DLANeck | TopDownNeck]  # of the backbone's channels and the DCN provider
    head_conv: int  # hidden channels of the heads
    embedding_conv: int  # of the embedding's, which may have more: it works at people's centres alone
    embedding_dim: int
    # "linear": l, t, r, b in cells as they come, FairMOT's form. "exp": 4 * exp of them, which starts
    # at a sensible size and treats small and large people alike.
    box: Literal["linear", "exp"]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


def _with_mit(config: MiTConfig, head_conv: int = 256) -> Architecture:
    """FairMOT's own neck and heads on a MiT."""
    return Architecture(
        backbone=partial(MiT, config),
        neck=DLANeck,
        head_conv=head_conv,
        embedding_conv=head_conv,
        embedding_dim=128,
        box="linear",
    )


ARCHITECTURES = {
    "mit_b1": _with_mit(MIT_B1),
    "mit_b0": _with_mit(MIT_B0, head_conv=128),
    "mit_b2": _with_mit(MIT_B2),
    "mit_b3": _with_mit(MIT_B3),
    "mit_b4": _with_mit(MIT_B4),
    "mit_b5": _with_mit(MIT_B5),
    "efficientnet_lite0": Architecture(
        backbone=EfficientNetLite0,
        neck=partial(TopDownNeck, width=48),
        head_conv=48,
        embedding_conv=256,
        embedding_dim=64,
        box="exp",
    ),
    "yolox_nano": Architecture(
        backbone=CSPDarknetPAFPN,
        neck=partial(TopDownNeck, width=48),
        head_conv=48,
        embedding_conv=256,
        embedding_dim=64,
        box="exp",
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Raw values at K cells of each image; boxes and offsets in cells."""

    box: Tensor  # (N, K, 4) distances left, top, right, bottom of the centre
    offset: Tensor  # (N, K, 2) of the centre within its cell, x then y
    embedding: Tensor  # (N, K, D) length 1


class FairMOT(nn.Module):
    """The whole network.

    Raises:
        MotError: the architecture's name is unknown.
    """

    published_parts = ("backbone",)  # which initial weights come for, see training/weights
    mean: Tensor  # (3, 1, 1), of RGB in 0..255
    std: Tensor

    def __init__(self, architecture: str, *, dcn: str = "auto") -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise MotError(f"architecture {architecture!r} is unknown; choose one of {', '.join(ARCHITECTURES)}")
        self.architecture = architecture
        self.config = config = ARCHITECTURES[architecture]
        self.register_buffer("mean", torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(3, 1, 1), persistent=False)
        self.backbone = config.backbone()
        self.neck = config.neck(self.backbone.channels, dcn)
        self.heatmap = Head(self.neck.width, config.head_conv, 1)
        self.box = Head(self.neck.width, config.head_conv, 4)
        self.offset = Head(self.neck.width, config.head_conv, 2)
        self.embedding = Head(self.neck.width, config.embedding_conv, config.embedding_dim)
        assert self.heatmap.out.bias is not None
        nn.init.constant_(self.heatmap.out.bias, HEATMAP_PRIOR)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) RGB 0..255 -> features (N, C, H/4, W/4) and heatmap logits (N, 1, H/4, W/4)."""
        features = self.neck(self.backbone((images - self.mean) / self.std))
        return features, self.heatmap(features)

    def at(self, features: Tensor, cells: Tensor, *, dense: bool = False) -> Outputs:
        """The other three heads at cells (N, K), numbers y * (W/4) + x; ``dense`` takes them from whole maps."""
        if dense:
            box, offset, embedding = (gather(head(features), cells) for head in (self.box, self.offset, self.embedding))
        else:
            patches = gather_patches(features, cells)
            box, offset, embedding = (head.at(patches) for head in (self.box, self.offset, self.embedding))
        if self.config.box == "exp":
            box = 4 * box.float().clamp(max=6).exp()
        return Outputs(box=box, offset=offset, embedding=functional.normalize(embedding, dim=-1))
