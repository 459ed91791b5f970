"""Messages as lines of JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.log_lines import about, event
from client.terminal import show, speak_to_machines, speak_to_people
from tests.command import start


@pytest.fixture
def spoken_to_people() -> Iterator[None]:
    yield
    speak_to_people()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What has been written to standard error."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_has_time_level_message_and_fields(spoken_to_people: None, capsys: pytest.CaptureFixture[str]) -> None:
    speak_to_machines()
    event("job done", job="street", frames=795)
    (line,) = lines(capsys)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "message": "job done", "job": "street", "frames": 795}


def test_what_is_logged_within_a_job_has_its_name_and_frame(
    spoken_to_people: None, capsys: pytest.CaptureFixture[str]
) -> None:
    speak_to_machines()
    with about(job="street") as here:
        here["frame"] = 12
        logging.getLogger("client.video").warning("frame %d is damaged", 12)
        with about(job="inner"):  # a job within a page's job keeps the page's name
            show("error", "a\nb [bold]")
    logging.getLogger("client").warning("outside")
    first, second, third = lines(capsys)
    assert (first["level"], first["job"], first["frame"], first["message"]) == (
        "warning",
        "street",
        12,
        "frame 12 is damaged",
    )
    assert (second["level"], second["job"], second["message"]) == ("error", "street", "a\nb [bold]")
    assert "job" not in third


def test_an_exception_is_in_its_line(spoken_to_people: None, capsys: pytest.CaptureFixture[str]) -> None:
    speak_to_machines()
    try:
        raise OSError("disk")
    except OSError:
        logging.getLogger("client").exception("failed")
    (line,) = lines(capsys)
    assert "OSError: disk" in line["exception"]


def test_people_see_no_events(capsys: pytest.CaptureFixture[str]) -> None:
    event("job done", job="street")
    assert capsys.readouterr() == ("", "")


def test_an_error_that_ends_the_command_is_a_line(tmp_path: Path) -> None:
    process = start("--log", "json", "track", tmp_path / "missing.mp4", "--output", tmp_path / "out")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    (line,) = [json.loads(line) for line in err.splitlines()]
    assert line["level"] == "error" and "missing.mp4" in line["message"]
