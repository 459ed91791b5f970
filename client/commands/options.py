"""Options that several commands of ``mot`` have: which network finds people, and how they are followed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from client.commands.access import Headers, TlsCa, TlsCert, TlsKey, access_of

if TYPE_CHECKING:  # these take a second to import, which `--help` need not wait for
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
SharedMemory = Annotated[
    Literal["auto", "on", "off"],
    typer.Option(
        help="Hand images to a Triton server on this machine in shared memory: where it takes them, always, or never."
    ),
]
Jobs = Annotated[int, typer.Option("-j", "--jobs", min=1, help="Videos tracked side by side.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results of other settings or inputs.")]
OldOutputRoot = Annotated[Path | None, typer.Option("--output-root", hidden=True)]  # the former name of --output
OldOut = Annotated[Path | None, typer.Option("--out", hidden=True)]
RetryFor = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for a server, or for a stream, that has stopped answering.")
]


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which network finds people, and where it runs; for :func:`client.commands.grouped.grouped`."""

    engine: EngineKind = "triton"
    url: Url = None
    protocol: WireProtocol = "grpc"
    in_flight: InFlight = None
    shared_memory: SharedMemory = "auto"
    retry_for: RetryFor = 60
    tls_ca: TlsCa = None
    tls_cert: TlsCert = None
    tls_key: TlsKey = None
    header: Headers = None
    model_repository: ModelRepository = None

    def config(self, model: str | None = None, *, needed: bool = True) -> NetworkConfig:
        """What they choose, with the model that ``--model`` names.

        A model that is not there is found before anything that takes seconds is imported; where the network is not
        needed, because there are detections already, nobody looks.

        Raises:
            typer.BadParameter: they contradict each other.
            ModelError: there is no such model.
            DetectorError: a header is none.
        """
        from client.serving.model import choose_model, graph_of
        from client.serving.repository import model_repository as repository_of

        access = access_of(self.tls_ca, self.tls_cert, self.tls_key, self.header)
        if self.url is not None and self.engine == "local":
            raise typer.BadParameter("--engine local uses no server", param_hint="--url")
        choice = choose_model(model, elsewhere=self.url is not None)
        repository = choice.repository or repository_of(self.model_repository)
        if needed and self.url is None and choice.graph is None:
            graph_of(repository, choice.name)

        from client.serving.network import NetworkConfig

        return NetworkConfig(
            kind=self.engine,
            url=self.url,
            protocol=self.protocol,
            access=access,
            model_repository=repository,
            model=choice.name,
            graph=choice.graph,
            in_flight=self.in_flight,
            shared_memory=self.shared_memory,
            retry_for_s=self.retry_for,
        )


@dataclass(frozen=True, kw_only=True)
class TrackerOptions:
    """How people are followed; for :func:`client.commands.grouped.grouped`."""

    tracker: TrackerName = "overlap_reid"
    tracker_set: TrackerSet = None
    tracker_preset: TrackerPreset = "model"

    def spec(self, conf_thres: float | None = None) -> TrackerSpec:
        """What they choose, with ``--conf-thres``; the settings left out are the model's to say, or the tracker's own.

        Raises:
            TrackerError: there is no such setting, or it cannot have this value.
        """
        from client.jobs.spec import TrackerSpec
        from client.tracking.catalog import settings_from

        first = [] if conf_thres is None else [f"conf_thres={conf_thres}"]
        settings = settings_from(self.tracker, first + (self.tracker_set or []))
        spec = TrackerSpec(name=self.tracker, settings=dict(settings), preset=self.tracker_preset)
        spec.config()  # refuses impossible values
        return spec
