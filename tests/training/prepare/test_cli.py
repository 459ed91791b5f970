from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from mot.sequence import read_seqinfo
from tests.media import numbered_image, write_image
from tests.training.people import write_people
from tests.training.prepare.snapshot import snapshot
from tests.training.prepare.test_crowdhuman import box, write_odgt
from tests.training.prepare.test_mix import labelled
from tests.training.prepare.test_mot_challenge import sequence
from tests.training.prepare.test_voc import entry, write
from training.cli import main
from training.data.samples import load_samples


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["data", *map(str, arguments)])
    code = stopped.value.code
    assert isinstance(code, int)
    return code


def lists(out: Path) -> dict[str, dict[str, int]]:
    """How many images each data set and split of the configuration has."""
    content = json.loads((out / "data.json").read_text())
    return {
        split: {name: len((out / listing).read_text().splitlines()) for name, listing in content[split].items()}
        for split in content
        if split != "root"
    }


@pytest.fixture
def mot(tmp_path: Path) -> Path:
    """Two sequences of four and six frames, in three copies each, as MOT17 has them."""
    for detector in ("DPM", "FRCNN", "SDP"):
        for name, frames in (("02", 4), ("04", 6)):
            gt = "".join(f"{frame},1,10,20,20,40,1,1,1\n" for frame in range(1, frames + 1))
            sequence(tmp_path / f"MOT17/train/MOT17-{name}-{detector}", gt, frames, info=detector != "DPM")
    return tmp_path / "MOT17"


