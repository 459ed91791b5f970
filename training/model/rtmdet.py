"""RTMDet-nano with an embedding branch: FairMOT's idea, one network that finds people and describes them, around a
detector that was trained on a hundred thousand images and keeps its own head.

Source: Lyu et al., "RTMDet", 2022, as OpenMMLab published it for one class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mot.contract import IMAGENET_MEAN, IMAGENET_STD
from mot.errors import MotError
from training.model.appearance import Appearance, AppearanceMap, places
from training.model.cspnext import CSPNeXt
from training.model.heads import gather
from training.model.pafpn import CSPNeXtPAFPN
from training.model.separable_head import Cells, SeparableHead
from training.model.suppression import survivors


@dataclass(frozen=True, kw_only=True)
class RTMDetConfig:
    """What ``--arch`` names."""

    appearance_width: int = 48  # channels of the map that embeddings are read from
    embedding_conv: int = 256
    embedding_dim: int = 64
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


RTMDETS = {"rtmdet_nano": RTMDetConfig()}


class RTMDet(nn.Module):
    """The whole network.

    Raises:
        MotError: the architecture's name is unknown.
    """

    published_parts = ("backbone", "neck", "head")  # which initial weights come for, see training/weights
    mean: Tensor  # (3, 1, 1), of RGB in 0..255
    std: Tensor

    def __init__(self, architecture: str) -> None:
        super().__init__()
        if architecture not in RTMDETS:
            raise MotError(f"architecture {architecture!r} is unknown; choose one of {', '.join(RTMDETS)}")
        self.architecture = architecture
        self.config = config = RTMDETS[architecture]
        self.register_buffer("mean", torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(3, 1, 1), persistent=False)
        self.backbone = CSPNeXt()
        fine, *deeper = self.backbone.channels
        self.neck = CSPNeXtPAFPN(deeper)
        self.head = SeparableHead(self.neck.width)
        for part in (self.backbone, self.neck, self.head):
            part.apply(_start_evenly)
        self.appearance = AppearanceMap(fine, self.neck.width, config.appearance_width)
        self.embedding = Appearance(config.appearance_width, config.embedding_conv, config.embedding_dim)

    def forward(self, images: Tensor) -> tuple[Tensor, Cells]:
        """(N, 3, H, W) RGB 0..255 -> the appearance map (N, C, H/4, W/4) and what the head says of every cell."""
        fine, maps = self._maps(images)
        return self.appearance(fine, maps[0]), self.head(maps)

    def embed(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Embeddings (N, K, D) of length 1 of boxes (N, K, 4) xyxy, input pixels."""
        embedding: Tensor = self.embedding(features, boxes)
        return embedding

    def sights(self, images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """All that embeddings are made of: (N, 3, H, W) and (N, K, 4) -> (N, K, P, fine), (N, K, P, coarse channels).

        ``embedding.describe(appearance.at(*sights).flatten(-2))`` is what :meth:`embed` gives.
        """
        fine, maps = self._maps(images)
        height, width = fine.shape[2:]
        cells = places(boxes, height, width)
        below = cells // width // 2 * (width // 2) + cells % width // 2
        shape = (*cells.shape, -1)
        return gather(fine, cells.flatten(1)).reshape(shape), gather(maps[0], below.flatten(1)).reshape(shape)

    def _maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        fine, *deeper = self.backbone((images - self.mean) / self.std)
        maps: list[Tensor] = self.neck(*deeper)
        return fine, maps


class RTMDetPredictor(nn.Module):
    """The graph of the contract: letterboxed uint8 images in, boxes, scores and embeddings out.

    Suppression is part of the graph, so that a server needs no state and no settings. Where fewer than K boxes
    survive, the last rows have score 0 and any box.
    """

    def __init__(self, model: RTMDet, top_k: int, *, overlap: float = 0.6, candidates: int = 4) -> None:
        """Args:
        top_k: K.
        overlap: IoU above which the worse of two boxes is suppressed; RTMDet's own value.
        candidates: boxes that suppression looks at, as a multiple of K. A person has about ten before it: with 2, a
            crowd's faint people find no place among the others' doubles.
        """
        super().__init__()
        self.model = model
        self.top_k = top_k
        self.overlap = overlap
        self.candidates = candidates * top_k

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (N, H, W, 3) -> boxes (N, K, 4) xyxy input pixels, scores (N, K), embeddings (N, K, D).

        Raises:
            MotError: the input has fewer than K cells.
        """
        # The cast comes first because TensorRT's other operators take no uint8.
        features, cells = self.model(image.to(self.model.mean.dtype).permute(0, 3, 1, 2))
        count = cells.points.shape[0]
        if count < self.top_k:
            raise MotError(f"top_k is {self.top_k}, but the input has {count} cells; lower top_k or enlarge the input")
        logits, best = cells.logits.float().topk(min(self.candidates, count), dim=1)
        scores = logits.sigmoid()
        # At distance 0 a box is empty; below, it would be inside out.
        low, high = _rows(cells.distances.clamp(min=0), best).chunk(2, dim=-1)
        points = cells.points[best]
        boxes = torch.cat([points - low, points + high], dim=-1)
        scores, kept = (scores * survivors(boxes, self.overlap)).topk(self.top_k, dim=1)
        boxes = _rows(boxes, kept)
        return boxes, scores, self.model.embed(features, boxes).float()


def _start_evenly(module: nn.Module) -> None:
    """A random start that keeps the size of what passes through (He et al., 2015): BatchNorm is folded away."""
    if isinstance(module, nn.Conv2d) and module.out_channels > 4:  # not the outputs: persons and boxes
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Chosen rows of each image: (N, A, C) and (N, K) -> (N, K, C)."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[2]))
