"""The command ``mot watch``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from client.commands.grouped import grouped
from client.commands.options import (
    ConfThres,
    Model,
    NetworkOptions,
    TrackerOptions,
)


@dataclass(frozen=True, kw_only=True)
class _Network(NetworkOptions):
    retry_for: Annotated[
        float,
        typer.Option(min=0, help="Seconds for which a camera that is lost, or a server, is tried again."),
    ] = 600


@grouped
def watch(
    cameras: Annotated[Path, typer.Argument(metavar="CAMERAS.toml", help="Cameras and outputs, see below.")],
    check: Annotated[bool, typer.Option("--check", help="Look at the file only, connect to nothing.")] = False,
    status_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the status page and /status.json; by default none."),
    ] = None,
    status_host: Annotated[str, typer.Option(help="Address that it listens on.")] = "127.0.0.1",
    conf_thres: ConfThres = None,
    *,
    tracker: TrackerOptions,
    model: Model = None,
    network: _Network,
) -> None:
    """Watch many live cameras at once; tell what happens before them.

    Each camera has a tracker of its own. Live means now: where frames come
    faster than they are tracked, the oldest of those that wait are left out,
    counted and reported. A camera that is lost is connected to again, with
    growing pauses; when --retry-for is over, it is reported lost, the others
    go on, and the status at the end is 1. Ctrl-C and SIGTERM end it in
    order: frames that wait are tracked, files completed, events delivered.

    CAMERAS.toml, all keys but camera.name and camera.address as they are by
    default or left out:

    output = "watched"            # folder, seen from this file's
    \\[events]
    file = "events.jsonl"         # in that folder; "-" is standard output
    interval = 60                 # seconds that are counted together
    left_after = 2                # seconds unseen until somebody has left
    webhook = {url = "https://...", headers = {Authorization = "Bearer ${TOKEN}"}}
    mqtt = {host = "broker", topic = "mot", username = "mot", password = "${PASSWORD}"}
    \\[recording]
    every = 3600                  # seconds a file, cut in UTC
    rows = true                   # MOTChallenge text
    video = false                 # mp4 with tracks drawn
    anonymise = false             # heads blurred in it
    \\[\\[camera]]
    name = "door"
    address = "rtsp://user:${DOOR_PASSWORD}@10.0.0.5/live"
    lines = "door.json"           # lines and zones, as of mot count
    tracker = {name = "byte", settings = {track_buffer = 60}}   # for --tracker
    waiting = 8                   # frames that may wait

    ${NAME} is taken from the environment. Events are appeared, left, crossed,
    entered, exited, counts (by interval) and camera (its state).

    [bold]Examples[/]

    mot watch cameras.toml                              with an embedded Triton
    mot watch cameras.toml --check                      is the file right?
    mot watch cameras.toml --url gpu-host:8001 --status-port 8080
    mot --metrics-port 9100 watch cameras.toml --engine local
    """
    config = network.config(model, needed=not check)
    spec = tracker.spec(conf_thres)

    from client.live.cameras import read_cameras

    known = read_cameras(cameras)
    if check:
        for camera in known.camera:
            places = camera.drawn()
            drawn = f", {len(places.lines)} lines, {len(places.zones)} zones" if places else ""
            typer.echo(f"{camera.name}: {camera.shown}{drawn}")
        return

    from client.commands.watching import watch_and_report
    from client.live.heap import share_heaps

    share_heaps()
    good = watch_and_report(
        known, config, tracker=spec, retry_for=network.retry_for, status_port=status_port, status_host=status_host
    )
    if not good:
        raise typer.Exit(1)
