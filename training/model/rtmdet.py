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
from training.model.appearance import STRIDE, Appearance, AppearanceMap, places
from training.model.cspnext import CSPNeXt
from training.model.dcn import ModulatedDeformConv
from training.model.pafpn import CSPNeXtPAFPN
from training.model.separable_head import STRIDES, Cells, SeparableHead
from training.model.suppression import survivors


@dataclass(frozen=True, kw_only=True)
class RTMDetConfig:
    """What ``--arch`` names."""

    appearance_width: int = 48  # channels of the map that embeddings are read from
    embedding_conv: int = 256
    embedding_dim: int = 64
    deformable: tuple[int, ...] = ()  # strides whose maps a deformable convolution refines before the head
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


RTMDETS = {"rtmdet_nano": RTMDetConfig(), "rtmdet_nano_dcn": RTMDetConfig(deformable=(16, 32))}


class RTMDet(nn.Module):
    """The whole network.

    Raises:
        MotError: the architecture's name is unknown.
    """

    published_parts = ("backbone", "neck", "head")  # which initial weights come for, see training/weights
    mean: Tensor  # (3, 1, 1), of RGB in 0..255
    std: Tensor

    def __init__(self, architecture: str, *, dcn: str = "auto") -> None:
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
        self.deformable = nn.ModuleDict({str(stride): _added(self.neck.width, dcn) for stride in config.deformable})
        self.appearance = AppearanceMap(fine, self.neck.width, config.appearance_width)
        self.embedding = Appearance(config.appearance_width, config.embedding_conv, config.embedding_dim)

    def forward(self, images: Tensor) -> tuple[Tensor, Cells]:
        """(N, 3, H, W) RGB 0..255 -> the appearance map (N, C, H/4, W/4) and what the head says of every cell."""
        fine, maps = self.maps(images)
        return self.appearance(fine, maps[0]), self.head(maps)

    def embed(self, features: Tensor, boxes: Tensor) -> Tensor:
        """Embeddings (N, K, D) of length 1 of boxes (N, K, 4) xyxy, input pixels."""
        embedding: Tensor = self.embedding(features, boxes)
        return embedding

    def sights(self, images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """All that embeddings are made of: (N, 3, H, W) and (N, K, 4) -> (N, K, P, fine), (N, K, P, coarse channels).

        ``embedding.describe(appearance.at(*sights).flatten(-2))`` is what :meth:`embed` gives.
        """
        fine, (coarse, *_) = self.maps(images)
        return _sights(fine, coarse, boxes)

    def describe(self, fine: Tensor, coarse: Tensor, boxes: Tensor) -> Tensor:
        """What :meth:`embed` gives, from the maps at strides 4 and 8 and without the appearance map.

        Faster for few boxes: their places are a fifth of the map's cells where K is 128.
        """
        seen = self.appearance.at(*_sights(fine, coarse, boxes))
        embedding: Tensor = self.embedding.describe(seen.flatten(-2))
        return embedding

    def maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, 3, H, W) RGB 0..255 -> the backbone's map at stride 4 and the neck's at 8, 16 and 32."""
        fine, *deeper = self.backbone((images - self.mean) / self.std)
        maps: list[Tensor] = self.neck(*deeper)
        for stride, convolution in self.deformable.items():
            level = STRIDES.index(int(stride))
            maps[level] = maps[level] + convolution(maps[level])
        return fine, maps


class RTMDetPredictor(nn.Module):
    """The graph of the contract: letterboxed uint8 images in, boxes, scores and embeddings out.

    Suppression is part of the graph, so that a server needs no state and no settings. Where fewer than K boxes
    survive, the last rows have score 0 and any box.
    """

    def __init__(
        self, model: RTMDet, top_k: int, *, dense: bool = False, overlap: float = 0.6, candidates: int = 4
    ) -> None:
        """Args:
        top_k: K.
        dense: compute the whole appearance map instead of the places that are read: the same, slower.
        overlap: IoU above which the worse of two boxes is suppressed; RTMDet's own value.
        candidates: boxes that suppression looks at, as a multiple of K. A person has about ten before it: with 2, a
            crowd's faint people find no place among the others' doubles.
        """
        super().__init__()
        self.model = model
        self.top_k = top_k
        self.dense = dense
        self.overlap = overlap
        self.candidates = candidates * top_k

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (N, H, W, 3) -> boxes (N, K, 4) xyxy input pixels, scores (N, K), embeddings (N, K, D).

        Raises:
            MotError: the input has fewer than K cells.
        """
        # The cast comes first because TensorRT's other operators take no uint8.
        fine, maps = self.model.maps(image.to(self.model.mean.dtype).permute(0, 3, 1, 2))
        cells = self.model.head(maps)
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
        if self.dense:
            embeddings = self.model.embed(self.model.appearance(fine, maps[0]), boxes)
        else:
            embeddings = self.model.describe(fine, maps[0], boxes)
        return boxes, scores, embeddings.float()


def _added(width: int, dcn: str) -> ModulatedDeformConv:
    """A deformable convolution that adds nothing at first: the published head sees the maps that it was trained on."""
    convolution = ModulatedDeformConv(width, width, provider=dcn)
    nn.init.zeros_(convolution.weight)
    return convolution


def _start_evenly(module: nn.Module) -> None:
    """A random start that keeps the size of what passes through (He et al., 2015): BatchNorm is folded away."""
    if isinstance(module, nn.Conv2d) and module.out_channels > 4:  # not the outputs: persons and boxes
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


def _sights(fine: Tensor, coarse: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """What both maps show in the places of boxes (N, K, 4): (N, K, P, fine), (N, K, P, coarse channels)."""
    here = places(boxes, fine.shape[2], fine.shape[3])
    below = places(boxes, coarse.shape[2], coarse.shape[3], stride=2 * STRIDE)
    return _at(fine, here), _at(coarse, below)


def _at(maps: Tensor, cells: Tensor) -> Tensor:
    """Values of maps (N, C, H, W) at many cells (N, K, P): (N, K, P, C).

    The map is turned first, so that each cell is one row to copy: runtimes gather single values slowly.
    """
    n, channels, height, width = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(-1, channels)
    first = torch.arange(n, device=maps.device) * (height * width)
    return rows[first[:, None, None] + cells]


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Chosen rows of each image: (N, A, C) and (N, K) -> (N, K, C)."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[2]))
