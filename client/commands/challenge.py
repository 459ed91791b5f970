"""The command ``mot challenge``; heavy packages are imported by the commands that need them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from client.commands.grouped import grouped
from client.commands.options import (
    ConfThres,
    Jobs,
    Model,
    NetworkOptions,
    OldOut,
    Overwrite,
    TrackerOptions,
)

if TYPE_CHECKING:
    from client.challenge.submission import Submission

app = typer.Typer(help="MOTChallenge: track a benchmark, make the zip for its server.", no_args_is_help=True)

_Benchmark = Annotated[
    Literal["MOT15", "MOT16", "MOT17", "MOT20"] | None,
    typer.Option(help="By default, the one that the sequences are of."),
]
_Results = Annotated[Path, typer.Argument(help="Folder with SEQUENCE.txt for each sequence of the test set.")]


@app.command()
@grouped
def track(
    root: Annotated[Path, typer.Option(help="The benchmark's folder, with train/ and test/; or one of these.")],
    split: Annotated[
        Literal["train", "test", "train-half", "val-half"],
        typer.Option(help="Halves are of the training sequences; results keep the original frame numbers."),
    ],
    half: Annotated[
        Literal["bytetrack", "fairmot"],
        typer.Option(help="Where sequences are halved: MOT17-09's val-half is 264-525, or by fairmot 263-525."),
    ] = "bytetrack",
    benchmark: _Benchmark = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for the results; by default out/BENCHMARK/SPLIT.", show_default=False
        ),
    ] = None,
    out: OldOut = None,
    jobs: Jobs = 4,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="INDEX/COUNT",
            envvar="MOT_SHARE",
            help="Track this share of the sequences, INDEX from 0, e.g. 2/7 on the third of seven machines that write "
            "to one folder; then `mot challenge zip`.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    detections: Annotated[
        str | None,
        typer.Option(
            metavar="public|PATH",
            help="Follow given people, without a network: public for each sequence's det/det.txt, or a folder with "
            "SEQUENCE.txt for each, or a file for a single sequence.",
        ),
    ] = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Write SEQUENCE.embeddings.npz, too, for `mot refine --link-gap`.")
    ] = False,
    conf_thres: ConfThres = None,
    *,
    tracker: TrackerOptions,
    model: Model = None,
    network: NetworkOptions,
) -> None:
    """Track every sequence of a split: OUTPUT/SEQUENCE.txt for each.

    Each appears whole or not at all, with a record of its settings beside it:
    the same command again keeps what is finished and goes on with the rest;
    results of other settings are replaced with --overwrite alone. Of MOT17, each video
    is tracked once, and its result written under each detector's name; with
    --detections each sequence is tracked for itself. A test split ends with
    the zip for the server, OUTPUT/BENCHMARK.zip, but not a --share of it. What
    was tracked without --embeddings is tracked again with it.

    Scores of --detections stay as they are: choose --conf-thres and the
    tracker's thresholds for that detector.

    [bold]Examples[/]

    mot challenge track --root MOT17 --split val-half
    mot challenge track --root MOT17 --split test --url gpu-host:8001 --jobs 7
    mot challenge track --root MOT17 --split test --share 0/2 --output /shared/out
    mot challenge track --root MOT20 --split test --conf-thres 0.3
    mot challenge track --root MOT17 --split train --detections public
    mot challenge track --root MOT17 --split val-half --embeddings
    mot refine out/MOT17/val-half --link-gap 30
    mot eval MOT17/train out/MOT17/val-half --split val-half
    """
    if embeddings and detections is not None:
        raise typer.BadParameter("given detections have no embeddings", param_hint="--embeddings")

    config = network.config(model, needed=detections is None)

    from client.challenge.jobs import jobs_of
    from client.challenge.share import Share
    from client.challenge.task import find_challenge
    from client.commands.running import track_sequences
    from client.terminal import show

    part = None if share is None else Share.parse(share)
    found = find_challenge(root, split, benchmark=benchmark, convention=half, detections=detections)
    tasks = found.tasks if part is None else part.of(found.tasks)
    folder = output or out or Path("out") / (found.benchmark or root.resolve().name) / split
    if found.missing:
        missing = ", ".join(found.missing)
        show("warning", f"{found.benchmark} has {len(found.missing)} more sequences in this split: {missing}")
    if not tasks:
        show("note", f"share {part} has no sequence: there are {len(found.tasks)} in this split")
        return
    outcomes = track_sequences(
        found.benchmark or "sequences",
        jobs_of(
            tasks,
            folder,
            network=config,
            tracker=tracker.spec(conf_thres),
            embeddings=embeddings,
        ),
        side_by_side=jobs,
        overwrite=overwrite,
    )
    failed = any(outcome.state == "failed" for outcome in outcomes)
    if found.benchmark and split == "test" and part is None and not failed:
        zip_results(folder, found.benchmark)
    if failed:
        raise typer.Exit(1)


@app.command("zip")
def zip_results(
    results: _Results,
    benchmark: _Benchmark = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="By default RESULTS/BENCHMARK.zip.", show_default=False)
    ] = None,
    if_complete: Annotated[
        bool,
        typer.Option(
            "--if-complete",
            help="Sequences that are missing or under way are no fault: others are still at them, and the last zips.",
        ),
    ] = False,
) -> None:
    """Check the results of a test set, and write the zip that the server takes.

    The same results give the same bytes, so it does no harm that two who have
    finished at once with --if-complete both write it.

    [bold]Examples[/]

    mot challenge zip out/MOT17/test
    mot challenge zip out/MOT17/test -o MOT17-byte.zip
    mot challenge zip /shared/out --if-complete
    """
    from client.challenge.submission import check_submission, write_zip
    from client.terminal import show

    submission = check_submission(results, benchmark)
    if if_complete and submission.pending:
        waiting = ", ".join(submission.pending)
        show("note", f"{results}: not complete yet, no zip: {waiting}")
        return
    path = output or results / f"{submission.benchmark}.zip"
    write_zip(submission, path)
    typer.echo(f"{path}: {_counts(submission)}")


@app.command()
def check(results: _Results, benchmark: _Benchmark = None) -> None:
    """Check the results of a test set as `zip` does, and write nothing; status 1 where the server would refuse them.

    [bold]Examples[/]

    mot challenge check out/MOT17/test
    """
    from client.challenge.submission import check_submission
    from client.terminal import show

    submission = check_submission(results, benchmark)
    for fault in submission.faults:
        show("error", fault)
    if submission.faults:
        raise typer.Exit(1)
    typer.echo(f"{results}: {_counts(submission)}")


def _counts(submission: Submission) -> str:
    return f"{submission.benchmark}, {len(submission.rows)} sequences, {sum(submission.rows.values())} rows, no fault"
