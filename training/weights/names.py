"""What published files call the tensors of this project's network.

Sources: NVlabs/SegFormer ``mix_transformer.py``; Hugging Face's ``modeling_segformer.py``, which splits keys
from values and counts stages from 0; ifzhang/FairMOT ``pose_dla_dcn.py``; mmcv's ``ModulatedDeformConv2dPack``
and CharlesShang/DCNv2, which order offsets and masks alike and differ in one name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

# Before the name of a MiT's tensor: FairMOT, mmseg, Hugging Face with and without the task's model around it.
_AROUND = re.compile(r"^(base|backbone|segformer\.encoder|encoder)\.")
_SEGFORMER = re.compile(r"(patch_embed|block|norm)([1-4])\.(.+)")
_HUGGING_FACE = re.compile(r"(patch_embeddings|block|layer_norm)\.([0-3])\.(.+)")
_PARTS = {
    "patch_embed": "embed",
    "patch_embeddings": "embed",
    "block": "blocks",
    "norm": "norm",
    "layer_norm": "norm",
}
_WITHIN = (  # in this order
    ("dwconv.dwconv.", "dwconv."),
    ("attention.output.dense.", "attn.proj."),
    ("attention.self.query.", "attn.q."),
    ("attention.self.", "attn."),
    ("layer_norm_", "norm"),
    ("layer_norm.", "norm."),
    ("mlp.dense", "mlp.fc"),
)
_NECK = re.compile(r"(?:dla_up\.ida_(\d)|ida_up)\.(proj|up|node)_(\d)\.(.+)")
_HEAD = re.compile(r"(hm|wh|reg|id)\.([02])\.(weight|bias)")
_HEADS = {"hm": "heatmap", "wh": "box", "reg": "offset", "id": "embedding"}


def own_names(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names that :class:`training.model.fairmot.FairMOT` has for them.

    Names that nobody published, our own among them, stay. Separate keys and values are joined.
    """
    own = {_own_name(name): tensor for name, tensor in published.items()}
    for key in [name for name in own if ".attn.key." in name]:
        value = key.replace(".key.", ".value.")
        if value in own:
            own[key.replace(".key.", ".kv.")] = torch.cat([own.pop(key), own.pop(value)])
    return own


def _own_name(name: str) -> str:
    bare = _AROUND.sub("", name)
    if match := _SEGFORMER.fullmatch(bare):
        return _mit(match[1], int(match[2]) - 1, match[3])
    if match := _HUGGING_FACE.fullmatch(bare):
        return _mit(match[1], int(match[2]), match[3])
    if match := _NECK.fullmatch(name):
        pyramid = "final" if match[1] is None else f"ida.{match[1]}"
        rest = match[4].replace("actf.0.", "norm.").replace("conv_offset_mask.", "conv_offset.")
        return f"neck.{pyramid}.{match[2]}.{int(match[3]) - 1}.{rest}"
    if match := _HEAD.fullmatch(name):
        return f"{_HEADS[match[1]]}.{'hidden' if match[2] == '0' else 'out'}.{match[3]}"
    return name


def _mit(part: str, stage: int, rest: str) -> str:
    for theirs, ours in _WITHIN:
        rest = rest.replace(theirs, ours)
    return f"backbone.stages.{stage}.{_PARTS[part]}.{rest}"
