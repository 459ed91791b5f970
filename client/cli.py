"""The command ``mot``. Parses, calls and prints; heavy packages are imported by the commands that need them."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import mot
from client.commands.challenge import app as challenge_app
from client.commands.evaluate import evaluate
from client.commands.options import (
    ConfThres,
    EngineKind,
    InFlight,
    ModelRepository,
    Protocol,
    RetryFor,
    TrackerName,
    TrackerSet,
    Url,
    engine_config,
    tracker_settings,
)
from client.commands.refine import refine
from mot.errors import MotError

app = typer.Typer(
    help="Track pedestrians in video.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(challenge_app, name="challenge")
app.command("eval")(evaluate)
app.command()(refine)

_Start = Annotated[int, typer.Option(min=1, help="First frame, counted from 1.")]
_End = Annotated[int | None, typer.Option(min=1, help="Last frame; by default the last one there is.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mot {mot.__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    from client.terminal import warnings_shown

    context.with_resource(warnings_shown())


@app.command()
def track(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Video files, folders of images, MOT sequences, camera numbers, RTSP, RTMP or HTTP addresses.",
        ),
    ],
    output_root: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    conf_thres: ConfThres = None,
    tracker: TrackerName = "overlap_reid",
    tracker_set: TrackerSet = None,
    detections: Annotated[
        Path | None,
        typer.Option(help="Rows frame,-1,left,top,width,height,score: follow these people; no network, no server."),
    ] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Write the video with tracks drawn.")] = True,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Write NAME.embeddings.npz, too, for `mot refine --link-gap`.")
    ] = False,
    start: _Start = 1,
    end: _End = None,
    engine: EngineKind = "triton",
    url: Url = None,
    protocol: Protocol = "grpc",
    in_flight: InFlight = None,
    retry_for: RetryFor = 60,
    model_repository: ModelRepository = None,
) -> None:
    """Track people; write OUTPUT_ROOT/NAME.txt (MOTChallenge format) and NAME.mp4.

    NAME is that of the file without its suffix, of the sequence, or of the
    stream. When an earlier input of the same call has taken it, a number is
    added: NAME-2. Results of earlier calls are replaced. When something fails,
    and at Ctrl-C, finished frames are kept as NAME.partial.txt and .mp4.

    [bold]Examples[/]

    mot track street.mp4                                with an embedded Triton
    mot track MOT17-09-FRCNN --engine local --no-video  without a server
    mot track a.mp4 b.mkv --output-root results         one after the other
    mot track street.mp4 --start 100 --end 200          some of its frames
    mot track rtsp://camera/live --url gpu-host:8001    with a server elsewhere
    mot track 0                                         a webcam, until Ctrl-C
    mot track a.mp4 --tracker botsort --tracker-set track_buffer=60
    mot track MOT17-09-SDP --detections MOT17-09-SDP/det/det.txt --no-video

    Scores of --detections stay as they are: choose --conf-thres and the
    tracker's thresholds for that detector.
    """
    from client.jobs.batch import BatchConfig, track_inputs

    if detections is not None and len(inputs) > 1:
        raise typer.BadParameter(f"one file of detections cannot fit {len(inputs)} inputs", param_hint="--detections")
    if embeddings and detections is not None:
        raise typer.BadParameter("given detections have no embeddings", param_hint="--embeddings")
    config = BatchConfig(
        output_root=output_root,
        engine=engine_config(engine, url, protocol, in_flight, retry_for, model_repository),
        tracker=tracker_settings(tracker, conf_thres, tracker_set),
        detections=detections,
        embeddings=embeddings,
        start=start,
        end=end,
        video=video,
    )
    if track_inputs(inputs, config):
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="IPv4 address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8000,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8001,
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="Prometheus; 0 picks a free port.")] = 8002,
    instances: Annotated[
        int | None, typer.Option(min=1, help="Processes that run the model; by default one a core, at most 8.")
    ] = None,
    model_repository: ModelRepository = None,
) -> None:
    """Serve the model with an embedded Triton server until Ctrl-C or SIGTERM.

    The addresses are printed when a first inference has succeeded.

    [bold]Examples[/]

    mot serve
    mot serve --host 0.0.0.0 --instances 4
    mot serve --http-port 0 --grpc-port 0 --metrics-port 0
    """
    from client.serving.network import MODEL_REPOSITORY
    from client.serving.server import EmbeddedServer

    server = EmbeddedServer(
        model_repository or MODEL_REPOSITORY,
        host=host,
        http_port=http_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        instances=instances,
    )
    try:
        with server:
            typer.echo(f"HTTP     {server.http_url}")
            typer.echo(f"gRPC     {server.grpc_url}")
            typer.echo(f"metrics  {server.metrics_url}")
            server.watch()
    except KeyboardInterrupt:
        typer.echo("stopped")


@app.command()
def sample(
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path(".cache"),
) -> None:
    """Fetch the sample video (pedestrians, 795 frames) and print its path.

    [bold]Examples[/]

    mot sample
    mot track $(mot sample)
    """
    from client.video.sample import fetch_sample

    typer.echo(fetch_sample(folder))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors meant for the user are printed, not traced; status 1. Ctrl-C is status 130."""
    # Before anything imports numpy: several BLAS threads make small matrices slower and take the network's cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it cleans up like Ctrl-C
    try:
        app(arguments, prog_name="mot")
    except MotError as error:
        from client.terminal import show

        show("error", str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
