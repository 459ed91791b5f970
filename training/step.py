"""The arithmetic of one optimizer step: micro-batches in, gradients and loss terms out."""

from __future__ import annotations

from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from training.data.dataset import Item
from training.losses import count
from training.model.networks import Network
from training.objective import Objective


class MicroBatch:
    """N stacked items of :class:`training.data.dataset.TrainingSet`, and what their loss is divided by.

    A class of its own, because mixed precision rounds every floating tensor that it finds among a module's
    arguments, in dicts and dataclasses too. The targets must not be: in bfloat16 a Gaussian's 0.999 becomes 1,
    which is somebody's centre, and a side of 100 cells has steps of half a cell.
    """

    def __init__(self, items: Item, counts: Tensor) -> None:
        self.items = items
        self.counts = counts  # (3,), see training.losses.count


class TrainingStep(nn.Module):
    """Network and loss as one module, so that the gradients of both are reduced together across processes."""

    def __init__(self, model: Network, loss: Objective) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, batch: MicroBatch) -> dict[str, Tensor]:
        """Loss terms by name."""
        features, found = self.model(batch.items["image"].float())
        terms: dict[str, Tensor] = self.loss(self.model, features, found, batch.items, batch.counts)
        return terms


def backward(fabric: Fabric, network: Any, micro_batches: list[Item]) -> dict[str, Tensor]:
    """Add up the gradients of one step; returns this process's terms, whose mean over processes is the step's.

    Gradients and terms are those of one batch of all the processes' micro-batches: every term is divided by what
    is counted in all of them. What differs from one large batch is inside the network: BatchNorm sees a
    micro-batch at a time, and stochastic depth draws in another order.

    Args:
        network: a :class:`TrainingStep` that was set up by ``fabric``.
    """
    parts = len(micro_batches) * fabric.world_size
    counts = fabric.all_reduce(torch.stack([count(items) for items in micro_batches]).sum(0), reduce_op="sum")
    assert isinstance(counts, Tensor)
    counts = counts.clamp(min=1) / parts
    sums: dict[str, Tensor] = {}
    for number, items in enumerate(micro_batches, start=1):
        with fabric.no_backward_sync(network, enabled=number < len(micro_batches)):
            terms: dict[str, Tensor] = network(MicroBatch(items, counts))
            fabric.backward(terms["loss"] / len(micro_batches))
        for name, term in terms.items():
            sums[name] = sums.get(name, torch.zeros_like(term)) + term.detach() / len(micro_batches)
    return sums
