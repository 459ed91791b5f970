"""The commands ``mot ui`` and ``mot worker``."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:  # which need not be imported for `--help`
    from client.ui.settings import Settings

_Data = Annotated[
    Path | None,
    typer.Option(help="Folder of uploads and results.", envvar="MOT_UI_DATA", show_default="the user's data folder"),
]


def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="MOT_UI_PORT")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="MOT_UI_HOST")] = "127.0.0.1",
    data: _Data = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT of a running Triton server; by default one is started.", envvar=["MOT_UI_URL", "MOT_URL"]
        ),
    ] = None,
    protocol: Annotated[Literal["grpc", "http"], typer.Option(envvar="MOT_UI_PROTOCOL")] = "grpc",
    metrics_url: Annotated[
        str | None,
        typer.Option(help="Its metrics; by default HOST's port 8002.", envvar="MOT_UI_METRICS_URL"),
    ] = None,
    engine: Annotated[
        Literal["triton", "local"], typer.Option(help="A Triton server, or ONNX Runtime in each worker.")
    ] = "triton",
    model_repository: Annotated[
        Path | None,
        typer.Option(help="Directory that holds the model's directory fairmot.", envvar="MOT_MODEL_REPOSITORY"),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(min=0, help="Videos tracked at the same time; 0: `mot worker` does it.", envvar="MOT_UI_WORKERS"),
    ] = 2,
    base_path: Annotated[
        str, typer.Option(help="Path under which a proxy shows the page, e.g. /mot.", envvar="MOT_UI_BASE_PATH")
    ] = "",
    password: Annotated[
        str, typer.Option(help="That users must give; none by default.", envvar="MOT_UI_PASSWORD", show_default=False)
    ] = "",
    login: Annotated[
        bool,
        typer.Option(
            "--login", help="Log in by OIDC, as [auth] in .streamlit/secrets.toml says.", envvar="MOT_UI_LOGIN"
        ),
    ] = False,
    secure_cookie: Annotated[
        bool, typer.Option("--secure-cookie", help="Send the cookie over HTTPS only.", envvar="MOT_UI_SECURE_COOKIE")
    ] = False,
    retry_for: Annotated[
        float,
        typer.Option(min=0, help="Seconds that a job waits for a server that is away.", envvar="MOT_UI_RETRY_FOR"),
    ] = 3600,
    max_upload: Annotated[float, typer.Option(help="GiB of one file.", envvar="MOT_UI_MAX_UPLOAD")] = 4,
    max_minutes: Annotated[float, typer.Option(help="Of one video.", envvar="MOT_UI_MAX_MINUTES")] = 120,
    max_pixels: Annotated[float, typer.Option(help="Million of one picture.", envvar="MOT_UI_MAX_PIXELS")] = 8.3,
    max_jobs: Annotated[int, typer.Option(help="Of one person, waiting or running.", envvar="MOT_UI_MAX_JOBS")] = 20,
    max_person: Annotated[float, typer.Option(help="GiB of one person's uploads.", envvar="MOT_UI_MAX_PERSON")] = 20,
    keep_days: Annotated[
        float, typer.Option(help="After which finished jobs are removed.", envvar="MOT_UI_KEEP_DAYS")
    ] = 7,
    keep_gib: Annotated[
        float, typer.Option(help="GiB of all files; then the oldest finished jobs go.", envvar="MOT_UI_KEEP_GIB")
    ] = 50,
    free_gib: Annotated[
        float, typer.Option(help="GiB of the disk that uploads leave free.", envvar="MOT_UI_FREE_GIB")
    ] = 1,
) -> None:
    """Serve the page where videos are uploaded, tracked and counted, until Ctrl-C.

    Each option may also be given in the environment, as MOT_UI_PORT for --port.

    [bold]Examples[/]

    mot ui                                       on http://localhost:8501
    mot ui --host 0.0.0.0 --password secret      for others in the network
    mot ui --url gpu-host:8001 --workers 8       with a server elsewhere
    mot ui --workers 0 --url gpu-host:8001       beside `mot worker`
    mot ui --data /srv/mot --keep-days 30 --base-path /mot --secure-cookie
    """
    from client.ui.running import keep_page

    keep_page(_settings(context))


@wraps(ui)
def worker(context: typer.Context, **_: object) -> None:
    from client.ui.work.worker import work

    work(_settings(context))


worker.__doc__ = """Do the jobs of a page that has none of its own, `mot ui --workers 0`, until SIGTERM.

    Options and environment are those of `mot ui`; the two share the folder
    --data, on one machine.
    """


def _settings(context: typer.Context) -> Settings:
    from client.ui.choices import chosen

    options = context.params
    if options["engine"] == "local" and options["url"] is not None:
        raise typer.BadParameter("--engine local uses no server", param_hint="--url")
    sources = {name: context.get_parameter_source(name) for name in options}
    return chosen(options, {name for name, source in sources.items() if source and source.name != "DEFAULT"})
