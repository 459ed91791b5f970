from __future__ import annotations

import pytest
import torch

from tests.training.weights.published import hugging_face, segformer
from training.model.mit import MIT_B2
from training.weights.names import own_names


@pytest.mark.parametrize(
    ("published", "own"),
    [
        ("patch_embed1.proj.weight", "backbone.stages.0.embed.proj.weight"),
        ("patch_embed4.norm.bias", "backbone.stages.3.embed.norm.bias"),
        ("block1.0.norm1.weight", "backbone.stages.0.blocks.0.norm1.weight"),
        ("block3.17.attn.sr.bias", "backbone.stages.2.blocks.17.attn.sr.bias"),
        ("block2.1.attn.kv.weight", "backbone.stages.1.blocks.1.attn.kv.weight"),
        ("block2.1.mlp.dwconv.dwconv.weight", "backbone.stages.1.blocks.1.mlp.dwconv.weight"),
        ("norm4.weight", "backbone.stages.3.norm.weight"),
        ("backbone.norm4.weight", "backbone.stages.3.norm.weight"),
        ("base.block1.0.attn.q.bias", "backbone.stages.0.blocks.0.attn.q.bias"),
        ("segformer.encoder.patch_embeddings.0.proj.weight", "backbone.stages.0.embed.proj.weight"),
        ("segformer.encoder.patch_embeddings.1.layer_norm.weight", "backbone.stages.1.embed.norm.weight"),
        ("segformer.encoder.block.0.0.attention.self.query.weight", "backbone.stages.0.blocks.0.attn.q.weight"),
        ("segformer.encoder.block.0.0.attention.self.sr.weight", "backbone.stages.0.blocks.0.attn.sr.weight"),
        ("segformer.encoder.block.0.1.attention.self.layer_norm.bias", "backbone.stages.0.blocks.1.attn.norm.bias"),
        ("segformer.encoder.block.3.1.attention.output.dense.bias", "backbone.stages.3.blocks.1.attn.proj.bias"),
        ("segformer.encoder.block.1.0.layer_norm_2.weight", "backbone.stages.1.blocks.0.norm2.weight"),
        ("segformer.encoder.block.1.0.mlp.dense2.weight", "backbone.stages.1.blocks.0.mlp.fc2.weight"),
        ("segformer.encoder.block.1.0.mlp.dwconv.dwconv.bias", "backbone.stages.1.blocks.0.mlp.dwconv.bias"),
        ("encoder.layer_norm.2.bias", "backbone.stages.2.norm.bias"),
        ("dla_up.ida_0.proj_1.conv.weight", "neck.ida.0.proj.0.conv.weight"),
        ("dla_up.ida_2.node_3.conv.conv_offset_mask.bias", "neck.ida.2.node.2.conv.conv_offset.bias"),
        ("dla_up.ida_1.proj_2.actf.0.running_var", "neck.ida.1.proj.1.norm.running_var"),
        ("dla_up.ida_1.up_2.weight", "neck.ida.1.up.1.weight"),
        ("ida_up.node_1.conv.conv_offset.weight", "neck.final.node.0.conv.conv_offset.weight"),
        ("hm.0.weight", "heatmap.hidden.weight"),
        ("hm.2.bias", "heatmap.out.bias"),
        ("wh.2.weight", "box.out.weight"),
        ("reg.0.bias", "offset.hidden.bias"),
        ("id.2.weight", "embedding.out.weight"),
    ],
)
def test_published_names(published: str, own: str) -> None:
    assert list(own_names({published: torch.zeros(1)})) == [own]


@pytest.mark.parametrize(
    "name",
    [
        "head.weight",
        "classifier.bias",
        "base.level2.tree1.conv1.weight",
        "block5.0.norm1.weight",
        "norm1",
        "hm.weight",
        "backbone.stages.0.blocks.0.attn.q.weight",
        "neck.final.node.0.conv.conv_offset.weight",
        "",
    ],
)
def test_other_names_stay(name: str) -> None:
    assert list(own_names({name: torch.zeros(1)})) == [name]


def test_keys_and_values_are_joined_keys_first() -> None:
    keys, values = torch.zeros(2, 2), torch.ones(2, 2)
    prefix = "segformer.encoder.block.0.0.attention.self"
    own = own_names({f"{prefix}.value.weight": values, f"{prefix}.key.weight": keys})
    assert list(own) == ["backbone.stages.0.blocks.0.attn.kv.weight"]
    assert torch.equal(own["backbone.stages.0.blocks.0.attn.kv.weight"], torch.cat([keys, values]))


def test_keys_without_values_stay_apart() -> None:
    own = own_names({"segformer.encoder.block.0.0.attention.self.key.bias": torch.zeros(2)})
    assert list(own) == ["backbone.stages.0.blocks.0.attn.key.bias"]


def test_both_projects_have_the_same_weights() -> None:
    state = segformer((4, 4, 10, 8), MIT_B2.depths)
    one, other = own_names(state), own_names(hugging_face(state))
    assert one.keys() - other.keys() == {"head.weight", "head.bias"}
    assert other.keys() - one.keys() == {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(one[name], other[name]) for name in one.keys() & other.keys())
