from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from mot.errors import MotError
from tests.training.weights.published import State, fairmot_neck_and_heads, hugging_face, segformer
from tests.training.weights.segformer import encoder
from training.checkpoint import CheckpointError, save_checkpoint
from training.model.fairmot import FairMOT
from training.model.mit import MIT_B0, MIT_B1
from training.model.networks import make_network
from training.recipe import Recipe, load_recipe, parse_recipe
from training.weights.initial import initialise
from training.weights.report import Report

B0 = segformer(MIT_B0.widths)


def load(path: Path | str, init: str = "mit", architecture: str = "mit_b0", **other: Any) -> tuple[FairMOT, Report]:
    """A fresh network with the weights of a file."""
    torch.manual_seed(0)
    model = FairMOT(architecture).eval()
    recipe = {"name": "test", "architecture": architecture, "init": init, "init_path": str(path), **other}
    report = initialise(model, parse_recipe(recipe, "test"))
    assert report is not None
    return model, report


def saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


@pytest.mark.parametrize("name", ["mit_b0.pth", "pytorch_model.bin", "model.safetensors"])
def test_segformers_files_give_segformers_maps(tmp_path: Path, name: str) -> None:
    """All four maps of the loaded backbone against the encoder written out, in double precision."""
    path = tmp_path / name
    if name == "model.safetensors":
        save_file(hugging_face(B0), path)
    else:
        torch.save(B0 if name == "mit_b0.pth" else hugging_face(B0), path)
    model, report = load(path)
    assert report.complete
    assert report.origin == str(path)
    assert len(report.unused) == 2  # ImageNet's classifier
    image = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    expected = encoder({name: tensor.double() for name, tensor in B0.items()}, image)
    with torch.no_grad():
        found = model.backbone.double()(image)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_the_reference_feels_every_weight() -> None:
    """Otherwise the test above would not notice a tensor that went to the wrong place."""
    state = {name: tensor.double().requires_grad_() for name, tensor in B0.items() if not name.startswith("head.")}
    sum(m.square().sum() * (i + 1) for i, m in enumerate(encoder(state, torch.randn(1, 3, 64, 64).double()))).backward()  # type: ignore[union-attr]
    assert [name for name, tensor in state.items() if tensor.grad is None or not tensor.grad.abs().sum() > 0] == []


def test_b1_has_the_published_files_tensors(tmp_path: Path) -> None:
    _, report = load(saved(tmp_path / "mit_b1.pth", segformer(MIT_B1.widths)), architecture="mit_b1")
    assert report.complete
    assert len(report.matched) == 176


def test_a_segmentation_models_backbone(tmp_path: Path) -> None:
    """SegFormer's own checkpoints of whole segmentation networks: a decoder beside the backbone."""
    state = {f"backbone.{name}": tensor for name, tensor in B0.items() if not name.startswith("head.")}
    state["decode_head.linear_fuse.conv.weight"] = torch.zeros(2, 2)
    _, report = load(saved(tmp_path / "segformer.b0.pth", {"meta": {}, "state_dict": state}))
    assert report.complete
    assert report.unused == ["decode_head.linear_fuse.conv.weight"]


def changed(kind: str) -> tuple[State, str]:
    """B0's file with one fault, and what the message should say."""
    state = dict(B0)
    if kind == "missing":
        del state["block1.0.attn.q.weight"]
        return state, r"175 of 176 tensors match; 1 missing \(backbone\.stages\.0\.blocks\.0\.attn\.q\.weight\)"
    if kind == "unexpected":
        state["block1.2.norm1.weight"] = torch.zeros(32)
        return state, r"176 of 176 tensors match; 1 unexpected \(backbone\.stages\.0\.blocks\.2\.norm1\.weight\)"
    state["norm4.bias"] = torch.zeros(512)
    return state, r"1 misshapen \(backbone\.stages\.3\.norm\.bias: \(512,\) in the file, \(256,\) here\)"


@pytest.mark.parametrize("kind", ["missing", "unexpected", "misshapen"])
def test_a_mismatch_is_an_error_unless_allowed(tmp_path: Path, kind: str) -> None:
    state, complaint = changed(kind)
    path = saved(tmp_path / "mit_b0.pth", state)
    torch.manual_seed(0)
    model = FairMOT("mit_b0")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recipe = Recipe(name="test", architecture="mit_b0", init="mit", init_path=str(path))
    with pytest.raises(MotError, match=rf"mit_b0\.pth: .*{complaint}.*set allow_mismatch=true"):
        initialise(model, recipe)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())  # nothing was copied
    report = initialise(model, recipe.model_copy(update={"allow_mismatch": True}))
    assert report is not None
    assert not report.complete
    after = model.state_dict()
    assert torch.equal(after["backbone.stages.2.norm.bias"], B0["norm3.bias"])
    rest = {*report.missing, *(line.split(":")[0] for line in report.misshapen)}
    assert all(torch.equal(before[name], after[name]) for name in rest)


