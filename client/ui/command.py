"""The command ``mot ui``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

_Data = Annotated[
    Path | None,
    typer.Option(help="Folder of uploads and results.", envvar="MOT_UI_DATA", show_default="the user's data folder"),
]


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="MOT_UI_PORT")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="MOT_UI_HOST")] = "127.0.0.1",
    data: _Data = None,
    url: Annotated[
        str | None,
        typer.Option(help="HOST:PORT of a running Triton server; by default one is started.", envvar="MOT_UI_URL"),
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
    role: Annotated[
        Literal["all", "page", "worker"],
        typer.Option(help="Page and workers, or one of the two, where they are containers.", envvar="MOT_UI_ROLE"),
    ] = "all",
    workers: Annotated[int, typer.Option(min=1, help="Videos tracked at the same time.", envvar="MOT_UI_WORKERS")] = 2,
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
    mot ui --role worker --data /srv/mot --url gpu-host:8001
    mot ui --data /srv/mot --keep-days 30 --base-path /mot --secure-cookie
    """
    from client.ui.running import keep_page
    from client.ui.settings import GIB, Limits, Settings

    if engine == "local" and url is not None:
        raise typer.BadParameter("--engine local uses no server", param_hint="--url")
    limits = Limits(
        file_bytes=round(max_upload * GIB),
        unpacked_bytes=round(2 * max_upload * GIB),
        seconds=60 * max_minutes,
        pixels=round(max_pixels * 1e6),
        jobs=max_jobs,
        person_bytes=round(max_person * GIB),
        keep_days=keep_days,
        keep_bytes=round(keep_gib * GIB),
        free_bytes=round(free_gib * GIB),
    )
    settings = Settings(
        data=(data or Path.home() / ".local" / "share" / "fairmot-mit" / "page").absolute(),
        engine=engine,
        url=url,
        protocol=protocol,
        metrics_url=metrics_url or _metrics_of(url),
        model_repository=model_repository and model_repository.absolute(),
        port=port,
        host=host,
        base_path=base_path.rstrip("/"),
        workers=0 if role == "page" else workers,
        retry_for_s=retry_for,
        password=password,
        login=login,
        secure_cookie=secure_cookie,
        limits=limits,
    )
    if role == "worker":
        from client.ui.work.worker import work

        work(settings)
    else:
        keep_page(settings)


def _metrics_of(url: str | None) -> str | None:
    """Where a server elsewhere usually has its metrics."""
    if url is None:
        return None
    from urllib.parse import urlsplit

    host = urlsplit(url if "://" in url else f"//{url}").hostname
    return f"http://{host}:8002/metrics"
