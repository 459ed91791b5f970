"""RTMDet's losses beside FairMOT's identity loss.

Source: mmdetection ``rtmdet_head.py``: quality focal loss (Li et al., "Generalized Focal Loss", NeurIPS 2020, beta 2)
and GIoU, both of cells that :mod:`training.assignment` chose. Differences: terms are divided by the number of people,
not by the sum of qualities, so that a batch in parts gives the loss of the whole; and cells in ignored regions are no
background.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.assignment import assign
from training.losses import JointLoss, count, giou_of_distances
from training.model.appearance import STRIDE
from training.model.rtmdet import RTMDet
from training.model.separable_head import STRIDES, Cells

CELLS = 8  # that a person is learned by, about: what the sum of qualities would be
JITTER = 0.05  # of a box's sides: embeddings will be read in found boxes, not in labelled ones


class RTMDetLoss(JointLoss):
    """Classification and boxes of the cells, identity of the people."""

    def forward(
        self,
        model: RTMDet,
        features: Tensor,
        cells: Cells,
        batch: dict[str, Tensor],
        counts: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Terms by name, those of :class:`training.losses.FairMOTLoss`: ``heatmap`` is the cells' classification.

        ``counts`` as there; the first of them is not used, and there is no offset to learn.
        """
        _, people, known = count(batch).clamp(min=1) if counts is None else counts
        boxes = labelled_boxes(batch, features.shape[3])  # (N, M, 4)
        valid = batch["valid"]
        logits, found = cells.logits.float(), cells.boxes.float()
        weight = cell_weights(batch["weight"])
        target, wanted, learned = torch.zeros_like(logits), torch.zeros_like(found), torch.zeros_like(weight)
        for i in range(len(logits)):
            own = boxes[i, valid[i]]
            given = assign(logits[i], found[i], cells.points, cells.strides, own)
            chosen = given.person >= 0
            target[i], learned[i] = given.quality, chosen.float()
            wanted[i, chosen] = own[given.person[chosen]]
        heatmap = quality_focal_loss(logits, target, torch.maximum(weight, learned)) / (CELLS * people)
        chosen = learned > 0
        points = cells.points.expand_as(found[..., :2])
        sides = torch.cat([points - wanted[..., :2], wanted[..., 2:] - points], dim=-1)[chosen]
        giou = giou_of_distances(cells.distances.float()[chosen], sides)
        box = ((1 - giou) * target[chosen]).sum() / (CELLS * people)
        if model.training:
            boxes = jittered(boxes)
        identity = self.identity(model.embed(features, boxes).float(), batch["identity"]) / known
        loss = self.joint(heatmap + self.config.box_weight * box, identity)
        return {"loss": loss, "heatmap": heatmap, "box": box, "offset": torch.zeros_like(box), "identity": identity}


def labelled_boxes(batch: dict[str, Tensor], width: int) -> Tensor:
    """(N, M, 4) xyxy, input pixels, of every row, out of centres and distances in cells of a map ``width`` wide."""
    cells = batch["cells"]
    centre = torch.stack([cells % width, cells // width], dim=-1) + batch["offset"]
    low, high = batch["box"].chunk(2, dim=-1)
    return STRIDE * torch.cat([centre - low, centre + high], dim=-1)


def jittered(boxes: Tensor) -> Tensor:
    """(N, M, 4) xyxy, each side moved by :data:`JITTER` of its length, at random."""
    size = (boxes[..., 2:] - boxes[..., :2]).repeat(1, 1, 2)
    return boxes + JITTER * size * torch.randn_like(boxes)


def cell_weights(weight: Tensor) -> Tensor:
    """The stride-4 map of weights (N, 1, H, W) at the points of the head's cells: (N, A)."""
    steps = [stride // STRIDE for stride in STRIDES]
    return torch.cat([weight[:, 0, ::step, ::step].flatten(1) for step in steps], dim=1)


def quality_focal_loss(logits: Tensor, quality: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy with the overlap as the wanted probability, weighed by the squared error: a sum.

    Args:
        logits, quality, weight: (N, A); weight 0 takes cells out.
    """
    error = (quality - logits.sigmoid()).abs() ** 2
    return (functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * error * weight).sum()
