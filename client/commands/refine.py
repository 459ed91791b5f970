"""``mot refine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.commands.options import OldOut


def refine(
    results: Annotated[
        list[Path], typer.Argument(help="Result files (MOTChallenge text), or folders of them.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the refined files, or NAME.txt for a single one.")
    ] = Path("refined"),
    max_gap: Annotated[int, typer.Option(min=0, help="Fill gaps of at most so many frames; 0: none.")] = 20,
    sigma: Annotated[float, typer.Option(min=0, help="Smooth over so many frames (standard deviation); 0: not.")] = 3.0,
    min_length: Annotated[int, typer.Option(min=0, help="Drop tracks of fewer rows; 0: none.")] = 0,
    link_gap: Annotated[
        int, typer.Option(min=0, help="Join tracks of one person that are at most so many frames apart; 0: none.")
    ] = 0,
    link_distance: Annotated[
        float, typer.Option(min=0, max=2, help="Cosine distance of the embeddings of tracks that are joined.")
    ] = 0.05,
    out: OldOut = None,
) -> None:
    """Refine results afterwards, when the whole video is known; write OUTPUT/NAME.txt.

    In this order: tracks of one person are joined (--link-gap), short ones
    dropped (--min-length), gaps filled on a straight line (--max-gap), and
    boxes smoothed over time (--sigma). Joining needs NAME.embeddings.npz beside
    NAME.txt, which mot track and mot challenge track write with --embeddings.

    [bold]Examples[/]

    mot refine out/street.txt                           gaps and smoothing
    mot refine out/street.txt -o better/street.txt      under this name
    mot refine out --output filled --sigma 0               gaps, a folder's results
    mot refine out/street.txt --link-gap 30 --min-length 10
    """
    from rich.console import Console
    from rich.table import Table

    from client.outputs.results import result_files
    from client.refine.refinement import RefineConfig, refine_file

    config = RefineConfig(
        link_gap=link_gap, link_distance=link_distance, min_length=min_length, max_gap=max_gap, sigma=sigma
    )
    table = Table("", "rows", "after", "ids", "after", "written")
    sources = list(result_files(results).values())
    output = out or output
    if output.suffix == ".txt" and len(sources) > 1:
        raise typer.BadParameter(
            f"{output} is one file, for {len(sources)} results; name a folder", param_hint="--output"
        )
    for source in sources:
        target = output if output.suffix == ".txt" else output / source.name
        before, after = refine_file(source, target, config)
        counts = (len(before), len(after), len(set(before.ids.tolist())), len(set(after.ids.tolist())))
        table.add_row(source.stem, *map(str, counts), str(target))
    Console().print(table)
