"""client.jobs.job: a real video through a real graph, and the record beside the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from client.detection.errors import ModelChangedError
from client.detection.onnx import OnnxDetector
from client.detection.transport import UnavailableError
from client.jobs.job import Watch, run
from client.jobs.record import Record
from client.jobs.spec import JobSpec, TrackerSpec
from client.jobs.tracking import JobStoppedError
from client.outputs.sink import SinkError
from client.pipeline.tracked import TrackedFrame
from client.serving.network import Network, NetworkConfig, open_network
from client.tracking import OverlapReidConfig
from client.video.open import open_source
from client.video.source import Source, VideoError
from mot.errors import MotError
from mot.sequence import read_results
from tests.command import walk
from tests.media import names
from tests.tiny_model import repository

COUNT = 12
LOW = TrackerSpec.of(OverlapReidConfig(conf_thres=0.2))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    models = repository(tmp_path_factory.mktemp("models"))
    with open_network(NetworkConfig(kind="local", model_repository=models)) as network:
        yield network


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    video = walk(tmp_path / "walk.mp4", COUNT)
    return JobSpec(input=str(video), output=tmp_path / "out", name="walk", tracker=LOW, embeddings=True)


class StopAt(Watch):
    """Sets an event with a frame."""

    def __init__(self, index: int) -> None:
        self.stop, self._index = Event(), index
        self.announced: int | None = None

    def opened(self, source: Source) -> None:
        self.announced = source.frame_count

    def frame(self, tracked: TrackedFrame) -> None:
        if tracked.frame.index == self._index:
            self.stop.set()


def test_results_and_record(job: JobSpec, network: Network) -> None:
    summary = run(job, network, settings={"sample": 1})
    assert names(job.output) == {"walk.txt", "walk.mp4", "walk.embeddings.npz", "walk.json"}
    rows = read_results(job.output / "walk.txt")
    assert (summary.frames, summary.boxes, summary.ids) == (COUNT, len(rows), len(set(rows.ids)))
    assert summary.frame_rate == 10
    record = Record.read(job.output, "walk")
    assert record == Record(settings={"sample": 1}, state="done", frames=COUNT, summary=summary)
    with open_source(str(job.video_path)) as source:
        assert sum(1 for _ in source) == COUNT


def test_stopping_keeps_what_is_finished(job: JobSpec, network: Network) -> None:
    watch = StopAt(7)
    with pytest.raises(JobStoppedError, match="walk: stopped after 7 frames"):
        run(job, network, stop=watch.stop, watch=watch)
    assert watch.announced == COUNT
    files = {"walk.partial.txt", "walk.partial.mp4", "walk.embeddings.partial.npz", "walk.partial.json"}
    assert names(job.output) == files
    record = Record.read(job.output, "walk", done=False)
    assert record and (record.state, record.frames, record.error) == ("stopped", 7, "")
    run(job, network)
    assert not any("partial" in name for name in names(job.output))


def test_failure_is_recorded_as_a_sentence(job: JobSpec, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video\n" * 99)
    with pytest.raises(VideoError):
        run(job.model_copy(update={"input": str(path)}), network)
    record = Record.read(job.output, "walk", done=False)
    assert record and record.state == "failed"
    assert record.error.startswith(f"{path}: not a video that can be read: ")
    assert names(job.output) == {"walk.partial.json"}


def test_earlier_results_stay_until_the_new_ones_are_whole(job: JobSpec, network: Network) -> None:
    run(job, network, settings={"take": 1})
    before = (job.output / "walk.txt").read_bytes()
    watch = StopAt(3)
    with pytest.raises(JobStoppedError):
        run(job, network, settings={"take": 2}, stop=watch.stop, watch=watch)
    assert (job.output / "walk.txt").read_bytes() == before
    first = Record.read(job.output, "walk")
    assert first and first.settings == {"take": 1}


def test_results_of_other_settings_leave_nothing_behind(job: JobSpec, network: Network) -> None:
    run(job, network, settings={"take": 1})
    run(job.model_copy(update={"video": False, "embeddings": False}), network, settings={"take": 2})
    assert names(job.output) == {"walk.txt", "walk.json"}


def test_rows_alone_of_the_same_settings_keep_the_video(job: JobSpec, network: Network) -> None:
    run(job, network)
    run(job.model_copy(update={"video": False}), network)
    assert {"walk.mp4", "walk.txt"} <= names(job.output)


def test_result_that_would_replace_its_input(job: JobSpec, network: Network) -> None:
    video = Path(job.input)
    before = video.read_bytes()
    with pytest.raises(SinkError, match=rf"{video}: the result would replace its own input; choose another"):
        run(job.model_copy(update={"output": video.parent}), network)
    assert video.read_bytes() == before


def test_folder_that_cannot_be_written(job: JobSpec, network: Network) -> None:
    job.output.write_text("a file")
    with pytest.raises(Exception, match=r"out/walk\.(partial\.)?json: cannot be written: .*; check the output folder"):
        run(job, network)


class Asked(OnnxDetector):
    """A network that is asked at the end whether it is still the same, as one on a server is."""

    def __init__(self, graph: Path, answer: MotError) -> None:
        super().__init__(graph, workers=1)
        self._said = answer

    def confirm(self) -> None:
        raise self._said


def asked(tmp_path: Path, answer: MotError) -> Network:
    return Network(detector=Asked(repository(tmp_path / "models") / "fairmot/1/model.onnx", answer), in_flight=2)


def test_another_model_at_the_end_is_no_result(job: JobSpec, tmp_path: Path) -> None:
    """It may have come at any frame."""
    with pytest.raises(ModelChangedError, match="another now"):
        run(job, asked(tmp_path, ModelChangedError("another now")))
    record = Record.read(job.output, "walk", done=False)
    assert record and (record.state, record.error) == ("failed", "another now")
    assert not names(job.output) & {"walk.txt", "walk.mp4", "walk.json"}


def test_a_server_that_goes_after_the_last_frame_is_no_loss(job: JobSpec, tmp_path: Path) -> None:
    run(job, asked(tmp_path, UnavailableError("away")))
    assert {"walk.txt", "walk.mp4", "walk.json"} <= names(job.output)


def test_settings_of_another_model_than_the_server_s(job: JobSpec, network: Network) -> None:
    """As of a batch that began before the server got a new one."""
    elsewhere = job.model_copy(update={"network": NetworkConfig(url="somewhere:8001")})
    before = {**network.detector.identity, "mot.recipe": "short"}
    with pytest.raises(ModelChangedError, match=r'gathered \(mot\.recipe: "short" -> "none"\); run the command again'):
        run(elsewhere, network, settings={"model": before})
    assert not job.output.exists()
