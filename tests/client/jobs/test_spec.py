"""client.jobs.spec: jobs as JSON, and what no job is."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.jobs.spec import JobError, JobSpec, TrackerSpec
from client.serving.network import NetworkConfig
from client.tracking import TRACKERS, ByteConfig, TrackerError

JOB = JobSpec(
    input="street.mp4",
    output=Path("out"),
    name="street",
    start=5,
    network=NetworkConfig(kind="local"),
    tracker=TrackerSpec(name="byte", settings={"track_buffer": 60}),
)


def test_json_out_and_in() -> None:
    assert JobSpec.parse(JOB.model_dump_json()) == JOB
    assert JobSpec.parse(JOB.model_dump()) == JOB


def test_the_least_that_a_job_needs() -> None:
    job = JobSpec.parse('{"input": "0", "output": "out", "name": "door"}')
    assert (job.texts, job.video_path) == ([Path("out/door.txt")], Path("out/door.mp4"))
    assert job.tracker.config() == TRACKERS["overlap_reid"]()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is no job: job: Invalid JSON"),
        ('{"input": "0", "output": "out"}', "this is no job: name: Field required"),
        ('{"input": "0", "output": "out", "name": "a", "speed": 3}', "this is no job: speed: Extra inputs"),
        ('{"input": "0", "output": "out", "name": "a", "start": 0}', "this is no job: start: .*greater than or equal"),
        ('{"input": "0", "output": "out", "name": "../a"}', r"name '\.\./a' is no name of a file"),
        (
            '{"input": "0", "output": "out", "name": "a", "embeddings": true, "detections": "det.txt"}',
            "given detections have no embeddings",
        ),
        ('{"input": "0", "output": "out", "name": "a", "network": {"in_flight": 0}}', "network.in_flight: "),
    ],
)
def test_what_is_no_job_says_which_value(text: str, message: str) -> None:
    with pytest.raises(JobError, match=message):
        JobSpec.parse(text)


def test_a_job_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        JOB.start = 2


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_survives_json(name: str) -> None:
    config = TRACKERS[name]()
    spec = TrackerSpec.of(config)
    assert TrackerSpec.model_validate_json(spec.model_dump_json()).config() == config


def test_settings_that_a_tracker_has_not() -> None:
    with pytest.raises(TrackerError, match="byte has no setting speed; there are track_buffer"):
        TrackerSpec(name="byte", settings={"speed": 3}).config()
    with pytest.raises(TrackerError, match="there is no tracker 'sort'"):
        TrackerSpec(name="sort").config()
    with pytest.raises(TrackerError, match=r"conf_thres is 1\.5"):
        TrackerSpec(name="byte", settings={"conf_thres": 1.5}).config()
    assert TrackerSpec(name="byte", settings={"conf_thres": 0.6}).config() == ByteConfig(conf_thres=0.6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ('"results": ["a/"]', "name 'a/' is no name of a file"),
        ('"frame_rate": Infinity', "frame_rate: "),
    ],
)
def test_found_by_fuzzing(values: str, message: str) -> None:
    with pytest.raises(JobError, match=message):
        JobSpec.parse(f'{{"input": "0", "output": "o", "name": "n", {values}}}')


@pytest.mark.parametrize("settings", [{"conf_thres": "0.5"}, {"conf_thres": None}, {"conf_thres": True}])
def test_a_setting_of_another_kind(settings: dict[str, str | bool | None]) -> None:
    with pytest.raises(TrackerError, match=r"conf_thres is .*, but must be between 0 and 1"):
        TrackerSpec(settings=settings).config()
