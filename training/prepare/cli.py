"""The command ``mot-train data``: published data sets to training data, and checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from client import terminal
from mot.splits import Convention
from training.data.configuration import Split
from training.prepare.command import (
    HalfOption,
    Ids,
    MotSource,
    Name,
    Output,
    SplitOption,
    console,
    convert_and_report,
    resumable,
    say,
)

data_app = typer.Typer(
    help="Prepare and check training data. Each command adds a data set to OUTPUT/data.json; images are linked, not "
    "copied; a second run changes nothing, and a stopped one goes on.",
    no_args_is_help=True,
)


@data_app.command()
def crowdhuman(
    source: Annotated[Path, typer.Argument(help="Folder of annotation_*.odgt and of the unpacked archives.")],
    output: Output,
    ids: Ids = "none",
    val: Annotated[Split, typer.Option(help="Where annotation_val.odgt goes; FairMOT trains on both.")] = "test",
    name: Name = "crowdhuman",
) -> None:
    """CrowdHuman: full-body boxes of everyone not marked to be ignored.

    Example: mot-train data crowdhuman CrowdHuman --ids per-box --output runs/crowdhuman
    """
    from training.prepare.crowdhuman import crowdhuman_pictures

    with resumable():
        splits = crowdhuman_pictures(source, ids)
        expected = {"train": 15000, "test": 4370}
        if val == "train":
            splits, expected = {"train": splits["train"] + splits["test"], "test": []}, {"train": 19370}
        convert_and_report(output, name, splits, expected)


@data_app.command()
def mot15(
    source: MotSource, output: Output, split: SplitOption = "full", half: HalfOption = "bytetrack", name: Name = "mot15"
) -> None:
    """MOT15. A missing seqinfo.ini is written into the sequence's folder (else to OUTPUT/NAME/seqinfo).

    Example: mot-train data mot15 2DMOT2015 --output runs/mot15
    """
    _mot(source, output, split, half, name, seqinfo=True)


@data_app.command()
def mot16(
    source: MotSource, output: Output, split: SplitOption = "full", half: HalfOption = "bytetrack", name: Name = "mot16"
) -> None:
    """MOT16.

    Example: mot-train data mot16 MOT16 --output runs/mot16
    """
    _mot(source, output, split, half, name, expected=5316)


@data_app.command()
def mot17(
    source: MotSource,
    output: Output,
    split: SplitOption = "full",
    half: HalfOption = "bytetrack",
    detector: Annotated[
        Literal["SDP", "FRCNN", "DPM"], typer.Option(help="Whose folders: the three have the same images.")
    ] = "SDP",
    name: Name = "mot17",
) -> None:
    """MOT17.

    Example: mot-train data mot17 MOT17 --split half --half bytetrack --output runs/mot17_half
    """
    _mot(source, output, split, half, name, detector=detector, expected=5316)


@data_app.command()
def mot20(
    source: MotSource, output: Output, split: SplitOption = "full", half: HalfOption = "bytetrack", name: Name = "mot20"
) -> None:
    """MOT20. Boxes stay whole; training cuts them to the image (augment.clip_boxes, in the recipe mot20).

    Example: mot-train data mot20 MOT20 --output runs/mot20
    """
    _mot(source, output, split, half, name, expected=8931)


@data_app.command()
def mix(
    source: Annotated[Path, typer.Argument(help="Folder of Caltech, Citypersons, CUHKSYSU, ETHZ, MOT17, PRW.")],
    output: Output,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Only this one; can be repeated.")] = None,
    lists: Annotated[Path | None, typer.Option(help="Folder of FairMOT's or JDE's list files (src/data).")] = None,
) -> None:
    """The MIX of JDE and FairMOT: data sets that come with labels_with_ids; those that are missing are reported.

    Example: mot-train data mix MIX --lists FairMOT/src/data --output runs/mix
    """
    from training.prepare.mix import prepare_mix

    table = Table("data set", "found", "expected", "test", "unlabelled", "people", "left out", title="MIX")
    with resumable():
        for adopted in prepare_mix(source, output, sets, lists):
            cells = [adopted.name, "missing", str(adopted.expected)]
            if adopted.found is not None:
                train, test = adopted.converted["train"], adopted.converted["test"]
                numbers = (len(test.images), adopted.found.unlabelled, train.people + test.people)
                cells[1] = str(len(train.images))
                cells += [*map(str, numbers), str(train.left_out + test.left_out)]
            table.add_row(*cells)
    console.print(table)
    say(f"data configuration: {output / 'data.json'}")


@data_app.command()
def coco(
    annotations: Annotated[Path, typer.Argument(help="Such as annotations/instances_train2017.json.")],
    images: Annotated[Path, typer.Argument(help="Folder of its images, such as train2017.")],
    output: Output,
    split: Annotated[Split, typer.Option(help="Which split of data.json.")] = "train",
    ids: Ids = "none",
    people_only: Annotated[bool, typer.Option("--people-only", help="Leave out images without people.")] = False,
    name: Name = "coco",
) -> None:
    """COCO's format: categories person and pedestrian; crowds become ignored regions.

    Example: mot-train data coco annotations/instances_train2017.json train2017 --people-only --output runs/coco
    """
    from training.prepare.coco import coco_pictures

    with resumable():
        convert_and_report(output, name, {split: coco_pictures(annotations, images, ids, people_only=people_only)})


@data_app.command()
def voc(
    source: Annotated[Path, typer.Argument(help="Folder of Annotations and JPEGImages.")],
    output: Output,
    image_set: Annotated[str | None, typer.Option(help="Such as trainval: only ImageSets/Main/trainval.txt.")] = None,
    split: Annotated[Split, typer.Option(help="Which split of data.json.")] = "train",
    ids: Ids = "none",
    name: Name = "voc",
) -> None:
    """Pascal VOC's format: objects person and pedestrian; difficult ones become ignored regions.

    Example: mot-train data voc VOCdevkit/VOC2012 --image-set trainval --output runs/voc
    """
    from training.prepare.voc import voc_pictures

    with resumable():
        convert_and_report(output, name, {split: voc_pictures(source, image_set, ids)})


@data_app.command()
def shipped(
    source: Annotated[Path, typer.Argument(help="Folder of the research data.")],
    output: Annotated[Path, typer.Option(help="Where to put the training set.")] = Path("runs/data"),
) -> None:
    """Build the training set of the shipped default model."""
    from training.prepare.shipped import prepare_shipped

    with resumable():
        config = prepare_shipped(source, output, console.print)
    say(f"data configuration: {config}")


@data_app.command()
def check(
    config: Annotated[Path, typer.Argument(help="A data.json.")],
    sheet: Annotated[Path | None, typer.Option(help="Draw some images with their boxes into this PNG.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read only the headers of images.")] = False,
    limit: Annotated[int, typer.Option(help="Faults to print; 0: all.", min=0)] = 50,
) -> None:
    """Look for faults in images and labels; exit status 1 if there are errors (warnings do not count).

    Example: mot-train data check runs/data/data.json --sheet contact.png
    """
    from training.prepare.check import check_config
    from training.prepare.report import fault_lines, height_histogram, overview

    with resumable():
        reports = check_config(config, decode=not fast)
    if sheet is not None:
        from training.prepare.sheet import write_sheet

        write_sheet(sheet, reports)
    faults = sorted((fault for report in reports for fault in report.all_faults()), key=lambda fault: not fault.error)
    for line in fault_lines(faults, limit or len(faults)):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(overview(reports))
    console.print(height_histogram(reports))
    if sheet is not None:
        say(f"contact sheet: {sheet}")
    if any(fault.error for fault in faults):
        raise typer.Exit(1)


def _mot(
    source: Path,
    output: Path,
    split: Literal["full", "half"],
    half: Convention,
    name: str,
    *,
    detector: str | None = None,
    expected: int | None = None,
    seqinfo: bool = False,
) -> None:
    """What the four MOTChallenge commands share."""
    from training.prepare.mot15 import complete_seqinfo
    from training.prepare.mot_challenge import find_sequences, mot_pictures, open_sequences

    with resumable():
        sequences = open_sequences(find_sequences(source, detector), output / name / "images")
        for sequence in sequences:
            if len(sequence.frames) < sequence.length:
                missing = f"{len(sequence.frames)} of {sequence.length} frames are there"
                terminal.show("warning", f"{sequence.folder}: {missing}")
            if seqinfo and (written := complete_seqinfo(sequence, output / name / "seqinfo")):
                say(f"written: {written}")
        pictures = mot_pictures(sequences, half if split == "half" else None)
        convert_and_report(output, name, pictures, {} if expected is None or split == "half" else {"train": expected})
