"""The command ``mot serve``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from client.commands.options import Model, ModelRepository

_CANARY_EVERY_S = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(
    host: Annotated[str, typer.Option(help="IPv4 address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    http_host: Annotated[
        str | None, typer.Option(help="That of HTTP alone: 127.0.0.1 where strangers come; by default --host.")
    ] = None,
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8000,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8001,
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="Prometheus; 0 picks a free port.")] = 8002,
    instances: Annotated[
        int | None, typer.Option(min=1, help="Processes that run the model; by default one a core, at most 8.")
    ] = None,
    connection_age: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="Seconds after which a gRPC connection ends, its calls answered, so that clients of several look "
            "for new ones; by default never.",
        ),
    ] = None,
    model: Model = None,
    model_repository: ModelRepository = None,
) -> None:
    """Serve the model with an embedded Triton server until Ctrl-C, SIGTERM or SIGHUP.

    The addresses are printed when a first inference has succeeded. Every five
    seconds another one is tried: a server that is broken, or has lost one of
    its processes, is ended and started again on the same ports. After five
    restarts in ten minutes the command ends with status 1, for whoever
    supervises it.

    Do not let strangers reach the HTTP port but through a proxy that limits
    the size of bodies and the number of chunks: Triton has no such limits.

    [bold]Examples[/]

    mot serve
    mot serve --host 0.0.0.0 --instances 4
    mot serve --http-port 0 --grpc-port 0 --metrics-port 0
    mot serve --model runs/people.onnx
    """
    from client.serving.model import choose_model, graph_of
    from client.serving.ports import free_ports
    from client.serving.repository import model_repository as repository_of

    # What takes no time is looked at before the packages that do are imported.
    choice = choose_model(model)
    repository = choice.repository or repository_of(model_repository)
    if choice.graph is None:
        graph_of(repository, choice.name)
    free_ports(host, (http_port, grpc_port, metrics_port))

    from client.log_lines import event
    from client.serving.server import EmbeddedServer
    from client.serving.supervisor import Supervisor
    from client.terminal import for_machines

    server = EmbeddedServer(
        repository,
        model=choice.name,
        graph=choice.graph,
        host=host,
        http_host=http_host,
        http_port=http_port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        instances=instances,
        options=[f"--grpc-max-connection-age={connection_age * 1000:.0f}"] if connection_age else (),
    )
    try:
        with _one_interruption(), server, Supervisor(server, canary_every_s=_CANARY_EVERY_S) as supervisor:
            event("serving", http=server.http_url, grpc=server.grpc_url, metrics=server.metrics_url)
            if not for_machines():
                typer.echo(f"HTTP     {server.http_url}")
                typer.echo(f"gRPC     {server.grpc_url}")
                typer.echo(f"metrics  {server.metrics_url}")
            supervisor.watch()
    except KeyboardInterrupt:
        typer.echo("stopped")


@contextmanager
def _one_interruption() -> Iterator[None]:
    """The first signal interrupts; those after it do not disturb the stopping, which takes ten seconds at most.

    SIGHUP stays ignored where it is, as by ``nohup``.
    """

    seen = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if not seen:
            seen = True
            raise KeyboardInterrupt

    heard = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, interrupt) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
