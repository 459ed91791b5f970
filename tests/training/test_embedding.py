"""The embedding's own lesson: people become told apart, the detector stays, and a stop costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mot.errors import MotError
from tests.training.people import write_people
from tests.training.runs import recipe
from training.checkpoint import load_checkpoint, load_model, save_checkpoint
from training.cli import main
from training.embedding import Looks, _Normal, teach_embedding
from training.model.networks import make_network
from training.model.rtmdet import RTMDet
from training.release import release

LESSON = {"looks": 3, "passes": 20, "batch_size": 16}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_people(tmp_path / "data", 10)


def checkpoint(path: Path, architecture: str = "rtmdet_nano", **settings: Any) -> Path:
    """A detector as it starts."""
    torch.manual_seed(3)
    run = recipe(architecture=architecture, loss={"box_loss": "giou"}, **{"embedding": LESSON, **settings})
    weights = make_network(architecture).state_dict()
    state = {"recipe": run.model_dump(mode="json"), "step": 7, "identities": 3, "model": weights, "ema": {}}
    save_checkpoint(path, state)
    return path


def teach(start: Path, data: Path, output: Path, *overrides: str, stop_after: int = 0) -> list[str]:
    """Returns what was told; ``stop_after`` so many looks, as by Ctrl-C."""
    told: list[str] = []

    def progress(doing: str, done: int, total: int) -> None:
        told.append(f"{doing.partition(':')[0]} {done}/{total}")
        if stop_after and doing.startswith(f"look {stop_after + 1} "):
            raise KeyboardInterrupt

    cpu = torch.device("cpu")
    teach_embedding(start, data, output, list(overrides), cpu, progress=progress, report=told.append)
    return told


def network(path: Path) -> RTMDet:
    model, _ = load_model(path)
    assert isinstance(model, RTMDet)
    return model


def test_people_are_told_apart_and_found_as_before(tmp_path: Path) -> None:
    data = write_people(tmp_path / "data", 60)
    start, output = checkpoint(tmp_path / "last.pt"), tmp_path / "embedded.pt"
    teach(start, data, output)
    before, after = network(start), network(output)
    changed = {k for k, v in after.state_dict().items() if not torch.equal(v, before.state_dict()[k])}
    assert {name.partition(".")[0] for name in changed} == {"appearance", "embedding"}
    assert not (tmp_path / "embedded.pt.looks").exists()
    # Looks of another seed: people as they were not seen in the lesson.
    looks = Looks(tmp_path / "others", after, *_recipe_and_samples(output, data, seed=99))
    looks.begin("others", print)
    looks.take(0, lambda *_: None)
    fine, coarse, identities = looks.read(0)
    shares = [_known_again(model, fine, coarse, identities) for model in (before, after)]
    assert shares[0] + 0.1 < shares[1] > 0.75


def _recipe_and_samples(path: Path, data: Path, seed: int) -> tuple[Any, Any]:
    from training.data.samples import load_samples

    _, run = load_model(path)
    return run.model_copy(update={"seed": seed}), load_samples(data, None)


def _known_again(model: RTMDet, fine: torch.Tensor, coarse: torch.Tensor, identities: torch.Tensor) -> float:
    """Share of people whose most similar other sight is of the same one."""
    with torch.no_grad():
        found = model.embedding.describe(model.appearance.at(fine.float(), coarse.float()).flatten(1))
    nearest = (found @ found.T - 2 * torch.eye(len(found))).argmax(1)
    return float((identities[nearest] == identities).float().mean())


def test_what_was_stopped_goes_on_as_if_it_had_not_been(data: Path, tmp_path: Path) -> None:
    start, whole, stopped = checkpoint(tmp_path / "last.pt"), tmp_path / "whole.pt", tmp_path / "stopped.pt"
    assert teach(start, data, whole)[:2] == ["look 1 of 3 1/4", "look 1 of 3 2/4"]
    with pytest.raises(KeyboardInterrupt) as stop:
        teach(start, data, stopped, stop_after=2)
    assert stop.value.__notes__ == [f"{stopped}.looks is kept; mot-train embedding {start} {stopped} goes on"]
    assert not stopped.exists()
    told = teach(start, data, stopped)
    assert told[0].startswith("look 3 of 3")
    for name, values in load_checkpoint(whole)["model"].items():
        torch.testing.assert_close(load_checkpoint(stopped)["model"][name], values, msg=name)


def test_looks_of_other_weights_are_made_anew(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "embedded.pt"
    with pytest.raises(KeyboardInterrupt):
        teach(checkpoint(tmp_path / "last.pt"), data, output, stop_after=2)
    told = teach(_other(tmp_path), data, output)
    assert told[0] == f"{output}.looks is of other weights or data; made anew" and told[1] == "look 1 of 3 1/4"


def _other(folder: Path) -> Path:
    path = checkpoint(folder / "other.pt")
    state = load_checkpoint(path)
    state["model"][next(iter(state["model"]))] += 1
    save_checkpoint(path, state)
    return path


def test_what_comes_of_it_is_released_and_taught_again(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "embedded.pt"
    teach(checkpoint(tmp_path / "last.pt"), data, output, "embedding.passes=2")
    assert load_checkpoint(output)["step"] == 7
    assert release(output, tmp_path / "released.pt").embedding.passes == 2
    teach(tmp_path / "released.pt", data, tmp_path / "again.pt")


@pytest.mark.parametrize(
    ("architecture", "settings", "message"),
    [
        ("yolox_nano", {}, r"last\.pt: the embedding of yolox_nano is learned by mot-train fit alone"),
        ("rtmdet_nano", {"embedding": {}}, r"last\.pt: its recipe gives the embedding no looks; --set embedding"),
    ],
)
def test_no_such_lesson(architecture: str, settings: dict[str, Any], message: str, data: Path, tmp_path: Path) -> None:
    start = checkpoint(tmp_path / "last.pt", architecture, **settings)
    with pytest.raises(MotError, match=message):
        teach(start, data, tmp_path / "embedded.pt")


def test_an_architecture_that_cannot_be_changed_and_a_folder_in_the_place(data: Path, tmp_path: Path) -> None:
    start = checkpoint(tmp_path / "last.pt")
    with pytest.raises(MotError, match=r"last\.pt: it is of rtmdet_nano, which --set architecture cannot change"):
        teach(start, data, tmp_path / "embedded.pt", "architecture=yolox_nano")
    with pytest.raises(MotError, match=r": a folder; name the file"):
        teach(start, data, tmp_path)


def test_looks_of_other_labels_are_made_anew(data: Path, tmp_path: Path) -> None:
    start, output = checkpoint(tmp_path / "last.pt"), tmp_path / "embedded.pt"
    with pytest.raises(KeyboardInterrupt):
        teach(start, data, output, stop_after=2)
    rows = next((tmp_path / "data").rglob("labels_with_ids/**/*.txt"))
    first, *others = rows.read_text().splitlines()
    rows.write_text("\n".join([first.replace(first.split()[2], "0.5"), *others]) + "\n")
    assert teach(start, data, output)[0] == f"{output}.looks is of other weights or data; made anew"


def test_nobody_to_tell_apart(tmp_path: Path) -> None:
    data = write_people(tmp_path / "one", 4, most=1)
    with pytest.raises(MotError, match=r"data\.json: 1 identities; an embedding learns to tell two apart"):
        teach(checkpoint(tmp_path / "last.pt"), data, tmp_path / "embedded.pt")


def test_a_scale_becomes_part_of_the_weights() -> None:
    torch.manual_seed(0)
    layer, values = torch.nn.Conv2d(6, 4, 1), 3 + 5 * torch.randn(50, 6)
    normal = _Normal.of(values)
    apply = lambda given: torch.nn.functional.linear(given, layer.weight.flatten(1), layer.bias)  # noqa: E731
    expected = apply(normal.apply(values))
    np.testing.assert_allclose(normal.apply(values).mean(0), np.zeros(6), atol=1e-5)
    normal.fold_into(layer)
    torch.testing.assert_close(apply(values), expected, atol=1e-4, rtol=1e-4)


def test_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start, output = checkpoint(tmp_path / "last.pt"), tmp_path / "embedded.pt"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["embedding", str(start), str(output), "--data", str(data), "--set", "embedding.looks=1"])
    printed = capsys.readouterr().out
    assert "look 1 of 1, 4 of 4" in printed and f"checkpoint: {output}" in printed and output.is_file()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_is_broken_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    start, broken = checkpoint(tmp_path / "last.pt"), data.parent / "drawn/images/004.png"
    broken.write_bytes(b"no image")
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["embedding", str(start), str(tmp_path / "out.pt"), "--data", str(data), "--set", f"workers={workers}"])
    assert capsys.readouterr().err == f"error: {broken}: missing or no readable image\n"


def test_fit_ends_with_it_where_the_recipe_says_so(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, out = checkpoint(tmp_path / "start.pt"), tmp_path / "run"
    settings = [
        "architecture=rtmdet_nano",
        "width=96",
        "height=64",
        "batch_size=5",
        "epochs=1",
        "workers=0",
        "cache=false",
    ]
    settings += ["init=checkpoint", f"init_path={start}", "embedding.looks=1", "embedding.passes=1", "max_objects=8"]
    options = [option for setting in settings for option in ("--set", setting)]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["fit", "--data", str(data), "--output", str(out), "--accelerator", "cpu", *options])
    assert f"next: mot-export model {out / 'embedded.pt'}" in capsys.readouterr().out
    assert network(out / "embedded.pt")


def test_fit_ends_well_where_there_is_no_such_lesson(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    settings = ["architecture=yolox_nano", "width=96", "height=64", "batch_size=5", "epochs=1", "workers=0"]
    settings += ["cache=false", "init=none", "init_path=", "embedding.looks=1", "max_objects=8"]
    options = [option for setting in settings for option in ("--set", setting)]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["fit", "--data", str(data), "--output", str(out), "--accelerator", "cpu", *options])
    printed = capsys.readouterr().out
    assert "no lesson for the embedding alone: " in printed and f"next: mot-export model {out / 'last.pt'}" in printed
