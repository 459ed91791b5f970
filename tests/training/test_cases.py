"""People's real files, in small: each case once went wrong silently or in a traceback.

The cases that are about signals and workers (train-plain, stop-while-reading) are run in test_cli on data of the
tests' own; export-parity-refused in tests/export/test_export.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from export import cli as export_cli
from mot.errors import MotError
from training.cli import main
from training.data.configuration import Split, read_config, read_list
from training.data.labels import label_path, read_labels

pytestmark = pytest.mark.data

SHIPPED = Path(__file__).resolve().parents[2] / "training/pretrained/fairmot.pt"

BOX = [0, -1, 0.208333, 0.468750, 0.208333, 0.625000]  # 10, 10, 20, 40 in 96x64
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def case(mot_cases: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the case that the test names."""
    return Path(shutil.copytree(mot_cases / "training-and-export" / request.param, tmp_path / "case", symlinks=True))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``mot-train data`` in this process: its status, and all that it says."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["data", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        assert isinstance(stopped.value.code, int)
        return stopped.value.code, captured.out + captured.err

    return run


def labels(output: Path, split: Split = "train") -> dict[str, list[list[float]]]:
    """Label rows by image name, as training would read them."""
    return {image.name: read_labels(label_path(image)).astype(float).tolist() for image in images(output, split)}


def images(output: Path, split: Split) -> list[Path]:
    config = read_config(output / "data.json")
    lists = [read_list(config, name, listing) for name, listing in config.lists[split].items()]
    return [image for listed in lists for image in listed.values()]


def of(case: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case], indirect=True, ids=[case])


