"""How much work a network is: floating-point operations of its matrix products, a multiplication and an addition two.

Counted by torch.utils.flop_counter over a run without numbers: convolutions, linear layers, attention. A deformable
convolution counts as its product, like a plain one; sampling, norms and everything else by the element count nothing.
"""

from __future__ import annotations

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def flops(network: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """Operations of one forward pass over a tensor of this shape."""
    # Attention in its plain form: the counter does not know the CPU's fused one. Of a deformable convolution the CPU's
    # form is run, a sampling and a matrix product (training/model/dcn.py).
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        network(torch.zeros(shape, dtype=dtype))
    return counter.get_total_flops()
