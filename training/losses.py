"""FairMOT's losses. Source: the paper's section 3.4 and ``src/lib/trains/mot.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from training.model.fairmot import FairMOT


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights and forms; FairMOT's by default."""

    box_loss: Literal["l1", "giou"] = "l1"  # L1 in cells; GIoU weighs small and large people alike
    box_weight: Annotated[float, Field(ge=0)] = 0.1
    offset_weight: Annotated[float, Field(ge=0)] = 1.0


def focal_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """CornerNet's penalty-reduced focal loss, alpha 2, beta 4, over (N, 1, H, W).

    Divided by the number of centres (by 1 where there is none). ``weight`` 0 takes cells out.
    """
    p = logits.float().sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = (target == 1) & (weight > 0)
    gain = torch.where(
        positive, p.log() * (1 - p) ** 2, (1 - p).log() * p**2 * (1 - target) ** 4 * (weight * (target < 1))
    )
    return -gain.sum() / positive.sum().clamp(min=1)


def giou_of_distances(predicted: Tensor, target: Tensor) -> Tensor:
    """Generalised IoU of boxes around a common centre: (M, 4) distances left, top, right, bottom -> (M,).

    Source: Rezatofighi et al., CVPR 2019; the form for distances is that of FCOS.
    """

    def area(low_x: Tensor, low_y: Tensor, high_x: Tensor, high_y: Tensor) -> Tensor:
        return (low_x + high_x).clamp(min=0) * (low_y + high_y).clamp(min=0)

    inner = area(*torch.minimum(predicted, target).unbind(1))
    outer = area(*torch.maximum(predicted, target).unbind(1)).clamp(min=1e-6)
    union = (area(*predicted.unbind(1)) + area(*target.unbind(1)) - inner).clamp(min=1e-6)
    return inner / union - (outer - union) / outer


class FairMOTLoss(nn.Module):
    """Detection and identity, balanced by two learned uncertainties (Kendall et al., CVPR 2018).

    Holds what FairMOT's own checkpoints lose: the identity classifier and both uncertainties.
    """

    def __init__(self, config: LossConfig, embedding_dim: int, identities: int) -> None:
        super().__init__()
        self.config = config
        self.classifier = nn.Linear(embedding_dim, max(identities, 1))
        # sqrt(2) ln(n - 1): with fewer than three identities FairMOT's scale would be 0 or undefined.
        self.scale = math.sqrt(2) * math.log(max(identities - 1, 2))
        self.s_det = nn.Parameter(torch.tensor(-1.85))
        self.s_id = nn.Parameter(torch.tensor(-1.05))

    def forward(self, model: FairMOT, features: Tensor, logits: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms by name, ``loss`` being the one to minimise; every term is finite for a batch without people."""
        outputs = model.at(features, batch["cells"])
        valid = batch["valid"]
        count = valid.sum().clamp(min=1)
        heatmap = focal_loss(logits, batch["heatmap"], batch["weight"])
        predicted, wanted = outputs.box.float()[valid], batch["box"][valid]
        if self.config.box_loss == "giou":
            box = (1 - giou_of_distances(predicted, wanted.clamp(min=0.05))).sum() / count
        else:
            box = (predicted - wanted).abs().sum() / (4 * count)
        offset = (outputs.offset.float()[valid] - batch["offset"][valid]).abs().sum() / (2 * count)
        detection = heatmap + self.config.box_weight * box + self.config.offset_weight * offset
        identity = self._identity(outputs.embedding.float()[valid], batch["identity"][valid])
        loss = 0.5 * ((-self.s_det).exp() * detection + (-self.s_id).exp() * identity + self.s_det + self.s_id)
        return {"loss": loss, "heatmap": heatmap, "box": box, "offset": offset, "identity": identity}

    def _identity(self, embeddings: Tensor, identities: Tensor) -> Tensor:
        """Cross entropy over known identities; 0, not NaN, where a batch knows none."""
        known = identities >= 0
        logits = self.classifier(self.scale * embeddings[known])
        return functional.cross_entropy(logits, identities[known], reduction="sum") / known.sum().clamp(min=1)
