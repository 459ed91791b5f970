"""The command ``mot track``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.commands.grouped import grouped
from client.commands.options import (
    ConfThres,
    Jobs,
    Model,
    NetworkOptions,
    OldOutputRoot,
    Overwrite,
    TrackerOptions,
)

_Start = Annotated[int, typer.Option(min=1, help="First frame, counted from 1.")]
_End = Annotated[int | None, typer.Option(min=1, help="Last frame; by default the last one there is.")]


@grouped
def track(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Videos (- for standard input), folders, MOT sequences, camera numbers, RTSP, RTMP or HTTP addresses.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path("out"),
    output_root: OldOutputRoot = None,
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
    conf_thres: ConfThres = None,
    *,
    tracker: TrackerOptions,
    detections: Annotated[
        Path | None,
        typer.Option(help="Rows frame,-1,left,top,width,height,score: follow these people; no network, no server."),
    ] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Write the video with tracks drawn.")] = True,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Copy the input's sound into it.")] = True,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Blur heads in the video.")] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Write NAME.embeddings.npz, too, for `mot refine --link-gap`.")
    ] = False,
    start: _Start = 1,
    end: _End = None,
    model: Model = None,
    network: NetworkOptions,
) -> None:
    """Track people; write OUTPUT/NAME.txt (MOTChallenge format) and NAME.mp4.

    NAME is that of the file without its suffix, of the sequence, or of the
    stream; one of more than 200 bytes loses its end. When an earlier input of the same call has taken it, a number is
    added: NAME-2. A record of how a result was made, NAME.json, stands beside
    it: the same command again keeps what is finished and goes on with the
    rest. Results of other settings, of another input or without a record are
    never replaced, except with --overwrite. When something fails, and at
    Ctrl-C, finished frames are kept as NAME.partial.txt and .mp4, and
    NAME.partial.json says why.

    [bold]Examples[/]

    mot track street.mp4                                with an embedded Triton
    mot track MOT17-09-FRCNN --engine local --no-video  without a server
    mot track a.mp4 b.mkv --output results --jobs 2     side by side
    mot track street.mp4 --start 100 --end 200          some of its frames
    mot track rtsp://camera/live --url gpu-host:8001    with a server elsewhere
    mot track street.mp4 --anonymise                    heads blurred
    mot track 0                                         a webcam, until Ctrl-C
    mot track street.mp4 --model runs/people.onnx       a model of one's own
    mot track a.mp4 --tracker botsort --tracker-set track_buffer=60
    mot track MOT17-09-SDP --detections MOT17-09-SDP/det/det.txt --no-video

    A tracker's thresholds are those that the model came with. Scores of
    --detections stay as they are, and thresholds are those of the tracker's
    paper: choose --conf-thres and the others for that detector.
    """
    if detections is not None and len(inputs) > 1:
        raise typer.BadParameter(f"one file of detections cannot fit {len(inputs)} inputs", param_hint="--detections")
    if embeddings and detections is not None:
        raise typer.BadParameter("given detections have no embeddings", param_hint="--embeddings")

    config = network.config(model, needed=detections is None)

    from client.commands.running import track_and_report
    from client.jobs.inputs import named_inputs
    from client.jobs.spec import JobSpec
    from client.terminal import show
    from client.video.source import Window

    Window(start=start, end=end)  # refuses an end before the start
    found, faults = named_inputs(inputs)
    for fault in faults:
        show("error", str(fault))
    spec = tracker.spec(conf_thres)
    outcomes = track_and_report(
        [
            JobSpec(
                input=input,
                output=output_root or output,
                name=name,
                start=start,
                end=end,
                detections=detections,
                network=config,
                tracker=spec,
                video=video,
                audio=audio,
                anonymise=anonymise,
                embeddings=embeddings,
            )
            for name, input in found.items()
        ],
        side_by_side=jobs,
        overwrite=overwrite,
    )
    if faults or any(outcome.state == "failed" for outcome in outcomes):
        raise typer.Exit(1)
