"""The page's settings: where it keeps its files, where the network is, and the limits for its users."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mot.errors import MotError

ENVIRONMENT = "MOT_UI_SETTINGS"  # JSON, by which `mot ui` hands its settings to the processes that it starts
MIB, GIB = 1 << 20, 1 << 30


class SettingsError(MotError, ValueError):
    """A setting cannot have this value."""


class Limits(BaseModel):
    """What one person may ask for, and how long the page keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_bytes: int = Field(default=4 * GIB, ge=1)  # of one upload
    unpacked_bytes: int = Field(default=8 * GIB, ge=1)  # of the images in a zip
    images: int = Field(default=50_000, ge=1)  # in a zip
    seconds: float = Field(default=7200, gt=0)  # of one video
    pixels: int = Field(default=3840 * 2160, ge=1)  # of one picture
    jobs: int = Field(default=20, ge=1)  # of one person that wait or run
    person_bytes: int = Field(default=20 * GIB, ge=1)  # of one person's uploads
    keep_days: float = Field(default=7, gt=0)  # after which finished jobs and unused uploads are removed
    keep_bytes: int = Field(default=50 * GIB, ge=1)  # of all files; the oldest finished jobs go first
    free_bytes: int = Field(default=GIB, ge=0)  # that uploads leave free on the disk


class Settings(BaseModel):
    """All settings. Frozen; JSON in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path
    engine: Literal["triton", "local"] = "triton"
    url: str | None = None  # of the Triton server; None only until `mot ui` has started its own
    protocol: Literal["grpc", "http"] = "grpc"
    metrics_url: str | None = None  # of the server's metrics, for the panel
    model_repository: Path | None = None  # of the embedded server; None: the one shipped
    port: int = Field(default=8501, ge=0, le=65535)
    host: str = "127.0.0.1"
    base_path: str = ""  # under which a proxy shows the page: "" or "/NAME"
    workers: int = Field(default=2, ge=0)  # 0: they are containers of their own
    retry_for_s: float = Field(default=3600.0, ge=0)  # how long a job waits for a server that is away
    password: str = ""  # that all users know; "" for none
    login: bool = False  # by OIDC, as Streamlit's secrets.toml describes it ([auth])
    secure_cookie: bool = False  # send the cookie over HTTPS only
    limits: Limits = Limits()

    @property
    def guarded(self) -> bool:
        """Whether people must say who they are."""
        return self.login or bool(self.password)

    @property
    def uploads(self) -> Path:
        return self.data / "uploads"

    @property
    def jobs(self) -> Path:
        return self.data / "jobs"

    @property
    def database(self) -> Path:
        return self.data / "page.db"

    def environment(self) -> dict[str, str]:
        """This process's environment with the settings in it."""
        return os.environ | {ENVIRONMENT: self.model_dump_json()}

    @classmethod
    def of_environment(cls) -> Self:
        """The settings that this process was given.

        Raises:
            SettingsError: there are none, or they are not readable.
        """
        text = os.environ.get(ENVIRONMENT)
        if text is None:
            raise SettingsError(f"{ENVIRONMENT} is not set; start the page with `mot ui`")
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SettingsError(f"{ENVIRONMENT}: {error}") from error