def test_mot17(mot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("mot17", mot, "--out", out) == 0
    assert lists(out) == {"train": {"mot17": 10}}
    said = capsys.readouterr().out
    assert "5316" in said
    assert f"data configuration: {out / 'data.json'}" in said
    samples = load_samples(out / "data.json")
    assert samples.identities == 2
    assert {sample.image.parent.name for sample in samples.samples} == {"MOT17-02-SDP", "MOT17-04-SDP"}
    assert run("check", out / "data.json") == 0
    before = snapshot(out)
    assert run("mot17", mot, "--out", out) == 0
    assert snapshot(out) == before


@pytest.mark.parametrize(("half", "train", "test"), [("fairmot", 5, 5), ("bytetrack", 7, 3)])
def test_halves(mot: Path, tmp_path: Path, half: str, train: int, test: int) -> None:
    out = tmp_path / "out"
    assert run("mot17", mot, "--out", out) == 0
    assert run("mot17", mot, "--out", out, "--split", "half", "--half", half, "--detector", "FRCNN") == 0
    assert lists(out) == {"train": {"mot17": train}, "test": {"mot17": test}}
    assert run("check", out / "data.json") == 0
    assert run("mot17", mot, "--out", out) == 0  # all of it for training: nothing is left to test on
    assert lists(out) == {"train": {"mot17": 10}}


def test_other_years_and_data_sets_in_one_configuration(mot: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for year in ("mot15", "mot16", "mot20"):
        assert run(year, mot / "train", "--out", out) == 0
    assert lists(out) == {"train": {"mot15": 30, "mot16": 30, "mot20": 30}}
    assert read_seqinfo(mot / "train/MOT17-04-DPM/seqinfo.ini").length == 6  # was missing
    assert load_samples(out / "data.json").identities == 18
    assert run("mot20", mot, "--out", out, "--name", "crowd") == 0
    assert set(lists(out)["train"]) == {"crowd", "mot15", "mot16", "mot20"}


def test_missing_frames_at_the_end_are_a_warning(mot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mot / "train/MOT17-02-SDP/img1/000004.jpg").unlink()
    assert run("mot17", mot, "--out", tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert "MOT17-02-SDP/seqinfo.ini: seqLength is 4, but there are 3 images" in captured.err
    assert "rows left out: 1 in frames without a picture" in captured.out


def test_crowdhuman(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "CrowdHuman", tmp_path / "out"
    for name in ("a", "b"):
        write_image(source / f"Images/{name}.jpg", numbered_image(1, 100, 80))
    write_odgt(source / "annotation_train.odgt", {"a": [box([1, 2, 30, 40]), box([200, 2, 30, 40])]})
    write_odgt(source / "annotation_val.odgt", {"b": [box([1, 2, 30, 40])]})
    assert run("crowdhuman", source, "--out", out) == 0
    assert lists(out) == {"train": {"crowdhuman": 1}, "test": {"crowdhuman": 1}}
    assert load_samples(out / "data.json").identities == 0
    assert "15000" in capsys.readouterr().out
    assert run("crowdhuman", source, "--out", out, "--ids", "per-box", "--val", "train") == 0
    assert lists(out) == {"train": {"crowdhuman": 2}}
    assert load_samples(out / "data.json").identities == 2


def test_mix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "mix", tmp_path / "out"
    labelled(source / "PRW/images/a.jpg", 4)
    labelled(source / "ETHZ/eth01/images/a.png", 4, 5)
    assert run("mix", source, "--out", out) == 0
    rows = [line.split("│") for line in capsys.readouterr().out.splitlines()]
    found = {row[1].strip(): (row[2].strip(), row[3].strip()) for row in rows if len(row) > 4}
    assert found == {
        "caltech": ("missing", "26915"),
        "citypersons": ("missing", "2500"),
        "cuhksysu": ("missing", "11206"),
        "eth": ("1", "2056"),
        "mot17": ("missing", "5316"),
        "prw": ("1", "5701"),
    }
    assert lists(out) == {"train": {"eth": 1, "prw": 1}}
    assert load_samples(out / "data.json", ["eth"]).identities == 2
    assert run("mix", source, "--out", out, "--set", "mot18") == 1
    assert "--set mot18: not a data set of the MIX; there are caltech" in capsys.readouterr().err


def test_coco_and_voc(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_image(tmp_path / "VOC/JPEGImages/a.jpg", numbered_image(1, 100, 80))
    write(tmp_path / "VOC", "a", entry("person", (1, 1, 100, 80)))
    assert run("voc", tmp_path / "VOC", "--out", out, "--ids", "per-box") == 0
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 80]}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    assert run("coco", tmp_path / "instances.json", tmp_path / "VOC/JPEGImages", "--out", out, "--split", "test") == 0
    assert lists(out) == {"train": {"voc": 1}, "test": {"coco": 1}}
    assert load_samples(out / "data.json").identities == 1
    assert load_samples(out / "data.json", split="test").samples[0].labels.shape == (1, 6)


def test_check_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_people(tmp_path, 4)
    assert run("check", config, "--sheet", tmp_path / "sheet.png") == 0
    said = capsys.readouterr().out
    row = next(line.split("│") for line in said.splitlines() if line.strip().startswith("drawn"))
    assert [cell.strip() for cell in row] == ["drawn", "4", "0", "7", "0", "3", "0", "0"]
    assert f"contact sheet: {tmp_path / 'sheet.png'}" in said
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None

    labels = tmp_path / "drawn/labels_with_ids/000.txt"
    labels.write_text("0 1 0.5 0.5 0.1 0.1\n0 1 0.5 0.5 0.1 0.1\n0 2 7 0.5 0.1 0.1\n")
    assert run("check", config, "--fast", "--limit", "1") == 1
    said = capsys.readouterr().out
    assert f"error: {labels}:2: id 1 is already in this frame (line 1)" in said
    assert "... and 1 more; --limit 0 prints all" in said
    assert run("check", config, "--limit", "0") == 1
    assert f"error: {labels}:3: '0 2 7 0.5 0.1 0.1' lies outside" in capsys.readouterr().out


def test_a_gap_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_people(tmp_path, 1)
    (tmp_path / "drawn/labels_with_ids/000.txt").write_text("0 1 0.5 0.5 0.1 0.1\n0 3 0.5 0.5 0.1 0.1\n")
    assert run("check", config) == 0
    assert "warning: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [("crowdhuman",), ("mot15",), ("mot17",), ("voc",), ("coco", "images"), ("check",)], ids=str
)
def test_what_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    arguments = [command[0], tmp_path / "gone", *command[1:]]
    assert run(*arguments, *(() if command[0] == "check" else ("--out", tmp_path / "out"))) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "gone" in said
    assert len(said.splitlines()) == 1


def test_an_output_that_cannot_be_written(mot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("a file")
    assert run("mot17", mot, "--out", tmp_path / "out") == 1
    assert "run the same command again" in capsys.readouterr().err
