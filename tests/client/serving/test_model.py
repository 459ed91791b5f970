"""client.serving.model: what `--model` may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.serving.model import ModelChoice, ModelError, choose_model, graph_of


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return add(tmp_path / "repository", "people")


def add(repository: Path, name: str, *versions: str) -> Path:
    """Add a model's folder to a repository; the files are empty, as nobody reads them here."""
    for version in versions or ("1",):
        folder = repository / name / version
        folder.mkdir(parents=True)
        (folder / "model.onnx").touch()
    return repository


def test_nothing_is_the_default_model() -> None:
    assert choose_model(None) == ModelChoice(name="fairmot")


def test_an_onnx_file(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").touch()
    assert choose_model(str(tmp_path / "mine.onnx")) == ModelChoice(graph=tmp_path / "mine.onnx")


def test_a_repository_of_one_model_and_its_folder_are_that_model(people: Path) -> None:
    wanted = ModelChoice(repository=people, name="people")
    assert choose_model(str(people)) == choose_model(str(people / "people")) == wanted


def test_a_version_by_itself(people: Path) -> None:
    assert choose_model(str(people / "people/1")) == ModelChoice(graph=people / "people/1/model.onnx")


def test_a_folder_named_from_within(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(people / "people")
    assert choose_model(".") == ModelChoice(repository=people, name="people")


def test_a_repository_of_several_has_a_default(people: Path) -> None:
    add(people, "birds")
    with pytest.raises(ModelError, match=r"holds several models, birds, people; give the folder of one"):
        choose_model(str(people))
    add(people, "fairmot")
    assert choose_model(str(people)) == ModelChoice(repository=people, name="fairmot")


def test_a_name_that_is_no_path(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_model("people") == ModelChoice(name="people")
    monkeypatch.chdir(people)
    assert choose_model("people") == ModelChoice(repository=people, name="people")
    assert choose_model("people", elsewhere=True) == ModelChoice(name="people")  # a server knows no path of ours


@pytest.mark.parametrize("elsewhere", [False, True])
def test_sizes_of_the_family(elsewhere: bool) -> None:
    names = [choose_model(size, elsewhere=elsewhere).name for size in ("fast", "default", "accurate")]
    assert names == ["fairmot_fast", "fairmot", "fairmot_accurate"]


@pytest.mark.parametrize("wanted", ["mine.onnx", "./people", "/models/people"])
def test_a_server_elsewhere_takes_names_alone(wanted: str) -> None:
    with pytest.raises(ModelError, match=f"{wanted}: a server elsewhere has models of its own; give --model its NAME"):
        choose_model(wanted, elsewhere=True)


@pytest.mark.parametrize("wanted", ["nowhere.onnx", "no/where", "./nowhere"])
def test_a_path_that_is_not_there(wanted: str) -> None:
    with pytest.raises(ModelError, match=r"nowhere|no/where: no such model; give an ONNX file"):
        choose_model(wanted)


def test_a_folder_without_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model \(NAME/1/model\.onnx\)"):
        choose_model(str(tmp_path))


def test_a_checkpoint_says_how_to_export_it(tmp_path: Path) -> None:
    (tmp_path / "last.pt").touch()
    with pytest.raises(ModelError, match=r"export it first: mot-export model .*last\.pt"):
        choose_model(str(tmp_path / "last.pt"))


def test_the_newest_version_is_taken_as_triton_does(people: Path) -> None:
    add(people, "grown", "2", "10", "draft")
    assert graph_of(people, "grown") == people / "grown/10/model.onnx"


def test_a_model_that_the_repository_has_not(people: Path) -> None:
    with pytest.raises(ModelError, match=r"fairmot/1/model\.onnx: no such model file; it has people \(--model NAME\)"):
        graph_of(people, "fairmot")
    with pytest.raises(ModelError, match="give a repository as mot-export writes it"):
        graph_of(people / "nowhere", "fairmot")
