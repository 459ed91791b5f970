"""Which loss trains which network."""

from __future__ import annotations

from mot.errors import MotError
from training.losses import FairMOTLoss, LossConfig
from training.model.networks import Network
from training.model.rtmdet import RTMDet
from training.rtmdet_loss import RTMDetLoss

Objective = FairMOTLoss | RTMDetLoss


def make_loss(network: Network, config: LossConfig, identities: int) -> Objective:
    """The loss of a network, with its classifier for so many identities.

    Raises:
        MotError: the configuration asks for a term that the network's loss does not have.
    """
    if isinstance(network, RTMDet):
        if config.box_loss != "giou":
            raise MotError(f"loss.box_loss is {config.box_loss!r}; {network.architecture} is trained with 'giou' alone")
        return RTMDetLoss(config, network.config.embedding_dim, identities)
    return FairMOTLoss(config, network.config.embedding_dim, identities)
