"""From the network's maps to people: peaks, the best K of them, their boxes and embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mot.errors import MotError
from training.model.fairmot import STRIDE, FairMOT


def peaks(heatmap: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """The K best cells that no 3x3 neighbour exceeds; equal neighbours are peaks both.

    Where a map has fewer than K peaks, the last rows have score 0 and any cell.

    Args:
        heatmap: (N, 1, H, W) probabilities.

    Returns:
        scores (N, K), descending, and cells (N, K), numbers y * W + x.

    Raises:
        MotError: the map has fewer than K cells.
    """
    if heatmap.shape[2] * heatmap.shape[3] < top_k:
        size = f"{heatmap.shape[3]}x{heatmap.shape[2]}"
        raise MotError(f"top_k is {top_k}, but the heatmap has {size} cells; lower top_k or enlarge the input")
    is_peak = functional.max_pool2d(heatmap, 3, stride=1, padding=1) == heatmap
    scores, cells = (heatmap * is_peak).flatten(1).topk(top_k, dim=1)
    return scores, cells


class Predictor(nn.Module):
    """The graph of the contract: letterboxed uint8 images in, boxes, scores and embeddings out.

    ``dense`` computes box, offset and embedding everywhere and then looks at the peaks, as FairMOT's own code does:
    the same numbers for more work. Export compares its speed with that.
    """

    def __init__(self, model: FairMOT, top_k: int, *, dense: bool = False) -> None:
        super().__init__()
        self.model = model
        self.top_k = top_k
        self.dense = dense

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (N, H, W, 3) -> boxes (N, K, 4) xyxy input pixels, scores (N, K), embeddings (N, K, D)."""
        # The cast comes first because TensorRT's other operators take no uint8.
        features, logits = self.model(image.to(self.model.mean.dtype).permute(0, 3, 1, 2))
        scores, cells = peaks(logits.float().sigmoid(), self.top_k)
        outputs = self.model.at(features, cells, dense=self.dense)
        width = features.shape[3]
        centre = torch.stack([cells % width, cells // width], dim=-1) + outputs.offset.float()
        # A linear box head can go below 0, which would turn a box inside out; at 0 it is empty instead.
        low, high = outputs.box.float().clamp(min=0).chunk(2, dim=-1)
        boxes = STRIDE * torch.cat([centre - low, centre + high], dim=-1)
        return boxes, scores, outputs.embedding.float()