def test_another_size_of_mit(tmp_path: Path) -> None:
    path = saved(tmp_path / "mit_b1.pth", segformer(MIT_B1.widths))
    with pytest.raises(MotError, match=r"0 of 176 tensors match.*misshapen.* NVlabs/SegFormer"):
        load(path)
    deeper = saved(tmp_path / "deep.pth", segformer(MIT_B0.widths, (2, 2, 3, 2)))
    with pytest.raises(MotError, match=r"176 of 176 tensors match; 20 unexpected .* take a file of mit_b0"):
        load(deeper)


def test_nothing_that_matches_is_an_error_even_if_allowed(tmp_path: Path) -> None:
    path = saved(tmp_path / "resnet.pth", {"conv1.weight": torch.zeros(64, 3, 7, 7)})
    with pytest.raises(MotError, match=r"resnet\.pth: 0 of 176 tensors match.*1 unexpected \(conv1\.weight\)"):
        load(path, allow_mismatch=True)


def test_no_initial_weights() -> None:
    assert initialise(FairMOT("yolox_nano"), Recipe(name="test", architecture="yolox_nano")) is None


@pytest.mark.parametrize(
    ("init", "architecture", "source"),
    [
        ("mit", "mit_b0", "NVlabs/SegFormer.*nvidia/mit-b0"),
        ("yolox", "yolox_nano", "Megvii-BaseDetection/YOLOX"),
        ("checkpoint", "yolox_nano", "mot-train fit.*ifzhang/FairMOT"),
    ],
)
def test_a_missing_file_is_named_with_its_source(init: str, architecture: str, source: str) -> None:
    with pytest.raises(MotError, match=rf"^gone/weights\.pth: no such file; .*init = '{init}' needs one\. .*{source}"):
        load("gone/weights.pth", init, architecture)
    with pytest.raises(MotError, match=rf"^init_path is empty, and init = '{init}' needs one\. .*{source}"):
        load("", init, architecture)


@pytest.mark.parametrize(
    ("init", "architecture", "complaint"),
    [
        ("mit", "yolox_nano", "init = 'mit' is for mit_b0 to mit_b5, not yolox_nano"),
        ("yolox", "mit_b0", "init = 'yolox' is for yolox_nano, not mit_b0"),
        ("imagenet", "mit_b0", "init = 'imagenet' is for efficientnet_lite0, not mit_b0; for MiT set init='mit'"),
    ],
)
def test_weights_of_another_kind_of_backbone(tmp_path: Path, init: str, architecture: str, complaint: str) -> None:
    with pytest.raises(MotError, match=complaint):
        load(saved(tmp_path / "weights", {"a": torch.zeros(1)}), init, architecture)


def test_imagenet_weights_out_of_a_package() -> None:
    model, report = load("", "imagenet", "efficientnet_lite0")
    assert report.complete
    assert len(report.matched) == len(model.backbone.state_dict())


# FairMOT's own checkpoints.


