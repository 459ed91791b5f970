from __future__ import annotations

import copy
import importlib
import math

import pytest
import torch
from torch import Tensor, nn

from mot.errors import MotError
from training.model.dcn import ModulatedDeformConv, grid_sample_deform_conv2d, modulated_deform_conv2d

PROVIDERS = ("grid_sample", "torchvision", pytest.param("mmcv", marks=pytest.mark.mmcv))


def reference(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Zhu et al., "Deformable ConvNets v2", equation 1, one output position at a time; same size out."""
    n, _, height, width = x.shape
    outputs, _, kernel_height, kernel_width = weight.shape
    out = torch.zeros(n, outputs, height, width, dtype=x.dtype)
    for image in range(n):
        for y in range(height):
            for x_ in range(width):
                total = torch.zeros(outputs, dtype=x.dtype)
                for i in range(kernel_height):
                    for j in range(kernel_width):
                        point = i * kernel_width + j
                        at_y = y - kernel_height // 2 + i + offset[image, 2 * point, y, x_]
                        at_x = x_ - kernel_width // 2 + j + offset[image, 2 * point + 1, y, x_]
                        sample = bilinear(x[image], at_y, at_x) * mask[image, point, y, x_]
                        total = total + weight[:, :, i, j] @ sample
                out[image, :, y, x_] = total if bias is None else total + bias
    return out


def bilinear(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """(C, H, W) at one point, with zeros outside: (C,)."""
    channels, height, width = image.shape
    top, left = math.floor(y.item()), math.floor(x.item())
    value = torch.zeros(channels, dtype=image.dtype)
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                value = value + (1 - (y - row).abs()) * (1 - (x - column).abs()) * image[:, row, column]
    return value


def inputs(
    *, n: int = 1, c: int = 3, out: int = 4, height: int = 5, width: int = 6, kernel: tuple[int, int] = (3, 3)
) -> dict[str, Tensor]:
    """Random float64 arguments; offsets reach a few pixels, fractional, over the borders too."""
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    points = kernel[0] * kernel[1]
    return {
        "x": random(n, c, height, width),
        "offset": 1.3 * random(n, 2 * points, height, width),
        "mask": random(n, points, height, width).sigmoid(),
        "weight": random(out, c, *kernel),
        "bias": random(out),
    }


def provider_or_skip(name: str, kernel: tuple[int, int] = (3, 3)) -> str:
    if name == "mmcv":
        try:
            importlib.import_module("mmcv.ops")
        except ImportError as error:
            pytest.skip(f"mmcv-full with its ops is not installed: {error}")
    return name


CASES = {
    "square": {},
    "batch of two": {"n": 2},
    "odd channels": {"c": 5, "out": 7},
    "one channel": {"c": 1, "out": 1},
    "one pixel": {"height": 1, "width": 1},
    "one row": {"height": 1, "width": 7},
    "one column": {"height": 7, "width": 1},
    "tall kernel": {"kernel": (3, 1)},
    "wide kernel": {"kernel": (1, 5)},
    "1x1 kernel": {"kernel": (1, 1)},
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_equal_the_reference(case: str, provider: str) -> None:
    provider_or_skip(provider)
    arguments = inputs(**CASES[case])  # type: ignore[arg-type]
    upstream = torch.randn(
        arguments["x"].shape[0],
        len(arguments["bias"]),
        *arguments["x"].shape[2:],
        generator=torch.Generator().manual_seed(4),
        dtype=torch.float64,
    )

    def run(function: object, **extra: str) -> tuple[Tensor, tuple[Tensor, ...]]:
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in arguments.items()}
        out: Tensor = function(**leaves, **extra)  # type: ignore[operator]
        gradients = torch.autograd.grad(out, list(leaves.values()), upstream, allow_unused=True)
        # Of one that is not used, zeros: grad() itself makes them from torch 2.1 on, which mmcv's environment has not.
        given = zip(gradients, leaves.values(), strict=True)
        return out.detach(), tuple(torch.zeros_like(leaf) if one is None else one for one, leaf in given)

    expected, expected_gradients = run(reference)
    found, gradients = run(modulated_deform_conv2d, provider=provider)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    for name, gradient, expected_gradient in zip(arguments, gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-7, atol=1e-7, msg=f"gradient of {name}")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("shift", [0.0, -1.0, 1.0, 4.0, 5.0, -5.0, 6.0, -100.0, 1e4, -1e6], ids=str)
def test_offsets_on_and_beyond_the_borders(shift: float, provider: str) -> None:
    """Whole-pixel shifts put samples exactly on borders and pixels, where only values are unique, not slopes."""
    provider_or_skip(provider)
    arguments = inputs(height=5, width=6)
    arguments["offset"] = torch.full_like(arguments["offset"], shift)
    expected = reference(**arguments)
    torch.testing.assert_close(modulated_deform_conv2d(**arguments, provider=provider), expected, rtol=1e-9, atol=1e-9)
    if abs(shift) >= 7:
        torch.testing.assert_close(expected, arguments["bias"].view(1, -1, 1, 1).expand_as(expected))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_bias(provider: str) -> None:
    provider_or_skip(provider)
    arguments = inputs() | {"bias": None}
    found = modulated_deform_conv2d(**arguments, provider=provider)  # type: ignore[arg-type]
    torch.testing.assert_close(found, reference(**arguments), rtol=1e-9, atol=1e-9)  # type: ignore[arg-type]


def test_providers_agree_in_single_precision() -> None:
    arguments = {name: tensor.float() for name, tensor in inputs(n=2, c=16, out=16, height=24, width=40).items()}
    a = modulated_deform_conv2d(**arguments, provider="grid_sample")
    b = modulated_deform_conv2d(**arguments, provider="torchvision")
    torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-4)


def test_padding_of_the_pure_form() -> None:
    """Without padding the output shrinks and is the padded one's interior."""
    arguments = inputs(height=6, width=7)
    padded = grid_sample_deform_conv2d(**arguments)
    inner = {**arguments, "offset": arguments["offset"][..., 1:-1, 1:-1], "mask": arguments["mask"][..., 1:-1, 1:-1]}
    torch.testing.assert_close(grid_sample_deform_conv2d(**inner, padding=(0, 0)), padded[..., 1:-1, 1:-1])


def test_missing_mmcv_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mmcv.ops", None)
    with pytest.raises(MotError, match="'mmcv' needs mmcv-full"):
        modulated_deform_conv2d(**inputs(), provider="mmcv")


@pytest.mark.mmcv
@pytest.mark.parametrize("provider", ["mmcv", "grid_sample"])
def test_mmcvs_own_layer_gives_the_same_with_its_weights(provider: str) -> None:
    provider_or_skip("mmcv")
    from mmcv.ops import ModulatedDeformConv2d, ModulatedDeformConv2dPack

    torch.manual_seed(5)
    theirs = ModulatedDeformConv2dPack(3, 4, 3, padding=1)
    assert isinstance(theirs, ModulatedDeformConv2d)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    x = torch.randn(2, 3, 9, 11)
    offset, mask = theirs.conv_offset(x).split([18, 9], dim=1)  # as our own layer reads the same weights
    ours = modulated_deform_conv2d(x, offset, mask.sigmoid(), theirs.weight, theirs.bias, provider)
    torch.testing.assert_close(ours, theirs(x), rtol=1e-4, atol=1e-4)


def test_unknown_provider() -> None:
    with pytest.raises(MotError, match="'cuda11' is not one of auto, torchvision, grid_sample, mmcv"):
        ModulatedDeformConv(3, 4, provider="cuda11")


def test_layer_starts_as_a_plain_convolution_halved() -> None:
    torch.manual_seed(0)
    layer = ModulatedDeformConv(3, 5)
    nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 7, 9)
    plain = nn.functional.conv2d(x, layer.weight, padding=1) * 0.5 + layer.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(layer(x), plain, rtol=1e-5, atol=1e-5)


