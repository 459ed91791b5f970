"""The command ``mot eval``. Parses, calls and prints; heavy packages are imported when it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mot.errors import MotError
from mot.files import whole_file

if TYPE_CHECKING:
    from client.evaluation.measures import Evaluation


_Benchmark = Literal["MOT15", "MOT16", "MOT17", "MOT20"]


def evaluate(
    ground_truth: Annotated[Path, typer.Argument(help="gt.txt, or a folder of sequences.")],
    result: Annotated[Path, typer.Argument(help="Result file, or a folder with SEQUENCE.txt for each.")],
    benchmark: Annotated[
        _Benchmark, typer.Option(help="Whose rules: MOT15 scores every label; the others remove distractors first.")
    ] = "MOT17",
    protocol: Annotated[_Benchmark | None, typer.Option("--protocol", hidden=True)] = None,  # its former name
    against: Annotated[
        Path | None, typer.Option(help="Another result, file or folder: shows what got better and which frames broke.")
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Show errors by cause, by height and by visible part; in --json, too.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="How many stretches of broken frames to show.")] = 10,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots (PNG) and report.html.")] = None,
    split: Annotated[
        Literal["train-half", "val-half"] | None, typer.Option(help="Score one half of every sequence.")
    ] = None,
    half: Annotated[
        Literal["bytetrack", "fairmot"],
        typer.Option(help="Where halves are cut: fairmot trains on frames 1 to N//2, bytetrack on one more."),
    ] = "bytetrack",
    numbering: Annotated[
        Literal["auto", "original", "from-1"],
        typer.Option(help="How results of a half count frames: as the sequence does, or from 1; auto: by their rows."),
    ] = "auto",
    seqmap: Annotated[
        Path | None, typer.Option(help="Score only these sequences: a header 'name', then one name a line.")
    ] = None,
    start: Annotated[int, typer.Option(min=1, help="First frame, counted from 1.")] = 1,
    end: Annotated[int | None, typer.Option(min=1, help="Last frame; by default the last one there is.")] = None,
    length: Annotated[
        int | None, typer.Option(min=1, help="Frames of the whole sequence, where no seqinfo.ini says it.")
    ] = None,
    hz: Annotated[float | None, typer.Option(min=0.01, help="Frames per second, to be shown with the rest.")] = None,
    name: Annotated[str, typer.Option(help="The ground truth's file name in SEQUENCE/gt.")] = "gt.txt",
    json: Annotated[Path | None, typer.Option(help="Write unrounded values to this file, too.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write unrounded values to this file, too.")] = None,
) -> None:
    """Score results by TrackEval: all twenty measures of the MOTChallenge page.

    [bold]Examples[/]

    mot eval gt.txt out/street.txt
    mot eval MOT17/train out --json scores.json --plots plots
    mot eval MOT17/train new --against old --plots plots
    mot eval gt.txt out/street.txt --errors              what to mend
    mot eval MOT17/train out --split val-half --half fairmot
    mot eval MOT17/train out --split val-half --name gt_val_half.txt
    mot eval MOT17/train out --seqmap seqmaps/MOT17-train.txt
    mot eval PETS09-S2L1/gt/gt.txt out/vtest.txt --benchmark MOT15 --start 398
    """
    if split is not None and (start > 1 or end is not None):
        raise typer.BadParameter("a half has its own first and last frame", param_hint="--split")
    if against is not None and csv is not None:
        raise typer.BadParameter("a comparison is written by --json", param_hint="--csv")

    if against == result:
        raise typer.BadParameter("is the result itself", param_hint="--against")

    from rich.console import Console

    from client.commands.evaluation_tables import comparison_tables, error_tables, score_tables
    from client.evaluation.comparison import compare
    from client.evaluation.evaluate import evaluate as score

    scored = {
        str(path): score(
            ground_truth,
            path,
            protocol or benchmark,
            name=name,
            seqmap=seqmap,
            split=split,
            half=half,
            numbering=numbering,
            start=start,
            end=end,
            length=length,
            hz=hz,
            processes=os.cpu_count() or 1,
        )
        for path in (result, against)
        if path is not None
    }
    for label, evaluation in scored.items():
        _show_remarks(label, evaluation)
    first, *others = scored.values()
    comparison = compare(first, others[0], top) if others else None
    if comparison is None:
        tables, document = score_tables(first), first.to_json(errors=errors)
    else:
        tables, document = comparison_tables(comparison, top), comparison.to_json(errors=errors)
        typer.echo("".join(f"{side}: {label}\n" for side, label in zip("AB", scored, strict=True)))
    if errors:
        for side, evaluation in zip("AB", scored.values(), strict=False):
            tables += error_tables(evaluation, side if comparison else "")
    for table in tables:
        Console().print(table)
    for path, text in ((json, document), (csv, first.to_csv())):
        if path is not None:
            _save(path, text)
    if plots is not None:
        from client.evaluation.report import write_report

        typer.echo(write_report(plots, scored, comparison))


def _show_remarks(label: str, evaluation: Evaluation) -> None:
    from client.terminal import show

    for warning in evaluation.warnings:
        show("warning", warning)
    if evaluation.renumbered:
        names = ", ".join(evaluation.renumbered)
        show("note", f"{label}: frames counted from 1 within the half: {names} (--numbering original, if not)")


def _save(path: Path, text: str) -> None:
    try:
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MotError(f"{path}: cannot be written: {error.strerror}; choose another file") from error
