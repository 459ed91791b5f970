"""The command ``mot``: the app, and how it ends. Heavy packages are imported by the commands that need them."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

import mot
from client.commands.batch import batch
from client.commands.challenge import app as challenge_app
from client.commands.count import count
from client.commands.draw import draw
from client.commands.evaluate import evaluate
from client.commands.models import models
from client.commands.refine import refine
from client.commands.sample import sample
from client.commands.serve import serve
from client.commands.track import track
from client.commands.trackers import trackers
from client.commands.tune import tune
from client.commands.watch import watch
from client.streams import lasting_streams
from client.ui.command import ui, worker

app = typer.Typer(
    help="Track pedestrians in video.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(track)
app.command()(batch)
app.command()(serve)
app.command()(ui)
app.command("worker")(worker)
app.command()(sample)
app.command("eval")(evaluate)
app.command()(refine)
app.command()(tune)
app.command()(models)
app.command()(trackers)
app.command()(count)
app.command()(draw)
app.command()(watch)
app.add_typer(challenge_app, name="challenge")


def _print_version(wanted: bool) -> None:
    if wanted:
        from client.serving.repository import shipped_repository

        typer.echo(f"mot {mot.__version__}")
        typer.echo("licence of the code: Apache-2.0")
        typer.echo(f"terms of the shipped weights (research): {shipped_repository() / 'README.md'}")
        raise typer.Exit


@app.callback()
def _prepare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    log: Annotated[
        Literal["text", "json"], typer.Option(envvar="MOT_LOG", help="Messages for people, or a line of JSON each.")
    ] = "text",
    metrics_port: Annotated[
        int | None,
        typer.Option(envvar="MOT_METRICS_PORT", min=0, max=65535, help="Port for Prometheus; by default none."),
    ] = None,
) -> None:
    from client.terminal import speak_to_machines, warnings_shown

    if log == "json":
        speak_to_machines()
    else:
        context.with_resource(warnings_shown())
    if metrics_port is not None:
        from client.metrics import metrics_served

        context.with_resource(metrics_served(metrics_port))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors meant for the user are printed, not traced; status 1. Ctrl-C is status 130."""
    # Before anything imports numpy: several BLAS threads make small matrices slower and take the network's cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # gRPC's own words, of handshakes that fail, are for its developers; ours say what helps.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as by nohup
            signal.signal(number, signal.default_int_handler)  # so that it cleans up like Ctrl-C
    with lasting_streams():
        from client.terminal import errors_shown, speak_to_people

        try:
            with errors_shown():
                app(arguments, prog_name="mot")
        finally:
            speak_to_people()


if __name__ == "__main__":
    main()
