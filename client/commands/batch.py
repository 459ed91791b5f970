"""The command ``mot batch``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.grouped import grouped
from client.commands.options import (
    ConfThres,
    Model,
    NetworkOptions,
    Overwrite,
    TrackerOptions,
)

if TYPE_CHECKING:
    from client.serving.network import NetworkConfig


_Urls = Annotated[
    list[str] | None,
    typer.Option(
        envvar="MOT_URL",
        help="HOST:PORT of a running Triton server; may be repeated: videos are dealt out to all that answer. By "
        "default one is started and stopped.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class _Network(NetworkOptions):
    url: _Urls = None  # type: ignore[assignment]  # the same option, given more than once

    def configs(self, model: str | None) -> list[NetworkConfig]:
        """As :meth:`NetworkOptions.config`, one for each server."""
        values = {each.name: getattr(self, each.name) for each in fields(NetworkOptions)}
        urls: list[str | None] = [*dict.fromkeys(self.url or [])] or [None]
        return [NetworkOptions(**values | {"url": url}).config(model) for url in urls]


@grouped
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Videos, sequences, folders of them, patterns ('**/*.mp4'), @FILE with an input a line (@- for "
            "standard input), s3://, gs:// and other addresses that fsspec knows where it is installed.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.", show_default=False)],
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Processes on this machine, a video each.")] = 1,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="A Ray cluster instead, a task a video: this machine's, or that of HOST:PORT. It has to reach the "
            "servers (--url, or --engine local), the inputs and --output.",
            show_default=False,
        ),
    ] = None,
    pieces: Annotated[
        float | None,
        typer.Option(
            min=10,
            metavar="SECONDS",
            help="Cut videos that are longer into pieces of so many seconds, which are tracked side by side and "
            "joined by places and looks in the 4 s that two of them share; some ids change there.",
            show_default=False,
        ),
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="A video that has failed so often is set aside.")] = 3,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=10,
            metavar="SECONDS",
            help="A worker that has no new frame for so long hangs, unless it waits for a server: it is killed, and "
            "its video has failed once more; by default never.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Try those, too, that earlier runs have set aside.")] = False,
    overwrite: Overwrite = False,
    conf_thres: ConfThres = None,
    *,
    tracker: TrackerOptions,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Write videos with tracks drawn.")] = False,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Copy the inputs' sound into them.")] = True,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Blur heads in the videos.")] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Write NAME.embeddings.npz, too, for `mot refine --link-gap`.")
    ] = False,
    model: Model = None,
    network: _Network,
) -> None:
    """Track many videos; write OUTPUT/NAME.txt for each, and a summary of all.

    Results and records are those of `mot track`. The same command again keeps
    what is finished and goes on with the rest, also when it was killed. The
    longest videos begin first. A video that fails, or kills the process that
    works on it, is tried again; after --tries it is set aside with its reason,
    and stays so until its file or the settings change, or --again. A server
    that is away is waited for (--retry-for); when several videos in a row fail
    for its sake or the disk's, the batch ends with status 1 and blames none.
    Of several servers (--url more than once) each video goes to the least busy
    one; one that does not answer is left out until it does again, and its
    videos go to the others.

    Of inputs with one name, the later ones become NAME-2, NAME-3, ...;
    OUTPUT/batch.jsonl remembers which is which. OUTPUT/summary.csv has a row a
    video, and so has summary.parquet where pyarrow is installed.

    [bold]Examples[/]

    mot batch recordings/ --output results --jobs 4
    mot batch 'cams/*/2026-11-*.mp4' -o results --url gpu-host:8001 --jobs 8
    mot batch recordings/ -o results -j 8 --url gpu-1:8001 --url gpu-2:8001
    mot batch @list.txt -o /shared/results --ray auto --url triton:8001
    mot batch s3://bucket/videos -o results --engine local
    """
    if ray is not None and network.url is None and network.engine == "triton":
        raise typer.BadParameter(
            "give servers that the whole cluster reaches with --url, or --engine local", param_hint="--ray"
        )

    networks = network.configs(model)

    from client.batch.inputs import find_inputs
    from client.commands.batching import do_batch
    from client.jobs.spec import JobSpec
    from client.terminal import show

    spec = tracker.spec(conf_thres)
    folder = output.absolute()
    found, faults = find_inputs(inputs, folder)
    for fault in faults:
        show("error", str(fault))

    def make_job(input: str, name: str) -> JobSpec:
        return JobSpec(
            input=input,
            output=folder,
            name=name,
            network=networks[0],
            tracker=spec,
            video=video,
            audio=audio,
            anonymise=anonymise,
            embeddings=embeddings,
        )

    all_done = do_batch(
        found,
        make_job,
        networks,
        folder,
        processes=jobs,
        ray=ray,
        tries=tries,
        timeout=timeout,
        again=again,
        overwrite=overwrite,
        pieces=pieces,
    )
    if faults or not all_done:
        raise typer.Exit(1)
