"""The command ``mot tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from client.commands.grouped import grouped
from client.commands.options import (
    NetworkOptions,
    TrackerOptions,
)


@grouped
def tune(
    sequences: Annotated[
        list[str],
        typer.Argument(metavar="SEQUENCE", help="Folders with gt/gt.txt, or VIDEO=GT.txt; two or more are better."),
    ],
    recordings: Annotated[
        Path, typer.Option(help="Folder of NAME.npz, what the network finds: read where it fits, else written.")
    ] = Path("recordings"),
    left_out: Annotated[
        list[str] | None,
        typer.Option(help="Judge on this sequence and search on the others; by default on each in turn."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=LOW..HIGH]", help="Search this one; may be repeated. By default all with bounds."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings tried in each search.")] = 100,
    seed: Annotated[int, typer.Option(help="The same one tries the same settings.")] = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write all figures to this JSON file.")] = None,
    *,
    tracker: TrackerOptions,
    benchmark: Annotated[
        Literal["MOT15", "MOT16", "MOT17", "MOT20"], typer.Option(help="How to score, as --benchmark of mot eval.")
    ] = "MOT17",
    name: Annotated[str, typer.Option(help="The labels' file name in SEQUENCE/gt.")] = "gt.txt",
    split: Annotated[
        Literal["train-half", "val-half"] | None, typer.Option(help="Take one half of every sequence.")
    ] = None,
    half: Annotated[
        Literal["bytetrack", "fairmot"], typer.Option(help="Where halves are cut, see mot eval.")
    ] = "bytetrack",
    start: Annotated[int, typer.Option(min=1, help="First frame, counted from 1.")] = 1,
    end: Annotated[int | None, typer.Option(min=1, help="Last frame; by default the last one there is.")] = None,
    network: NetworkOptions,
) -> None:
    """Search a tracker's settings on labelled sequences, and judge them on sequences left out.

    The network runs once over each sequence; settings are tried on what it
    found. They are chosen by the mean of HOTA, MOTA and IDF1. What a search
    is worth is seen on sequences that it has not used: each is left out in
    turn. The plateau shows how far a setting may be moved without losing a
    point; a narrow one is luck. Recordings hold no pictures: of botsort,
    the camera's motion is left out.

    [bold]Examples[/]

    mot tune MOT17/train/MOT17-02-FRCNN MOT17/train/MOT17-09-FRCNN --split val-half
    mot tune mine/a mine/b mine/c --left-out c --trials 300 --output tuned.json
    mot tune street.mp4=street_gt.txt --setting conf_thres=0.3..0.7 --setting coast
    mot tune mine/a mine/b --tracker byte --engine local
    """
    if split is not None and (start > 1 or end is not None):
        raise typer.BadParameter("a half has its own first and last frame", param_hint="--split")

    from rich.console import Console

    from client.commands.tuning_tables import judged_table, plateau_table
    from client.jobs.resolving import model_thresholds
    from client.serving.networks import Networks
    from client.terminal import progress, show
    from client.tuning.labelled import read_labels
    from client.tuning.recordings import recorded
    from client.tuning.space import ranges_of
    from client.tuning.tune import as_options, searches, without_images
    from client.tuning.tune import tune as search

    spec = tracker.spec()
    ranges_of(spec.config(), setting or ())  # refuses settings that there are not, before anything takes time
    config = network.config()
    labels = [
        read_labels(
            given,
            name=name,
            split=split,
            half=half,
            start=start,
            end=end,
            remark=lambda remark: show("warning", remark),
        )
        for given in sequences
    ]
    with Networks() as networks:
        thresholds = model_thresholds(config, lambda: networks.get(config)) if spec.preset == "model" else {}
        labelled = [recorded(one, recordings, config, networks, progress) for one in labels]
    base = without_images(spec.resolved(thresholds).config())
    ranges = ranges_of(base, setting or ())
    out = left_out or []
    with progress("trials", searches(len(labelled), len(out)) * trials) as advance:
        tuning = search(
            labelled,
            base,
            ranges,
            tracker=spec.name,
            benchmark=benchmark,
            left_out=out,
            trials=trials,
            seed=seed,
            watch=advance,
        )
    if not tuning.folds:
        show("warning", "a single sequence: these settings are judged on no other, and may suit this one alone")
    for table in (judged_table(tuning), plateau_table(tuning)):
        Console().print(table)
    changed = {name: value for name, value in tuning.chosen.settings.items() if value != getattr(base, name)}
    typer.echo(as_options(changed) or "nothing better was found: leave the settings as they are")
    if output is not None:
        tuning.save(output)