def bent_layer(**options: object) -> ModulatedDeformConv:
    """A layer whose offsets and masks vary."""
    torch.manual_seed(1)
    layer = ModulatedDeformConv(3, 4, **options)  # type: ignore[arg-type]
    nn.init.normal_(layer.conv_offset.weight, std=0.3)
    nn.init.normal_(layer.conv_offset.bias, std=0.3)
    return layer


@pytest.mark.parametrize("name", ["conv_offset", "conv_offset_mask"])
def test_weights_of_mmcv_and_of_dcnv2_load(name: str) -> None:
    """mmcv's ModulatedDeformConv2dPack and CharlesShang's DCN differ in one name; both split 27 channels in three."""
    torch.manual_seed(2)
    theirs = {
        "weight": torch.randn(4, 3, 3, 3),
        "bias": torch.randn(4),
        f"{name}.weight": 0.3 * torch.randn(27, 3, 3, 3),
        f"{name}.bias": 0.3 * torch.randn(27),
    }
    network = nn.Sequential(nn.Identity(), ModulatedDeformConv(3, 4))
    given = {f"1.{key}": tensor for key, tensor in theirs.items()}
    keys = list(given)
    network.load_state_dict(given)
    assert list(given) == keys  # the caller's state is left alone
    x = torch.randn(1, 3, 5, 4)
    first, second, mask = nn.functional.conv2d(x, theirs[f"{name}.weight"], theirs[f"{name}.bias"], padding=1).chunk(
        3, dim=1
    )
    arguments = (x, torch.cat([first, second], dim=1), mask.sigmoid(), theirs["weight"], theirs["bias"])
    expected = reference(*(tensor.double() for tensor in arguments)).float()
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


def test_a_copy_loads_dcnv2_weights_too() -> None:
    layer = copy.deepcopy(ModulatedDeformConv(3, 4))
    source = bent_layer().state_dict()
    renamed = {key.replace("conv_offset.", "conv_offset_mask."): tensor for key, tensor in source.items()}
    layer.load_state_dict(renamed)
    assert all(torch.equal(layer.state_dict()[key], tensor) for key, tensor in source.items())


def test_unknown_keys_are_still_refused() -> None:
    state = ModulatedDeformConv(3, 4).state_dict() | {"offset.weight": torch.zeros(1)}
    with pytest.raises(RuntimeError, match=r"Unexpected key.*offset\.weight"):
        ModulatedDeformConv(3, 4).load_state_dict(state)


def test_autocast_samples_in_fp32() -> None:
    layer = bent_layer()
    x = torch.randn(1, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(x.bfloat16())
        offset, mask = layer.conv_offset(x.bfloat16()).split([18, 9], dim=1)
    assert found.dtype == torch.float32
    exact = modulated_deform_conv2d(
        x.bfloat16().float(), offset.float(), mask.float().sigmoid(), layer.weight, layer.bias
    )
    torch.testing.assert_close(found, exact)


def test_a_cast_network_stays_in_its_type() -> None:
    layer = bent_layer().double()
    x = torch.randn(1, 3, 6, 5, dtype=torch.float64)
    assert layer(x).dtype == torch.float64
    torch.testing.assert_close(layer(x).float(), bent_layer()(x.float()), rtol=1e-4, atol=1e-4)
