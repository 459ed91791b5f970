"""Files that a person or this program has written: ``lines.json``, ``CAMERAS.toml``, jobs, their records, recipes."""

from __future__ import annotations

import json
import math
from pathlib import Path

from client.analysis.places import read_places
from client.batch.journal import JOURNAL, Journal
from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobSpec
from client.live.cameras import read_cameras
from tests.fuzz.json_tree import JSON, JSON_LINES
from tests.fuzz.mutation import TEXT, in_utf16
from tests.fuzz.target import Target, check_finite

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = (
    b'{"width": 1920, "height": 1080, "lines": [{"name": "door", "points": [[100, 500], [700, 500.5], [900, 700]],'
    b' "in": "to us", "out": "away"}], "zones": [{"name": "hall", "points": [[0, 0], [300, 0], [300, 200], [0, 2]]}]}',
    b'{"width": 64, "height": 48, "zones": []}',
)
_CAMERAS = (
    (_ROOT / "deploy" / "cameras.toml").read_bytes().replace(b"${DOOR_PASSWORD}", b"secret"),
    b'[[camera]]\nname = "door"\naddress = "rtsp://user:secret@10.0.0.5/live"\nwaiting = 3\n\n[[camera]]\nname = "b"\n'
    b'address = "0"\nplaces = {width = 64, height = 48, lines = [{name = "l", points = [[1, 2], [3.5, 4]]}]}\n'
    b'[events]\nfile = "-"\ninterval = 5\nwebhook = {url = "https://a.b/c", headers = {X = "y"}}\n'
    b'mqtt = {host = "h", port = 1883, tls = true}\n[recording]\nvideo = true\nevery = 60.5\n',
)
_SUMMARY = JobSummary(frames=262, boxes=2879, ids=26, seconds=8.0, milliseconds={"decode": 1.5}, frame_rate=25)
_JOB = JobSpec(input="walk.mp4", output=Path("out"), name="walk", end=9)
_RECORDS = (
    json.dumps(Record(settings={"frames": [1, 9]}, state="done", frames=9, summary=_SUMMARY).model_dump()).encode(),
    b'{"settings": {}, "state": "failed", "error": "no such file"}',
)
_JOURNAL = (
    b'{"input": "a.mp4", "name": "a"}\n{"failed": "a", "settings": "0123", "reason": "no"}\n'
    b'{"again": "a", "settings": "0123"}\n{"input": "b/a.mp4", "name": "a-2"}\n',
)


def _places(path: Path) -> None:
    places = read_places(path)
    for place in (*places.lines, *places.zones):
        check_finite(place.array, place.array * 2)
    scaled = places.scaled(2 * places.width, 2 * places.height)
    assert len(scaled.lines) == len(places.lines) and len(scaled.zones) == len(places.zones)
    assert places.parse(places.to_json()) == places


def _cameras(path: Path) -> None:
    cameras = read_cameras(path)
    assert cameras.camera and len({camera.name for camera in cameras.camera}) == len(cameras.camera)
    check_finite(cameras.events.interval, cameras.events.left_after, cameras.events.hysteresis, cameras.recording.every)
    for camera in cameras.camera:
        assert "/" not in camera.name and camera.shown and "secret" not in camera.shown


def _job(path: Path) -> None:
    job = JobSpec.parse(path.read_bytes())
    assert "/" not in job.name and job.texts and job.start >= 1
    for each in job.texts:
        assert each.parent == job.output, "results stay in their folder"
    config = job.tracker.config()
    config.tracker(30)
    assert 0 < (job.frame_rate or 1) < math.inf
    assert JobSpec.parse(job.model_dump_json()) == job


def _record(path: Path) -> None:
    record = Record.read(path.parent, path.stem)
    assert record is not None and record.frames >= 0
    if record.summary:
        check_finite(record.summary.seconds, record.summary.frames_per_second)


def _journal(path: Path) -> None:
    with Journal(path.parent) as journal:
        name = journal.name_for("new.mp4", "new")
    with Journal(path.parent) as journal:
        assert journal.name_for("new.mp4", "another") == name


PLACES = Target(name="lines-json", file="lines.json", seeds=_PLACES, reads=(_places,), mutations=(*JSON, in_utf16))
CAMERAS = Target(name="cameras", file="cameras.toml", seeds=_CAMERAS, reads=(_cameras,), mutations=(*TEXT, in_utf16))
JOB = Target(
    name="job",
    file="job.json",
    seeds=(_JOB.model_dump_json().encode(), b'{"input": "0", "output": "o", "name": "n", "results": ["a", "b"]}'),
    reads=(_job,),
    mutations=JSON,
    named="",  # it comes from a person's options or the page's data, not from a file of its own
)
RECORD = Target(name="record", file="walk.json", seeds=_RECORDS, reads=(_record,), mutations=JSON)
BATCH = Target(name="journal", file=JOURNAL, seeds=_JOURNAL, reads=(_journal,), mutations=JSON_LINES)
TARGETS = (PLACES, CAMERAS, JOB, RECORD, BATCH)
