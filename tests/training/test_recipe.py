from __future__ import annotations

from pathlib import Path

import pytest

from mot.errors import MotError
from training.data.augment import AugmentConfig
from training.recipe import RECIPES, Recipe, changes, flat, load_recipe, parse_recipe


@pytest.mark.parametrize("name", [path.stem for path in RECIPES.glob("*.toml")])
def test_every_recipe_that_comes_along_is_valid(name: str) -> None:
    assert load_recipe(name, []).name == name


def test_defaults_are_fairmots_schedule() -> None:
    recipe = Recipe(name="fairmot")
    assert (recipe.optimizer, recipe.lr, recipe.epochs, recipe.step_epochs, recipe.batch_size) == (
        "adam",
        1e-4,
        30,
        (20,),
        12,
    )
    assert (recipe.width, recipe.height, recipe.max_objects, recipe.seed) == (1088, 608, 500, 317)
    assert (recipe.clip_norm, recipe.ema_decay, recipe.weight_decay, recipe.warmup_steps) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", ["mot17_mit_b1", "mot17_half_mit_b1", "crowdhuman", "mot15", "mot20"])
def test_published_recipes_differ_from_fairmots_schedule_where_they_say(name: str) -> None:
    """Epochs, where the rate falls, batch, whose identities are learned, and whether boxes are cut."""
    pretrained = ("mit", "models/mit_b1.pth")
    tuned = ("checkpoint", "runs/mot17_mit_b1/last.pt")
    epochs, fall, batch, identities, clip, start = {
        "mot17_mit_b1": (30, (20,), 12, ("mot17",), False, pretrained),
        "mot17_half_mit_b1": (30, (20,), 12, ("mot17",), False, pretrained),
        "crowdhuman": (60, (50,), 8, None, False, pretrained),
        "mot15": (20, (15,), 12, None, False, tuned),
        "mot20": (20, (15,), 12, None, True, tuned),
    }[name]
    expected = Recipe(
        name=name,
        architecture="mit_b1",
        epochs=epochs,
        step_epochs=fall,
        batch_size=batch,
        identities_from=identities,
        init=start[0],  # type: ignore[arg-type]
        init_path=start[1],
        augment=AugmentConfig(clip_boxes=clip),
    )
    assert load_recipe(name, []) == expected


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_overrides_reach_into_tables(tmp_path: Path) -> None:
    name = write(tmp_path / "mine.toml", 'architecture = "mit_b0"\n[augment]\nmosaic = 0.2\n')
    recipe = load_recipe(
        name,
        [
            "lr=2e-4",
            "augment.scale=[0.5, 2]",
            "loss.box_loss=giou",
            "init_path=a/b.onnx",
            "step_epochs=[3, 5]",
            "cache=true",
            "init=checkpoint",
            "allow_mismatch=true",
            'identities_from=["mot17", "prw"]',
        ],
    )
    assert recipe.name == "mine"
    assert recipe.architecture == "mit_b0"
    assert recipe.lr == 2e-4
    assert recipe.augment.scale == (0.5, 2)
    assert recipe.augment.mosaic == 0.2
    assert recipe.loss.box_loss == "giou"
    assert recipe.init_path == "a/b.onnx"
    assert recipe.step_epochs == (3, 5)
    assert recipe.cache is True
    assert recipe.init == "checkpoint"
    assert recipe.allow_mismatch is True
    assert recipe.identities_from == ("mot17", "prw")


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("lr", "override 'lr' is not KEY=VALUE"),
        ("lr=fast", r"lr: Input should be a valid number.*'fast'"),
        ("lr=0", r"lr: Input should be greater than 0 \(0\)"),
        ("learning_rate=1", r"learning_rate: Extra inputs are not permitted \(1\)"),
        ("augment.mosiac=0.5", "augment.mosiac: Unexpected keyword argument"),
        ("augment.flip=2", r"augment.flip: Input should be less than or equal to 1 \(2\)"),
        ("augment.scale=[2, 1]", "augment.scale: .*the lower limit is above the upper one"),
        ("augment.scale=[0, 1]", "augment.scale.0: Input should be greater than 0"),
        ("loss.box_loss=l2", "loss.box_loss: Input should be 'l1' or 'giou' .*'l2'"),
        ("loss=3", "loss: "),
        ("lr.x=1", "override 'lr.x=1': 'lr' is no table but 0.01"),
        ("width=100", "width: Input should be a multiple of 32"),
        ("epochs=0", "epochs: Input should be greater than 0"),
        ("epochs=1.5", "epochs: Input should be a valid integer"),
        ("seed=-1", "seed: Input should be greater than or equal to 0"),
        ("ema_decay=1", "ema_decay: Input should be less than 1"),
        ("optimizer=sgd", "optimizer: Input should be 'adam' or 'adamw'"),
        ("init=coco", "init: Input should be 'none', 'imagenet', 'yolox', 'rtmdet', 'mit' or 'checkpoint'"),
        ("identities_from=mot17", "identities_from: .*'mot17'"),
        ("loss.identity_loss=triplet", "loss.identity_loss: Input should be 'cross_entropy' or 'focal'"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, override: str, complaint: str) -> None:
    name = write(tmp_path / "mine.toml", "lr = 0.01\n")
    with pytest.raises(MotError, match=complaint):
        load_recipe(name, [override])


def test_an_override_without_a_value_restores_the_default(tmp_path: Path) -> None:
    name = write(tmp_path / "mine.toml", 'identities_from = ["mot17"]\n[augment]\nmosaic = 0.2\n')
    recipe = load_recipe(name, ["identities_from=", "augment.mosaic=", "lr="])
    assert (recipe.identities_from, recipe.augment.mosaic, recipe.lr) == (None, 0.0, 1e-4)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(MotError, match=r"there: epochs: .*; lr: "):
        parse_recipe({"name": "x", "lr": -1, "epochs": 0}, "there")


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"recipe 'defualt' not found .* known recipes: .*default"):
        load_recipe("defualt", [])
    with pytest.raises(MotError, match=r"a\.toml: is not TOML: .*line 1"):
        load_recipe(write(tmp_path / "a.toml", "lr = = 3\n"), [])
    with pytest.raises(MotError, match=r"c\.toml: is not TOML: too deeply nested"):
        load_recipe(write(tmp_path / "c.toml", f"lr = {'[' * 3000}\n"), [])
    with pytest.raises(MotError, match="Extra inputs are not permitted") as found:
        load_recipe(write(tmp_path / "d.toml", f"{'9' * 5000} = 1\n"), [])
    assert len(str(found.value)) < 1500
    (tmp_path / "b.toml").write_bytes(b"\xff")
    with pytest.raises(MotError, match=r"b\.toml: not a text file"):
        load_recipe(str(tmp_path / "b.toml"), [])


def test_a_recipe_survives_a_checkpoint() -> None:
    recipe = load_recipe("default", ["augment.mosaic=0.25"])
    assert parse_recipe(recipe.model_dump(mode="json"), "checkpoint") == recipe


def test_changes_are_listed_by_dotted_key() -> None:
    old = Recipe(name="a")
    new = parse_recipe({"name": "a", "lr": 0.5, "augment": {"flip": 0.25}, "step_epochs": [1]}, "here")
    assert changes(old, old) == []
    assert changes(old, new) == [("lr", 1e-4, 0.5), ("step_epochs", [20], [1]), ("augment.flip", 0.5, 0.25)]
    assert flat(new)["augment.scale"] == [0.5, 1.2]
