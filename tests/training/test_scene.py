from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from client.evaluation.scoring import Benchmark
from mot.errors import MotError
from mot.sequence import read_ground_truth
from tests.media import make_video
from tests.training.scenes import picture, write_scene
from training.recipe import Recipe, load_recipe, parse_recipe
from training.scene import DISTRACTORS, Scene, SceneError, parse_scene


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("MOT17-09", Scene(sequence="MOT17-09")),
        (
            "a/MOT17-09,gt=gt_val_half.txt,frames=264-525",
            Scene(sequence="a/MOT17-09", gt="gt_val_half.txt", frames=(264, 525)),
        ),
        ("v.avi,rules=MOT15,gt=x/gt.txt", Scene(sequence="v.avi", gt="x/gt.txt", rules="MOT15")),
    ],
)
def test_an_option_describes_a_scene(option: str, expected: Scene) -> None:
    assert parse_scene(option) == expected


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("x,frames=9", r"frames.1: Field required; expected SEQUENCE\[,gt=FILE\]"),
        ("x,frames=9-3", "frames 9 to 3 are no range"),
        ("x,frames=0-3", "frames.0: Input should be greater than or equal to 1"),
        ("x,frames=a-b", "frames.0: Input should be a valid integer"),
        ("x,rules=MOT18", "rules: Input should be 'MOT15'"),
        ("x,gtt=a", "gtt: Extra inputs are not permitted"),
    ],
)
def test_wrong_options_are_named(option: str, complaint: str) -> None:
    with pytest.raises(SceneError, match=f"--validate '{re.escape(option)}': .*{complaint}"):
        parse_scene(option)


def test_the_rules_are_the_evaluations() -> None:
    assert set(DISTRACTORS) == set(get_args(Scene.model_fields["rules"].annotation)) == set(get_args(Benchmark))


def test_a_recipe_holds_scenes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[validation]]\nsequence = "a/S-1"\nframes = [3, 8]\n\n[[validation]]\nsequence = "b.mp4"\n')
    recipe = load_recipe(str(path), ["validate_every=3"])
    assert [scene.name for scene in recipe.validation] == ["S-1 3-8", "b"]
    assert recipe.validate_every == 3
    assert parse_recipe(recipe.model_dump(mode="json"), "checkpoint") == recipe
    assert Recipe(name="x").validation == ()
    with pytest.raises(MotError, match=r"validation\.0: .*frames 8 to 3 are no range"):
        load_recipe(str(path), ['validation=[{sequence="a", frames=[8, 3]}]'])


def test_frames_and_labels_of_a_part(tmp_path: Path) -> None:
    folder = write_scene(tmp_path)
    scene = Scene(sequence=str(folder), frames=(5, 7))
    with scene.open() as source:
        assert [frame.index for frame in source] == [5, 6, 7]
        assert source.frame_rate == 10
    assert sorted(set(scene.labels().frames.tolist())) == [5, 6, 7]
    assert len(Scene(sequence=str(folder)).labels()) == 24


@pytest.mark.parametrize("place", ["beside", "path"])
def test_labels_of_a_video(tmp_path: Path, place: str) -> None:
    folder = write_scene(tmp_path, frames=3)
    video = tmp_path / "elsewhere/DRAWN-01.mp4" if place == "path" else folder / "DRAWN-01.mp4"
    video.parent.mkdir(exist_ok=True)
    make_video(video, [picture(frame) for frame in (1, 2, 3)])
    gt = str(folder / "gt/gt.txt") if place == "path" else "gt.txt"
    scene = Scene(sequence=str(video), gt=gt)
    scene.check()
    assert scene.ground_truth == folder / "gt/gt.txt"


def test_what_is_missing_is_told_before_training(tmp_path: Path) -> None:
    folder = write_scene(tmp_path)
    with pytest.raises(SceneError, match=r"'DRAWN-01': no labels, looked for .*gt/gt_val\.txt, .*; set gt"):
        Scene(sequence=str(folder), gt="gt_val.txt").check()
    with pytest.raises(SceneError, match="nobody to find in the frames of 'DRAWN-01 20-30'"):
        Scene(sequence=str(folder), frames=(20, 30)).check()
    for image in (folder / "img1").iterdir():
        image.unlink()
    with pytest.raises(MotError, match="img1: no images in this folder"):
        Scene(sequence=str(folder)).check()


def test_who_is_to_be_found_and_who_counts_neither_way(tmp_path: Path) -> None:
    rows = read_ground_truth(write_scene(tmp_path, frames=1, classes=(1, 8)) / "gt/gt.txt")
    scores = {rules: Scene(sequence="x", rules=rules) for rules in get_args(Benchmark)}
    assert {rules: scene.scored(rows).tolist() for rules, scene in scores.items()} == {
        "MOT15": [True, True],
        "MOT16": [True, False],
        "MOT17": [True, False],
        "MOT20": [True, False],
    }
    assert scores["MOT17"].ignored(rows).tolist() == [False, True]
    assert scores["MOT15"].ignored(rows).tolist() == [False, False]
    rows.scores[:] = 0
    assert not np.any([scene.scored(rows) for scene in scores.values()])
