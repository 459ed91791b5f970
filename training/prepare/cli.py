"""The command ``mot-train data``: published data sets to training data, and checks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from training.data.configuration import Split
from training.prepare import mot_commands
from training.prepare.command import (
    Ids,
    Name,
    Output,
    Overwrite,
    console,
    convert_and_report,
    resumable,
    say,
    say_left_out,
    say_replaced,
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
    overwrite: Overwrite = False,
) -> None:
    """CrowdHuman: full-body boxes of everyone not marked to be ignored.

    Example: mot-train data crowdhuman CrowdHuman --ids per-box --output runs/crowdhuman
    """
    from training.prepare.crowdhuman import read_crowdhuman

    with resumable():
        expected = {"train": 19370} if val == "train" else {"train": 15000, "test": 4370}
        convert_and_report(output, name, read_crowdhuman(source, ids, val), expected, overwrite=overwrite)


for _command in (mot_commands.mot15, mot_commands.mot16, mot_commands.mot17, mot_commands.mot20):
    data_app.command()(_command)


@data_app.command()
def mix(
    source: Annotated[Path, typer.Argument(help="Folder of Caltech, Citypersons, CUHKSYSU, ETHZ, MOT17, PRW.")],
    output: Output,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Only this one; can be repeated.")] = None,
    lists: Annotated[Path | None, typer.Option(help="Folder of FairMOT's or JDE's list files (src/data).")] = None,
    overwrite: Overwrite = False,
) -> None:
    """The MIX of JDE and FairMOT: data sets that come with labels_with_ids; those that are missing are reported.

    Example: mot-train data mix MIX --lists FairMOT/src/data --output runs/mix
    """
    from training.prepare.mix import prepare_mix

    table = Table("data set", "found", "expected", "test", "unlabelled", "people", "left out", title="MIX")
    left_out: Counter[str] = Counter()
    with resumable():
        adopted = prepare_mix(source, output, sets, lists, overwrite=overwrite)
    for each in adopted:
        cells = [each.name, "missing", str(each.expected)]
        if each.found is not None:
            train, test = each.converted["train"], each.converted["test"]
            own = Counter(train.left_out) + Counter(test.left_out)
            left_out += own
            numbers = (len(test.images), each.found.unlabelled, train.people + test.people, own.total())
            cells[1] = str(len(train.images))
            cells += map(str, numbers)
        table.add_row(*cells)
    console.print(table)
    say_left_out(left_out)
    for each in adopted:
        for split, part in each.converted.items():
            say_replaced(each.name, split, part)
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
    overwrite: Overwrite = False,
) -> None:
    """COCO's format: categories person and pedestrian; crowds become ignored regions.

    Example: mot-train data coco annotations/instances_train2017.json train2017 --people-only --output runs/coco
    """
    from training.prepare.coco import read_coco

    with resumable():
        reading = read_coco(annotations, images, split, ids, people_only=people_only)
        convert_and_report(output, name, reading, overwrite=overwrite)


@data_app.command()
def voc(
    source: Annotated[Path, typer.Argument(help="Folder of Annotations and JPEGImages.")],
    output: Output,
    image_set: Annotated[str | None, typer.Option(help="Such as trainval: only ImageSets/Main/trainval.txt.")] = None,
    split: Annotated[Split, typer.Option(help="Which split of data.json.")] = "train",
    ids: Ids = "none",
    name: Name = "voc",
    overwrite: Overwrite = False,
) -> None:
    """Pascal VOC's format: objects person and pedestrian; difficult ones become ignored regions.

    Example: mot-train data voc VOCdevkit/VOC2012 --image-set trainval --output runs/voc
    """
    from training.prepare.voc import read_voc

    with resumable():
        convert_and_report(output, name, read_voc(source, image_set, split, ids), overwrite=overwrite)


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
