"""The command ``mot draw``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer


def draw(
    video: Annotated[
        str, typer.Argument(metavar="VIDEO", help="Video file, folder of images or MOT sequence.", show_default=False)
    ],
    result: Annotated[
        Path,
        typer.Argument(metavar="RESULT.txt", help="Rows frame,id,left,top,width,height,score.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The MP4 to write; by default RESULT.drawn.mp4.", show_default=False),
    ] = None,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Copy the input's sound into it.")] = True,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Blur the heads of the people in RESULT.")] = False,
    start: Annotated[int, typer.Option(min=1, help="First frame, counted from 1.")] = 1,
    end: Annotated[int | None, typer.Option(min=1, help="Last frame; by default the last one there is.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an MP4 that is there.")] = False,
) -> None:
    """Draw a result into its video: a refined one, or another tracker's.

    Frames are counted as `mot track` counts them, and boxes are in pixels of
    the frames as they are decoded.

    [bold]Examples[/]

    mot draw street.mp4 refined/street.txt
    mot draw MOT17-09-FRCNN MOT17-09-FRCNN/gt/gt.txt -o labels.mp4
    mot draw street.mp4 out/street.txt --anonymise
    mot draw street.mp4 other.txt --start 100 --end 200 --no-audio
    """
    from client.outputs.draw import check_output, draw_results
    from client.terminal import progress, show
    from client.video.open import open_source
    from mot.sequence import read_results

    path = output or result.with_suffix(".drawn.mp4")
    check_output(path, [Path(video), result], overwrite=overwrite)
    rows = read_results(result, remark=partial(show, "warning"))
    with open_source(video, start, end) as source, progress(source.name, source.frame_count) as advance:
        draw_results(source, rows, path, rows_path=result, audio=audio, anonymise=anonymise, watch=advance)
    typer.echo(path)
