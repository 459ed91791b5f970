"""What stands beside a job's results: how they were made, how far the job came, and why it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from client.jobs.spec import JobError
from mot.documents import parse_json
from mot.files import whole_file

_MOST = 2**53  # of anything that is counted
_NO_TIME = 1e-9  # seconds
State = Literal["running", "done", "stopped", "failed"]


class JobSummary(BaseModel):
    """What became of one video."""

    model_config = ConfigDict(frozen=True)

    frames: int = Field(ge=0, le=_MOST)
    boxes: int = Field(ge=0, le=_MOST)  # people in all frames together
    ids: int = Field(ge=0, le=_MOST)  # different people, as far as the tracker could tell
    # Wall clock, from the first frame's decoding to the last output's completion.
    seconds: float = Field(ge=0, allow_inf_nan=False)
    milliseconds: Mapping[str, FiniteFloat]  # mean of a frame by stage, see client.pipeline.stages.Stages
    frame_rate: FiniteFloat | None = None  # of the video, nominal; None: a record of an earlier release

    @property
    def frames_per_second(self) -> float:
        return self.frames / self.seconds if self.seconds > _NO_TIME else 0.0


class Record(BaseModel):
    """A JSON beside the results: ``NAME.json`` of those that are whole, ``NAME.partial.json`` while they are not."""

    model_config = ConfigDict(frozen=True)

    settings: dict[str, Any]  # what the rows depend on, see client.jobs.fingerprint
    state: State
    frames: int = Field(default=0, ge=0, le=_MOST)  # done
    summary: JobSummary | None = None  # where it is done
    error: str = ""  # where it failed: the reason as a sentence

    def write(self, output: Path, name: str) -> None:
        """Write it into a job's folder; it appears whole or not at all. A finished job's replaces the partial one.

        Raises:
            OSError: it cannot be written.
        """
        path = record_path(output, name, done=self.state == "done")
        with whole_file(path) as temporary:
            # Not by Pydantic, which refuses file names that are no text; ours are escaped.
            temporary.write_text(json.dumps(self.model_dump(), indent=2) + "\n", encoding="ascii")
        if self.state == "done":
            record_path(output, name, done=False).unlink(missing_ok=True)

    @classmethod
    def read(cls, output: Path, name: str, *, done: bool = True) -> Self | None:
        """The record of a finished job, or with ``done`` False of the last one that was not; None where there is none.

        Raises:
            JobError: the file is not one.
        """
        path = record_path(output, name, done=done)
        try:
            return cls.model_validate(parse_json(path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JobError(f"{path}: cannot be read: {error.strerror}; check the path") from error
        except ValueError as error:  # of JSON, and Pydantic's
            raise JobError(
                f"{path}: is no record of a result; remove it, or choose another folder with --output"
            ) from error


def record_path(output: Path, name: str, *, done: bool = True) -> Path:
    """``NAME.json``, or ``NAME.partial.json`` of a job that is not done."""
    return output / (f"{name}.json" if done else f"{name}.partial.json")
