"""The command ``mot count``. Parses, calls and prints; heavy packages are imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mot.errors import MotError


def count(
    results: Annotated[
        list[Path], typer.Argument(help="Result files (MOTChallenge text), or folders of them.", show_default=False)
    ],
    lines: Annotated[Path, typer.Option("--lines", help="lines.json: lines and zones, see below.")],
    frame_rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Frames per second; by default as seqinfo.ini or the result's record says."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Of the video, where the lines were drawn on a smaller picture."),
    ] = None,
    hysteresis: Annotated[
        float, typer.Option(min=0, max=10, help="How far past a line somebody must go to count, in own heights.")
    ] = 0.1,
    max_gap: Annotated[int, typer.Option(min=0, max=10_000, help="Bridge gaps of at most so many frames.")] = 60,
    interval: Annotated[float, typer.Option(min=0.001, help="Seconds that are counted together.")] = 60,
    csv: Annotated[Path | None, typer.Option(help="Write the numbers of each interval to this file.")] = None,
    events: Annotated[Path | None, typer.Option(help="Write who crossed what and when (CSV).")] = None,
    tracks: Annotated[Path | None, typer.Option(help="Write the table of tracks (CSV).")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all of it to this file.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page for people (HTML); a folder, for several results.")
    ] = None,
    video: Annotated[str | None, typer.Option(help="The video of a single result, as a ground for the report.")] = None,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Blur heads in the report's pictures.")] = False,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of the report.")] = "en",
) -> None:
    """Count people who cross lines and visit zones; from results alone, without the network.

    Somebody crosses a line when their feet do, through the line itself and from
    clearly before it to clearly behind it. LINES is a file such as

    {"width": 1920, "height": 1080,
     "lines": \\[{"name": "door", "points": \\[\\[100, 500], \\[700, 520]]}],
     "zones": \\[{"name": "hall", "points": \\[\\[0, 600], \\[900, 600], \\[900, 1080]]}]}

    with points in pixels of a picture of that size. In is from the left hand of
    somebody who walks along the line from its first point, to their right; a
    line may name its directions: "in": "enter", "out": "leave".

    [bold]Examples[/]

    mot count out/street.txt --lines lines.json
    mot count out --lines lines.json --csv counts.csv --json counts.json
    mot count out/street.txt --lines lines.json --interval 900 --events who.csv
    mot count out/street.txt --lines lines.json --report street.html --video street.mp4
    """
    if (report or video) and not results:
        raise typer.BadParameter("needs a result", param_hint="--report")

    from rich.console import Console

    from client.analysis.counted import Request, check_outputs, count_file, save_report
    from client.analysis.counting import CountConfig
    from client.analysis.export import counts_csv, counts_json, events_csv, save, tracks_csv
    from client.analysis.places import read_places
    from client.commands.count_tables import count_tables
    from client.outputs.results import result_files

    places = read_places(lines)
    if not places.lines and not places.zones:
        raise MotError(f"{lines}: has neither lines nor zones, so that there is nothing to count; add some")
    sources = result_files(results)
    if video is not None and len(sources) > 1:
        raise typer.BadParameter(f"one video cannot be that of {len(sources)} results", param_hint="--video")
    pages = _pages(report, list(sources))
    check_outputs([csv, events, tracks, json, *pages.values()], [lines, *sources.values()])
    request = Request(
        places=places,
        config=CountConfig(hysteresis=hysteresis, max_gap=max_gap, interval=interval),
        frame_rate=frame_rate,
        size=_size(size),
        video=video,
    )
    counted = {name: count_file(source, request) for name, source in sources.items()}
    counts = {name: each.counts for name, each in counted.items()}
    for table in count_tables(counts):
        Console().print(table)
    tables = {name: each.tracks for name, each in counted.items()}
    if csv is not None:
        save(csv, counts_csv(counts))
    if events is not None:
        save(events, events_csv(counts))
    if tracks is not None:
        save(tracks, tracks_csv(tables))
    if json is not None:
        save(json, counts_json(counts, tables))
    for name, page in pages.items():
        save_report(page, name, counted[name], request, anonymise=anonymise, language=language)
        typer.echo(page)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise typer.BadParameter(f"{text!r} is not like 1920x1080", param_hint="--size")
    return int(width), int(height)


def _pages(report: Path | None, names: list[str]) -> dict[str, Path]:
    """The page of each result: the file itself for a single one, else NAME.html in the folder."""
    if report is None:
        return {}
    if report.suffix == ".html":
        if len(names) > 1:
            raise typer.BadParameter(
                f"{report} is one file, for {len(names)} results; name a folder", param_hint="--report"
            )
        return {names[0]: report}
    return {name: report / f"{name}.html" for name in names}
