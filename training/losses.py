"""FairMOT's losses. Source: the paper's section 3.4 and ``src/lib/trains/mot.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from training.model.fairmot import FairMOT


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights and forms; FairMOT's by default."""

    box_loss: Literal["l1", "giou"] = "l1"  # L1 in cells; GIoU weighs small and large people alike
    box_weight: Annotated[float, Field(ge=0)] = 0.1
    offset_weight: Annotated[float, Field(ge=0)] = 1.0
    identity_loss: Literal["cross_entropy", "focal"] = "cross_entropy"  # focal: FairMOT's --id_loss focal


def focal_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """CornerNet's penalty-reduced focal loss, alpha 2, beta 4, summed over (N, 1, H, W).

    ``weight`` 0 takes cells out.
    """
    p = logits.float().sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = (target == 1) & (weight > 0)
    gain = torch.where(
        positive, p.log() * (1 - p) ** 2, (1 - p).log() * p**2 * (1 - target) ** 4 * (weight * (target < 1))
    )
    return -gain.sum()


def count(batch: dict[str, Tensor]) -> Tensor:
    """(3,) float32: a batch's centres, people, and people of known identity, which the terms are means over."""
    centres = (batch["heatmap"] == 1) & (batch["weight"] > 0)
    known = batch["identity"] >= 0
    return torch.stack([centres.sum(), batch["valid"].sum(), known.sum()]).float()


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


class JointLoss(nn.Module):
    """Detection and identity, balanced by two learned uncertainties (Kendall et al., CVPR 2018).

    Holds what FairMOT's own checkpoints lose: the identity classifier and both uncertainties.
    """

    def __init__(self, config: LossConfig, embedding_dim: int, identities: int) -> None:
        super().__init__()
        self.config = config
        self.classifier = nn.Linear(embedding_dim, max(identities, 1))
        if config.identity_loss == "focal":  # each class starts as improbable as it is, at 0.01 (RetinaNet's prior)
            nn.init.normal_(self.classifier.weight, std=0.01)
            nn.init.constant_(self.classifier.bias, -math.log(0.99 / 0.01))
        # sqrt(2) ln(n - 1): with fewer than three identities FairMOT's scale would be 0 or undefined.
        self.scale = math.sqrt(2) * math.log(max(identities - 1, 2))
        self.s_det = nn.Parameter(torch.tensor(-1.85))
        self.s_id = nn.Parameter(torch.tensor(-1.05))

    def joint(self, detection: Tensor, identity: Tensor) -> Tensor:
        """Both terms as one."""
        return 0.5 * ((-self.s_det).exp() * detection + (-self.s_id).exp() * identity + self.s_det + self.s_id)

    def identity(self, embeddings: Tensor, identities: Tensor) -> Tensor:
        """Sum over people of known identity; 0 where a batch knows none.

        Cross entropy, or RetinaNet's sigmoid focal loss over all classes (Lin et al., ICCV 2017; alpha 0.25, gamma 2).

        Args:
            embeddings: (..., D) of length 1.
            identities: (...), -1 where unknown.
        """
        known = identities >= 0
        logits, wanted = self.classifier(self.scale * embeddings[known]), identities[known]
        if self.config.identity_loss == "focal":
            one_hot = functional.one_hot(wanted, logits.shape[1]).float()
            total: Tensor = sigmoid_focal_loss(logits.float(), one_hot, alpha=0.25, gamma=2.0, reduction="sum")
            return total
        return functional.cross_entropy(logits, wanted, reduction="sum")


class FairMOTLoss(JointLoss):
    """FairMOT's own: heatmap, box and offset at labelled centres."""

    def forward(
        self,
        model: FairMOT,
        features: Tensor,
        logits: Tensor,
        batch: dict[str, Tensor],
        counts: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Terms by name, ``loss`` being the one to minimise; every term is finite for a batch without people.

        Args:
            counts: (3,) what heatmap, box and offset, and identity are divided by, in :func:`count`'s order;
                by default the batch's own. A part of a larger batch is given that one's, over its number of parts:
                the mean over the parts is then the larger batch's loss.
        """
        outputs = model.at(features, batch["cells"])
        valid = batch["valid"]
        centres, people, known = count(batch).clamp(min=1) if counts is None else counts
        heatmap = focal_loss(logits, batch["heatmap"], batch["weight"]) / centres
        predicted, wanted = outputs.box.float()[valid], batch["box"][valid]
        if self.config.box_loss == "giou":
            box = (1 - giou_of_distances(predicted, wanted.clamp(min=0.05))).sum() / people
        else:
            box = (predicted - wanted).abs().sum() / (4 * people)
        offset = (outputs.offset.float()[valid] - batch["offset"][valid]).abs().sum() / (2 * people)
        detection = heatmap + self.config.box_weight * box + self.config.offset_weight * offset
        identity = self.identity(outputs.embedding.float(), batch["identity"]) / known
        loss = self.joint(detection, identity)
        return {"loss": loss, "heatmap": heatmap, "box": box, "offset": offset, "identity": identity}
