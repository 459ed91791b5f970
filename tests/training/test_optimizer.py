from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from training.losses import FairMOTLoss, LossConfig
from training.model.fairmot import FairMOT
from training.optimizer import load_optimizer, make_optimizer, rate, set_rate, update_ema
from training.recipe import Recipe


def network() -> tuple[FairMOT, FairMOTLoss]:
    return FairMOT("yolox_nano"), FairMOTLoss(LossConfig(), 64, 5)


def test_every_parameter_is_in_one_group_with_its_rate_and_decay() -> None:
    model, loss = network()
    recipe = Recipe(name="x", lr=0.01, backbone_lr_factor=0.5, weight_decay=0.1, optimizer="adamw")
    optimizer = make_optimizer(recipe, model, loss)
    assert isinstance(optimizer, torch.optim.AdamW)
    settings = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(settings)
    named = [*model.named_parameters(), *loss.named_parameters()]
    assert len(named) == len(settings)
    for name, parameter in named:
        group = settings[id(parameter)]
        assert group["base_lr"] == (0.005 if name.startswith("backbone.") else 0.01), name
        assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0), name


def test_the_order_of_parameters_is_the_checkpoints() -> None:
    """Moments are stored by number, so another order would mix them up on resuming older runs."""
    model, loss = network()
    names = {id(p): name for name, p in (*model.named_parameters(), *loss.named_parameters())}
    groups = make_optimizer(Recipe(name="x"), model, loss).param_groups
    parts = [list(dict.fromkeys(names[id(p)].split(".")[0] for p in group["params"])) for group in groups]
    heads = ["heatmap", "box", "offset", "embedding"]
    assert parts == [
        ["backbone"],
        ["backbone"],
        ["neck", "classifier", *heads],
        ["neck", "s_det", "s_id", "classifier", *heads],
    ]
    assert isinstance(make_optimizer(Recipe(name="x"), model, loss), torch.optim.Adam)


def test_restored_moments_keep_the_new_recipes_rates() -> None:
    model, loss = network()
    old = make_optimizer(Recipe(name="x", lr=0.5, weight_decay=0.1), model, loss)
    for parameter in (*model.parameters(), *loss.parameters()):
        parameter.grad = torch.ones_like(parameter)
    set_rate(old, 0.1)
    old.step()
    new = make_optimizer(Recipe(name="x", lr=0.25), model, loss)
    load_optimizer(new, old.state_dict())
    assert [group["base_lr"] for group in new.param_groups] == [0.25] * 4
    assert [group["weight_decay"] for group in new.param_groups] == [0] * 4
    moments = new.state[model.heatmap.out.bias]
    assert moments["step"] == 1
    assert torch.equal(moments["exp_avg"], old.state[model.heatmap.out.bias]["exp_avg"])


def test_moments_of_other_parameters_are_refused() -> None:
    model, loss = network()
    other = torch.optim.Adam([nn.Parameter(torch.zeros(1))]).state_dict()
    with pytest.raises(ValueError, match="different number of parameter groups"):
        load_optimizer(make_optimizer(Recipe(name="x"), model, loss), other)


def test_a_factor_scales_every_groups_base() -> None:
    optimizer = make_optimizer(Recipe(name="x", lr=1.0, backbone_lr_factor=0.5), *network())
    set_rate(optimizer, 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.05, 0.05, 0.1, 0.1])


def test_step_schedule_falls_to_a_tenth_at_the_end_of_its_epochs() -> None:
    recipe = Recipe(name="x", step_epochs=(2, 3))
    factors = [rate(recipe, step, 40, 10) for step in range(40)]
    assert factors == pytest.approx([1.0] * 20 + [0.1] * 10 + [0.01] * 10)


def test_cosine_schedule_falls_from_one_to_a_hundredth() -> None:
    recipe = Recipe(name="x", schedule="cosine")
    factors = [rate(recipe, step, 100, 10) for step in range(101)]
    assert factors[0] == 1
    assert factors[50] == pytest.approx(0.505)
    assert factors[100] == pytest.approx(0.01)
    assert all(a > b for a, b in itertools.pairwise(factors))


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_warm_up_rises_linearly(schedule: str) -> None:
    recipe = Recipe(name="x", schedule=schedule, warmup_steps=4)  # type: ignore[arg-type]
    plain = Recipe(name="x", schedule=schedule)  # type: ignore[arg-type]
    factors = [rate(recipe, step, 1000, 100) / rate(plain, step, 1000, 100) for step in range(6)]
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_average_follows_weights_and_copies_counters() -> None:
    torch.manual_seed(0)
    model, ema = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.constant_(model.weight, 3.0)
    model.num_batches_tracked.fill_(7)
    model.running_mean.fill_(2.0)  # type: ignore[union-attr]
    update_ema(ema, model, 0.9, 1000)
    torch.testing.assert_close(ema.weight.detach(), torch.full((3,), 1.2))
    torch.testing.assert_close(ema.running_mean, torch.full((3,), 0.2))
    assert ema.num_batches_tracked == 7


def test_average_forgets_the_start_at_first() -> None:
    model, ema = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    nn.init.zeros_(ema.weight)
    update_ema(ema, model, 0.999, 0)
    assert ema.weight.item() == pytest.approx(0.9)
