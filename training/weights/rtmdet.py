"""RTMDet-nano's published ONNX file as initial weights: the whole detector, its head included."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.model.rtmdet import RTMDet
from training.weights.convolutions import convolutions
from training.weights.report import Report, compare

EXPECTED = "OpenMMLab's RTMDet-nano for one class, as exported to ONNX"


def published_weights(model: RTMDet, path: Path) -> tuple[Report, dict[str, Tensor]]:
    """Compare the file's convolutions with the detector's, in order.

    Returns:
        What matches, and the file's tensors under the network's names; the first layer reads RGB.

    Raises:
        MotError: the file is missing, or no ONNX file with stored convolutions.
    """
    own = {name: tensor for name, tensor in model.state_dict().items() if name.split(".")[0] in model.published_parts}
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    names = [name for name in names if name.split(".")[0] in model.published_parts]
    given: dict[str, Tensor] = {}
    for i, (weight, bias) in enumerate(convolutions(path, EXPECTED)):
        name = names[i] if i < len(names) else f"convolution {i}"
        # mmdetection reads BGR, this project RGB.
        given[f"{name}.weight"] = weight.flip(1) if i == 0 else weight
        given[f"{name}.bias"] = bias
    return compare(str(path), own, given, ()), given


@torch.no_grad()
def copy_weights(model: RTMDet, report: Report, given: dict[str, Tensor]) -> None:
    """Take over what matches."""
    own = model.state_dict()
    for name in report.matched:
        own[name].copy_(given[name])
