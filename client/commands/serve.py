"""The command ``mot serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from client.commands.options import ModelRepository


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
