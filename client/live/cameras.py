"""``CAMERAS.toml``: which cameras are watched, where people are counted, and who is told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from client.analysis.places import Places, read_places
from client.jobs.spec import TrackerSpec
from client.tracking import TrackerError
from client.validation import faults_of
from client.video.open import name_of
from client.video.stream import without_credentials
from mot.documents import read_toml
from mot.errors import MotError

_EXAMPLE = '[[camera]] with name = "door" and address = "rtsp://10.0.0.5/live"'
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET = re.compile(r"(^|\.)(address|url|password|headers)(\.|$)")  # keys whose values no message shows


_WORDS = {
    "missing": f"is missing; expected {_EXAMPLE}",
    "too_short": f"there is none; expected {_EXAMPLE}",
}


class CamerasError(MotError, ValueError):
    """``CAMERAS.toml`` cannot be used; the message names the file, the key, the value and the remedy."""


def _expanded(text: str) -> str:
    """``${NAME}`` replaced by what the environment holds, so that no password need stand in a file."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise ValueError(f"the environment has no {name}; set it before the start")
        return os.environ[name]

    return _VARIABLE.sub(value, text)


def _from_the_file(path: Path, info: ValidationInfo) -> Path:
    """A relative path is seen from the folder of the file that names it."""
    return Path((info.context or {}).get("folder", ".")) / path


def _address(text: str, info: ValidationInfo) -> str:
    """A camera's number and a stream's address as they are; a file's path is seen from the folder of this file."""
    text = _expanded(text)
    if "://" in text or (text.isascii() and text.isdigit()):
        return text
    return str(_from_the_file(Path(text), info))


def _by_http(url: str) -> str:
    if not re.match("https?://[^/]", url):
        raise ValueError("an address that events are posted to begins with http:// or https://")
    if "@" in urlsplit(url).netloc:
        raise ValueError('user and password belong into headers, as Authorization = "Basic ${LOGIN}"')
    return url


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", text):
        raise ValueError(
            "a name has letters, digits, dots, hyphens and underscores only: folders and topics are called by it"
        )
    return text


def _topic(text: str) -> str:
    if "#" in text or "+" in text:
        raise ValueError("a topic to publish to has no wildcards, # and +; leave them out")
    return text


_Text = Annotated[str, Field(min_length=1), AfterValidator(_expanded)]
_Path = Annotated[Path, AfterValidator(_from_the_file)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Webhook(_Table):
    """An address that events are posted to."""

    url: Annotated[_Text, AfterValidator(_by_http)]
    headers: dict[str, _Text] = Field(default_factory=dict)
    timeout: float = Field(default=10.0, gt=0, le=600)  # seconds of one attempt
    waiting: int = Field(default=1000, ge=1, le=1_000_000)  # events that may wait


class Mqtt(_Table):
    """A broker that events are published to, as TOPIC/CAMERA/EVENT."""

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    topic: Annotated[str, Field(min_length=1), AfterValidator(_topic)] = "mot"
    username: _Text | None = None
    password: _Text | None = None
    tls: bool = False
    ca: _Path | None = None  # PEM file of the authorities; None: those of the system
    timeout: float = Field(default=10.0, gt=0, le=600)
    waiting: int = Field(default=1000, ge=1, le=1_000_000)


class EventOutputs(_Table):
    """Where events go; all that is named."""

    file: str = Field(default="events.jsonl", min_length=1)  # in the output folder; "-" is standard output
    interval: float = Field(default=60.0, ge=1, le=86_400)  # seconds that are counted together
    left_after: float = Field(default=2.0, gt=0, le=3600)  # seconds unseen after which somebody has left
    hysteresis: float = Field(default=0.1, ge=0, le=10)  # as of `mot count`, heights of the person
    webhook: Webhook | None = None
    mqtt: Mqtt | None = None


class Recording(_Table):
    """Files that are begun anew by the hour."""

    rows: bool = True  # MOTChallenge text
    video: bool = False  # MP4 with the tracks drawn
    anonymise: bool = False  # with heads blurred
    every: float = Field(default=3600.0, ge=1, le=86_400)  # seconds of a file; cut at their multiples in UTC


class CameraTracker(TrackerSpec):
    """A camera's own, in the place of the command's; which of them it is has to be said."""

    name: str

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.config()
        except TrackerError as error:
            raise ValueError(str(error)) from error
        return self


class Camera(_Table):
    """One camera."""

    name: Annotated[str, Field(max_length=80), AfterValidator(_name)]
    address: Annotated[str, Field(min_length=1), AfterValidator(_address)]  # as `mot track` takes it
    lines: _Path | None = None  # lines.json, as `mot count` takes it
    places: Places | None = None  # the same, written here
    tracker: CameraTracker | None = None  # None: as for all cameras
    waiting: int = Field(default=8, ge=1, le=10_000)  # frames that may wait to be tracked; beyond, the oldest go

    @property
    def shown(self) -> str:
        """The address without user name, password and query."""
        return without_credentials(self.address) if "://" in self.address else self.address

    @model_validator(mode="after")
    def _one_drawing(self) -> Self:
        if self.lines is not None and self.places is not None:
            raise ValueError("has both lines (a file) and places; keep one of them")
        return self

    def drawn(self) -> Places | None:
        """Its lines and zones.

        Raises:
            PlacesError: the file cannot be read, or holds something else.
        """
        return self.places if self.lines is None else read_places(self.lines)


class Cameras(_Table):
    """The whole file. Frozen."""

    output: _Path = Field(default=Path("watched"), validate_default=True)
    events: EventOutputs = EventOutputs()
    recording: Recording = Recording()
    camera: tuple[Camera, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _different(self) -> Self:
        names = [camera.name.casefold() for camera in self.camera]
        for camera in self.camera:
            if names.count(camera.name.casefold()) > 1:
                raise ValueError(
                    f"{names.count(camera.name.casefold())} cameras are called {camera.name!r}; give each its own name"
                )
            if camera.name == self.events.file:
                raise ValueError(
                    f"a camera's folder and the file of events are both called {camera.name!r}; rename one"
                )
        return self

    @property
    def events_path(self) -> Path | None:
        """The file of events; None: standard output."""
        return None if self.events.file == "-" else self.output / self.events.file


def read_cameras(path: Path) -> Cameras:
    """Read ``CAMERAS.toml`` and look at the files that it names.

    Raises:
        CamerasError: it cannot be read, or a key or value is not what it must be.
        PlacesError: a file of lines and zones cannot be used.
    """
    values = read_toml(path, CamerasError, f"expected {_EXAMPLE}")
    try:
        cameras = Cameras.model_validate(values, context={"folder": path.parent})
    except ValidationError as error:
        raise CamerasError(f"{path}: {faults_of(error, most=5, words=_WORDS, is_secret=_is_secret)}") from error
    for number, camera in enumerate(cameras.camera, start=1):
        camera.drawn()
        try:
            name_of(camera.address)
        except MotError as error:
            raise CamerasError(f"{path}: camera.{number}.address: {error}") from error
    return cameras


def _is_secret(key: str, value: Any) -> bool:
    return isinstance(value, dict) or _SECRET.search(key) is not None
