"""What a job is: one video, who finds and follows its people, and the results that are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from client.serving.network import NetworkConfig
from client.tracking import TRACKERS, Preset, TrackerConfig, TrackerError, tracker_config
from client.tracking.preset import defaults_for
from mot.errors import MotError, shown


class JobError(MotError, ValueError):
    """A job cannot be done as it is described; the message names the value and the remedy."""


class TrackerSpec(BaseModel):
    """A tracker by its name, and those of its settings that differ from its defaults or are to be kept.

    Its other settings are the tracker's own, but for the thresholds that a model has (``preset``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "overlap_reid"
    settings: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    preset: Preset = "model"

    @classmethod
    def of(cls, config: TrackerConfig) -> Self:
        """All settings of ``config``, defaults included, so that a later release's defaults do not change the job."""
        name = next(name for name, kind in TRACKERS.items() if kind is type(config))
        return cls(name=name, settings=asdict(config))

    def resolved(self, thresholds: Mapping[str, float]) -> Self:
        """The same with all settings, for a model with these thresholds; none: of detections from elsewhere.

        Raises:
            TrackerError: as :meth:`config`.
        """
        self.config()  # refuses an unknown name
        known = defaults_for(TRACKERS[self.name], thresholds) if self.preset == "model" else {}
        config = self.model_copy(update={"settings": {**known, **self.settings}}).config()
        return self.model_copy(update={"settings": asdict(config)})

    @property
    def is_resolved(self) -> bool:
        """Whether all settings are there, so that no model changes them."""
        return self.name in TRACKERS and asdict(tracker_config(self.name)).keys() <= self.settings.keys()

    def config(self) -> TrackerConfig:
        """The tracker's settings, those that it lacks by its own defaults.

        Raises:
            TrackerError: there is no such tracker or setting, or it cannot have this value.
        """
        default = tracker_config(self.name)  # refuses an unknown name
        unknown = self.settings.keys() - asdict(default)
        if unknown:
            known = ", ".join(asdict(default))
            raise TrackerError(f"{self.name} has no setting {', '.join(sorted(unknown))}; there are {known}")
        settings: dict[str, Any] = dict(self.settings)
        return TRACKERS[self.name](**settings)


class JobSpec(BaseModel):
    """One video to track. Frozen; JSON in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str  # as `client.video.open.open_source` takes it
    output: Path  # folder of the results: NAME.txt, NAME.mp4, NAME.embeddings.npz, and the record NAME.json
    name: str
    results: tuple[str, ...] = ()  # names of the rows' files, where they differ from NAME: copies of one video
    start: int = Field(default=1, ge=1)  # first frame, from 1
    end: int | None = Field(default=None, ge=1)  # last frame; None: to the end
    length: int | None = None  # frames of the whole sequence, where they are known and must be there
    # Of a sequence whose images are not read; None: as the source says.
    frame_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    detections: Path | None = None  # people found elsewhere; None: the network's
    network: NetworkConfig = NetworkConfig()
    tracker: TrackerSpec = TrackerSpec()
    video: bool = True  # write NAME.mp4
    audio: bool = True  # with the input's sound
    labels: bool = True  # with ids; these three as in client.outputs.render.RenderConfig
    caption: bool = True
    trail: int = Field(default=30, ge=0)
    anonymise: bool = False  # with heads blurred
    embeddings: bool = False  # write mean embeddings, for `mot refine`

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in (self.name, *self.results):
            if "/" in name or "\0" in name or name in ("", ".", ".."):
                raise ValueError(f"name {shown(name)} is no name of a file")
        if self.embeddings and self.detections is not None:
            raise ValueError("given detections have no embeddings")
        return self

    @classmethod
    def parse(cls, values: str | bytes | dict[str, Any]) -> Self:
        """A job from JSON text or plain values.

        Raises:
            JobError: a key is unknown or missing, or a value is of another kind.
        """
        try:
            return cls.model_validate(values) if isinstance(values, dict) else cls.model_validate_json(values)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'job'}: {e['msg']}" for e in error.errors())
            raise JobError(f"this is no job: {faults}") from error

    @property
    def texts(self) -> list[Path]:
        """The files of rows."""
        return [self.output / f"{name}.txt" for name in self.results or (self.name,)]

    @property
    def video_path(self) -> Path:
        return self.output / f"{self.name}.mp4"
