"""Options that several commands of ``mot`` have: which network finds people, and how they are followed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:  # these take a second to import, which `--help` need not wait for
    from client.detection.access import Access
    from client.jobs.spec import TrackerSpec
    from client.serving.network import NetworkConfig

Model = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME",
        help="An ONNX file, a model's folder or a repository of them as mot-export writes it; or a model's name in "
        "the repository, or on the server that --url names (`mot models` lists those that came along).",
        show_default=False,
    ),
]
ModelRepository = Annotated[
    Path | None,
    typer.Option(
        help="Directory that holds the models' directories; by default the one shipped.",
        envvar="MOT_MODEL_REPOSITORY",
        show_default=False,
    ),
]
ConfThres = Annotated[
    float | None, typer.Option(min=0, max=1, help="Score from which a person is tracked; by default the tracker's.")
]
TrackerName = Annotated[
    Literal["overlap_reid", "fairmot", "fairmot_byte", "byte", "ocsort", "botsort"],
    typer.Option(help="How people are followed; the default is the best on validation data."),
]
TrackerSet = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A setting of the tracker, e.g. track_buffer=60; may be repeated."),
]
TrackerPreset = Annotated[
    Literal["model", "paper"],
    typer.Option(help="Thresholds that suit the model, or those of the tracker's paper. `mot trackers` lists them."),
]
EngineKind = Annotated[
    Literal["triton", "local"], typer.Option(help="A Triton server, or ONNX Runtime in this process.")
]
Url = Annotated[
    str | None,
    typer.Option(envvar="MOT_URL", help="HOST:PORT of a running Triton server; by default one is started and stopped."),
]
WireProtocol = Annotated[Literal["grpc", "http"], typer.Option(help="How to speak to the Triton server.")]
InFlight = Annotated[
    int | None,
    typer.Option(min=1, help="Frames of a video in the network at a time; by default as many as it can use."),
]
Jobs = Annotated[int, typer.Option("-j", "--jobs", min=1, help="Videos tracked side by side.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results of other settings or inputs.")]
OldOutputRoot = Annotated[Path | None, typer.Option("--output-root", hidden=True)]  # the former name of --output
OldOut = Annotated[Path | None, typer.Option("--out", hidden=True)]
RetryFor = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for a server, or for a stream, that has stopped answering.")
]


def network_config(
    kind: Literal["triton", "local"],
    url: str | None,
    protocol: Literal["grpc", "http"],
    in_flight: int | None,
    retry_for: float,
    model_repository: Path | None,
    model: str | None = None,
    *,
    needed: bool = True,
    access: Access,
) -> NetworkConfig:
    """Where the network runs, as the options choose.

    A model that is not there is found before anything that takes seconds is imported; where the network is not
    needed, because there are detections already, nobody looks.

    Raises:
        typer.BadParameter: they contradict each other.
        ModelError: there is no such model.
    """
    from client.serving.model import choose_model, graph_of
    from client.serving.repository import model_repository as repository_of

    if url is not None and kind == "local":
        raise typer.BadParameter("--engine local uses no server", param_hint="--url")
    choice = choose_model(model, elsewhere=url is not None)
    repository = choice.repository or repository_of(model_repository)
    if needed and url is None and choice.graph is None:
        graph_of(repository, choice.name)

    from client.serving.network import NetworkConfig

    return NetworkConfig(
        kind=kind,
        url=url,
        protocol=protocol,
        access=access,
        model_repository=repository,
        model=choice.name,
        graph=choice.graph,
        in_flight=in_flight,
        retry_for_s=retry_for,
    )


def tracker_spec(
    name: str, conf_thres: float | None, settings: list[str] | None, preset: Literal["model", "paper"]
) -> TrackerSpec:
    """The tracker that the options choose; the settings that they leave out are the model's to say, or its own.

    Raises:
        TrackerError: there is no such setting, or it cannot have this value.
    """
    from client.jobs.spec import TrackerSpec
    from client.tracking.catalog import settings_from

    first = [] if conf_thres is None else [f"conf_thres={conf_thres}"]
    spec = TrackerSpec(name=name, settings=dict(settings_from(name, first + (settings or []))), preset=preset)
    spec.config()  # refuses impossible values
    return spec