def fairmot(dcn: str = "conv_offset_mask") -> State:
    """What FairMOT with MiT-B0 would save, from two cards."""
    base = {f"base.{name}": tensor for name, tensor in B0.items() if not name.startswith("head.")}
    state = base | fairmot_neck_and_heads(MIT_B0.widths, head_conv=128, dcn=dcn)
    return {f"module.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize("dcn", ["conv_offset_mask", "conv_offset"], ids=["DCNv2", "mmcv"])
def test_a_whole_checkpoint_of_fairmot(tmp_path: Path, dcn: str) -> None:
    state = fairmot(dcn)
    path = saved(tmp_path / "model_last.pth", {"epoch": 30, "state_dict": state, "optimizer": {"param_groups": []}})
    model, report = load(path, "checkpoint")
    assert report.complete
    own = model.state_dict()
    assert len(report.matched) == len(own) == len(state)
    for theirs, ours in {
        "dla_up.ida_2.proj_3.conv.weight": "neck.ida.2.proj.2.conv.weight",
        f"dla_up.ida_0.node_1.conv.{dcn}.weight": "neck.ida.0.node.0.conv.conv_offset.weight",
        "ida_up.up_2.weight": "neck.final.up.1.weight",
        "ida_up.node_2.actf.0.running_var": "neck.final.node.1.norm.running_var",
        "wh.2.weight": "box.out.weight",
        "base.norm3.weight": "backbone.stages.2.norm.weight",
    }.items():
        assert torch.equal(own[ours], state[f"module.{theirs}"])


def test_fairmots_images_are_not_normalised_but_ours_are(tmp_path: Path) -> None:
    """The first convolution gives what it gave on RGB / 255, wherever it does not see the border."""
    state = fairmot()
    model, _ = load(saved(tmp_path / "model.pth", {"state_dict": state}), "checkpoint")
    image = 255 * torch.rand(1, 3, 64, 64)
    given: dict[str, Tensor] = {}
    model.backbone.stages[0].embed.proj.register_forward_hook(lambda *call: given.update(out=call[2]))  # type: ignore[union-attr]
    with torch.no_grad():
        model(image)
    weight, bias = (state[f"module.base.patch_embed1.proj.{part}"] for part in ("weight", "bias"))
    expected = functional.conv2d(image / 255, weight, bias, 4, 3)
    torch.testing.assert_close(given["out"][..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-4)


def test_half_of_fairmots_first_convolution(tmp_path: Path) -> None:
    """Without its bias it cannot be rewritten for normalised images; it is taken as it is, if that is allowed."""
    state = fairmot()
    del state["module.base.patch_embed1.proj.bias"]
    path = saved(tmp_path / "model.pth", {"state_dict": state})
    with pytest.raises(MotError, match=r"1 missing \(backbone\.stages\.0\.embed\.proj\.bias\)"):
        load(path, "checkpoint")
    model, _ = load(path, "checkpoint", allow_mismatch=True)
    weight = model.state_dict()["backbone.stages.0.embed.proj.weight"]
    assert torch.equal(weight, state["module.base.patch_embed1.proj.weight"])


def test_fairmots_dla_34_gives_what_fits_if_allowed(tmp_path: Path) -> None:
    """Widths 64, 128, 256, 512 against B1's 64, 128, 320, 512: the finest maps' part of the neck, and the heads."""
    state = fairmot_neck_and_heads((64, 128, 256, 512), head_conv=256) | {"base.base_layer.0.weight": torch.zeros(16)}
    path = saved(tmp_path / "fairmot_dla34.pth", {"epoch": 30, "state_dict": state})
    with pytest.raises(MotError, match=r"missing \(backbone\..*1 unexpected \(base\.base_layer\.0\.weight\)"):
        load(path, "checkpoint", "mit_b1")
    model, report = load(path, "checkpoint", "mit_b1", allow_mismatch=True)
    own = model.state_dict()
    assert torch.equal(own["heatmap.out.weight"], state["hm.2.weight"])
    fits = {name.split(".")[0] + name.split(".")[2] for name in report.matched if name.startswith("neck.ida.")}
    assert fits == {"neck0", "neck1", "neck2"}
    assert all(name in report.matched for name in own if name.startswith("neck.ida.2."))
    assert all(line.split(": ")[0].startswith(("neck.ida.0", "neck.ida.1", "neck.final")) for line in report.misshapen)


# Checkpoints of mot-train.


def checkpoint(path: Path, **state: Any) -> dict[str, Any]:
    torch.manual_seed(5)
    recipe = Recipe(name="x", architecture="yolox_nano").model_dump(mode="json")
    content = {"recipe": recipe, "step": 3, "identities": 2, "model": FairMOT("yolox_nano").state_dict(), "ema": {}}
    save_checkpoint(path, content | state)
    return content | state


@pytest.mark.parametrize("averaged", [True, False])
def test_fine_tuning_starts_from_averaged_weights_where_there_are_some(tmp_path: Path, averaged: bool) -> None:
    path = tmp_path / "last.pt"
    ema = {name: tensor + 1 for name, tensor in FairMOT("yolox_nano").state_dict().items()}
    content = checkpoint(path, ema=ema if averaged else {})
    given = content["ema" if averaged else "model"]
    model, report = load(path, "checkpoint", "yolox_nano")
    assert report.complete
    assert ("averaged weights" in report.origin) == averaged
    assert all(torch.equal(tensor, given[name]) for name, tensor in model.state_dict().items())


def test_a_checkpoint_of_another_architecture(tmp_path: Path) -> None:
    checkpoint(tmp_path / "last.pt")
    with pytest.raises(
        MotError, match=r"last\.pt \(yolox_nano, step 3\): \d+ of \d+ tensors match.*efficientnet_lite0"
    ):
        load(tmp_path / "last.pt", "checkpoint", "efficientnet_lite0")


def test_half_a_checkpoint_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    checkpoint(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"last\.pt: damaged"):
        load(path, "checkpoint", "yolox_nano")


def test_the_custom_recipe_starts_from_the_shipped_model() -> None:
    recipe = load_recipe("custom", [])
    report = initialise(make_network(recipe.architecture), recipe)
    assert report is not None
    assert report.complete
    assert recipe.architecture in report.origin
