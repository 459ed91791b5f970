"""State dicts as other projects publish them, with random values: names and shapes written down from their code."""

from __future__ import annotations

import torch
from torch import Tensor

REDUCTIONS = (8, 4, 2, 1)
State = dict[str, Tensor]


def segformer(widths: tuple[int, ...], depths: tuple[int, ...] = (2, 2, 2, 2), seed: int = 0) -> State:
    """The file ``mit_b*.pth`` of NVlabs/SegFormer: its encoder, and ImageNet's classifier."""
    random = torch.Generator().manual_seed(seed)
    state: State = {}

    def add(name: str, *shape: int) -> None:
        """A weight of this shape and its bias."""
        fan_in = max(torch.Size(shape[1:]).numel(), 1)
        state[f"{name}.weight"] = torch.randn(shape, generator=random) * (2 / fan_in) ** 0.5
        state[f"{name}.bias"] = torch.randn(shape[0], generator=random) * 0.1

    channels = 3
    for i, (width, depth, reduction) in enumerate(zip(widths, depths, REDUCTIONS, strict=True), 1):
        kernel = 7 if i == 1 else 3
        add(f"patch_embed{i}.proj", width, channels, kernel, kernel)
        add(f"patch_embed{i}.norm", width)
        for j in range(depth):
            block = f"block{i}.{j}"
            add(f"{block}.norm1", width)
            add(f"{block}.attn.q", width, width)
            add(f"{block}.attn.kv", 2 * width, width)
            add(f"{block}.attn.proj", width, width)
            if reduction > 1:
                add(f"{block}.attn.sr", width, width, reduction, reduction)
                add(f"{block}.attn.norm", width)
            add(f"{block}.norm2", width)
            add(f"{block}.mlp.fc1", 4 * width, width)
            add(f"{block}.mlp.dwconv.dwconv", 4 * width, 1, 3, 3)
            add(f"{block}.mlp.fc2", width, 4 * width)
        add(f"norm{i}", width)
        channels = width
    add("head", 1000, channels)
    return state


def hugging_face(state: State) -> State:
    """The same weights as ``nvidia/mit-b*`` has them: stages from 0, keys apart from values, other names."""
    blocks = sorted({tuple(name[5:].split(".")[:2]) for name in state if name.startswith("block")})  # ("1", "0"), ...
    renamed: State = {}
    for part in ("weight", "bias"):
        for i in range(4):
            stage = f"segformer.encoder.patch_embeddings.{i}"
            renamed[f"{stage}.proj.{part}"] = state[f"patch_embed{i + 1}.proj.{part}"]
            renamed[f"{stage}.layer_norm.{part}"] = state[f"patch_embed{i + 1}.norm.{part}"]
            renamed[f"segformer.encoder.layer_norm.{i}.{part}"] = state[f"norm{i + 1}.{part}"]
        for i, j in blocks:
            theirs, ours = f"segformer.encoder.block.{int(i) - 1}.{j}", f"block{i}.{j}"
            keys, values = state[f"{ours}.attn.kv.{part}"].chunk(2)
            renamed[f"{theirs}.attention.self.key.{part}"] = keys.clone()
            renamed[f"{theirs}.attention.self.value.{part}"] = values.clone()
            for name, original in {
                "layer_norm_1": "norm1",
                "attention.self.query": "attn.q",
                "attention.self.sr": "attn.sr",
                "attention.self.layer_norm": "attn.norm",
                "attention.output.dense": "attn.proj",
                "layer_norm_2": "norm2",
                "mlp.dense1": "mlp.fc1",
                "mlp.dwconv.dwconv": "mlp.dwconv.dwconv",
                "mlp.dense2": "mlp.fc2",
            }.items():
                if f"{ours}.{original}.{part}" in state:
                    renamed[f"{theirs}.{name}.{part}"] = state[f"{ours}.{original}.{part}"]
        renamed[f"classifier.{part}"] = state[f"head.{part}"]
    return renamed


def fairmot_neck_and_heads(widths: tuple[int, ...], head_conv: int, dcn: str = "conv_offset_mask") -> State:
    """DLAUp, IDAUp and the heads of ifzhang/FairMOT over maps of these widths; ``dcn`` as DCNv2 or mmcv names it."""
    random = torch.Generator().manual_seed(9)
    state: State = {}

    def add(name: str, *shape: int) -> None:
        state[name] = torch.randn(shape, generator=random) * 0.05

    def deform(name: str, inputs: int, outputs: int) -> None:
        add(f"{name}.actf.0.weight", outputs)
        add(f"{name}.actf.0.bias", outputs)
        add(f"{name}.actf.0.running_mean", outputs)
        state[f"{name}.actf.0.running_var"] = torch.rand(outputs, generator=random) + 0.5
        state[f"{name}.actf.0.num_batches_tracked"] = torch.tensor(1234)
        add(f"{name}.conv.weight", outputs, inputs, 3, 3)
        add(f"{name}.conv.bias", outputs)
        add(f"{name}.conv.{dcn}.weight", 27, inputs, 3, 3)
        add(f"{name}.conv.{dcn}.bias", 27)

    def pyramid(name: str, out: int, inputs: tuple[int, ...], factors: tuple[int, ...]) -> None:
        for i, (channels, factor) in enumerate(zip(inputs, factors, strict=True), 1):
            deform(f"{name}.proj_{i}", channels, out)
            add(f"{name}.up_{i}.weight", out, 1, 2 * factor, 2 * factor)
            deform(f"{name}.node_{i}", out, out)

    a, b, c, d = widths
    pyramid("dla_up.ida_0", c, (d,), (2,))
    pyramid("dla_up.ida_1", b, (c, c), (2, 2))
    pyramid("dla_up.ida_2", a, (b, b, b), (2, 2, 2))
    pyramid("ida_up", a, (b, c), (2, 4))
    for head, outputs in {"hm": 1, "wh": 4, "id": 128, "reg": 2}.items():
        add(f"{head}.0.weight", head_conv, a, 3, 3)
        add(f"{head}.0.bias", head_conv)
        add(f"{head}.2.weight", outputs, head_conv, 1, 1)
        add(f"{head}.2.bias", outputs)
    return state
