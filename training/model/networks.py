"""Every architecture by its name: two kinds of network, each with the graph that is exported."""

from __future__ import annotations

from torch import nn

from mot.errors import MotError
from training.model.decode import Predictor
from training.model.fairmot import ARCHITECTURES, FairMOT
from training.model.rtmdet import RTMDETS, RTMDet, RTMDetPredictor

Network = FairMOT | RTMDet
NAMES = (*ARCHITECTURES, *RTMDETS)
STRIDE = 4  # input pixels per cell of the map that embeddings are read from, in both


def make_network(architecture: str, *, dcn: str = "auto") -> Network:
    """An untrained network.

    Raises:
        MotError: the name is unknown.
    """
    if architecture in RTMDETS:
        return RTMDet(architecture, dcn=dcn)
    if architecture not in ARCHITECTURES:
        raise MotError(f"architecture {architecture!r} is unknown; choose one of {', '.join(NAMES)}")
    return FairMOT(architecture, dcn=dcn)


def make_predictor(network: Network, top_k: int, *, dense: bool = False) -> nn.Module:
    """The graph of the contract; ``dense`` computes whole maps where the K people alone are asked for."""
    if isinstance(network, RTMDet):
        return RTMDetPredictor(network, top_k, dense=dense)
    return Predictor(network, top_k, dense=dense)