@of("coco-train-val-same-names")
def test_splits_never_share_a_place(case: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("coco", case / "train.json", case / "train", "--output", out)[0] == 0
    assert run("coco", case / "val.json", case / "val", "--split", "test", "--output", out)[0] == 0
    np.testing.assert_allclose(labels(out)["000001.jpg"], [BOX], atol=1e-6)
    assert len(labels(out, "test")["000001.jpg"]) == 2
    assert {image.resolve().parent.name for image in images(out, "train")} == {"train"}
    assert {image.resolve().parent.name for image in images(out, "test")} == {"val"}


@of("coco-two-files-one-name")
def test_a_second_source_under_one_name_is_refused(case: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("coco", case / "a.json", case / "a", "--output", out)[0] == 0
    status, said = run("coco", case / "b.json", case / "b", "--output", out)
    assert status == 1
    assert "data set 'coco' was made from" in said and "choose another --name" in said
    assert set(labels(out)) == {"000001.jpg", "000002.jpg"}
    assert run("coco", case / "b.json", case / "b", "--output", out, "--name", "second")[0] == 0
    assert set(labels(out)) == {"000001.jpg", "000002.jpg", "x1.jpg", "x2.jpg"}
    assert run("coco", case / "b.json", case / "b", "--output", out, "--overwrite")[0] == 0
    assert set(labels(out)) == {"x1.jpg", "x2.jpg"}


@of("coco-category-id-text")
def test_category_ids_as_text(case: Path, run: Run, tmp_path: Path) -> None:
    assert run("coco", case / "a.json", case / "images", "--output", tmp_path / "out")[0] == 0
    np.testing.assert_allclose(labels(tmp_path / "out")["a.jpg"], [BOX], atol=1e-6)


@of("coco-image-id-unknown")
def test_an_annotation_of_no_image(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("coco", case / "a.json", case / "images", "--output", tmp_path / "out")
    assert status == 1
    assert "nobody was found in 1 images; left out: 1 of images that are not listed (such as 7)" in said


@of("coco-empty-bbox")
def test_an_empty_box_is_left_out(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("coco", case / "a.json", case / "images", "--output", tmp_path / "out")
    assert status == 0
    assert "rows left out: 1 without a box" in said
    assert {name: len(rows) for name, rows in labels(tmp_path / "out").items()} == {"a.jpg": 1, "b.jpg": 0}


@of("coco-segmentation-only")
def test_a_box_around_the_segmentation(case: Path, run: Run, tmp_path: Path) -> None:
    assert run("coco", case / "a.json", case / "images", "--output", tmp_path / "out")[0] == 0
    np.testing.assert_allclose(labels(tmp_path / "out")["a.jpg"], [BOX], atol=1e-6)


@of("mot-images-from-0")
def test_the_nth_picture_is_frame_n(case: Path, run: Run, tmp_path: Path) -> None:
    assert run("mot16", case, "--output", tmp_path / "out")[0] == 0
    found = {name: [row[2] for row in rows] for name, rows in labels(tmp_path / "out").items()}
    for name, centre in (("000000.jpg", 0.15625), ("000001.jpg", 0.364583), ("000002.jpg", 0.572917)):
        np.testing.assert_allclose(found[name], [centre], atol=1e-6)


@of("mot-mac-hidden")
def test_hidden_files_are_no_pictures(case: Path, run: Run, tmp_path: Path) -> None:
    assert run("mot16", case, "--output", tmp_path / "out")[0] == 0
    assert set(labels(tmp_path / "out")) == {"000001.jpg", "000002.jpg"}


@of("mot-class-minus-1")
def test_classes_that_are_there_are_named(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("mot16", case, "--output", tmp_path / "out")
    assert status == 1
    assert "nobody was found in 2 images; left out: 2 class -1" in said


@of("mot-gt-beyond")
def test_rows_of_frames_that_are_not_there(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("mot16", case, "--output", tmp_path / "out")
    assert status == 0
    assert "rows left out: 2 in frames without a picture" in said


@of("voc-no-person-class")
def test_a_set_without_people_is_an_error(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("voc", case, "--output", tmp_path / "out")
    assert status == 1
    assert "nobody was found in 1 images; left out: 1 class people, 1 class worker" in said


@of("voc-size-differs")
def test_another_size_than_the_picture_s_is_refused(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("voc", case, "--output", tmp_path / "out")
    assert status == 1
    assert "a.jpg: is 96x64, but " in said and "says 192x128" in said
    xml = case / "Annotations/a.xml"
    xml.write_text(xml.read_text().replace(">192<", ">0<"))  # unknown
    assert run("voc", case, "--output", tmp_path / "other")[0] == 0


@pytest.mark.parametrize("case", ["voc-filename-no-extension", "voc-png", "voc-latin1"], indirect=True, ids=str)
def test_other_people_s_voc(case: Path, run: Run, tmp_path: Path) -> None:
    assert run("voc", case, "--output", tmp_path / "out")[0] == 0
    ((rows),) = labels(tmp_path / "out").values()
    np.testing.assert_allclose(rows, [BOX], atol=1e-6)


@of("mix-symlinked-images")
def test_links_to_folders_are_followed(case: Path, run: Run, tmp_path: Path) -> None:
    for name, target in (("images", "PRW-images"), ("labels_with_ids", "PRW-labels")):
        (case / "MIX/PRW" / name).symlink_to(f"../../disk/{target}")
    assert run("mix", case / "MIX", "--set", "prw", "--output", tmp_path / "out")[0] == 0
    assert [len(rows) for rows in labels(tmp_path / "out").values()] == [1]


@of("bom")
def test_a_byte_order_mark_is_accepted_everywhere(case: Path, run: Run, tmp_path: Path) -> None:
    for number, command in enumerate(
        (("coco", case / "coco.json", case / "images"), ("crowdhuman", case / "CrowdHuman"), ("voc", case / "voc"))
    ):
        out = tmp_path / str(number)
        assert run(*command, "--output", out)[0] == 0
        assert sum(map(len, labels(out).values())) == 1
    for name in ("data.json", "data-nobom.json", "data-nobom2.json"):
        assert run("check", case / name)[0] == 0


@of("huge-image")
def test_a_picture_too_large_to_decode_is_one_line(case: Path, run: Run, tmp_path: Path) -> None:
    status, said = run("check", case / "data.json")
    assert status == 1
    assert "a.png: has more than 179 megapixels; make it smaller" in said
    status, said = run("coco", case / "a.json", case / "images", "--output", tmp_path / "out")
    assert status == 1
    assert "has more than 179 megapixels" in said
    assert not (tmp_path / "out/data.json").exists()
    assert json.loads((case / "data.json").read_text())["train"]


@of("validate-frame-numbers")
def test_a_scene_that_counts_otherwise_is_refused_before_the_first_epoch(
    case: Path, mot_cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(mot_cases / "training-and-export/train-plain", tmp_path / "train-plain") / "data.json"
    settings = ["--set", "epochs=1", "--set", "batch_size=4", "--set", "workers=0", "--set", "lr=1e-9"]
    fit = ["fit", "--recipe", "custom", "--data", str(data), "--output", str(tmp_path / "out"), "--accelerator", "cpu"]
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                *fit,
                *settings,
                "--validate",
                str(case / "mot-images-from-6"),
            ]
        )
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert "000006.jpg: is image 1 of its folder, hence frame 1, but " in said
    assert "number the images from 1 without gaps, and the labels likewise" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("repo/people",), "Triton wants a model's folder to bear the model's name"),
        (("fairmot", "--width", "96", "--height", "64", "--top-k", "500"), "has 384 cells for people"),
    ],
    ids=["export-directory-name", "export-top-k"],
)
def test_exports_that_are_refused_at_once(
    mot_cases: Path, tmp_path: Path, more: tuple[str, ...], complaint: str
) -> None:
    output, *options = more
    arguments = ["model", str(SHIPPED), "--output", str(tmp_path / output), *options]
    result = CliRunner().invoke(export_cli.app, arguments)
    assert isinstance(result.exception, MotError)
    assert complaint in str(result.exception)
    assert not (tmp_path / output).exists()
