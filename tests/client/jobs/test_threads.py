"""Several sequences in one process: results, resumption, failures."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from client.challenge.task import Task, find_challenge
from client.detection.errors import DetectorError
from client.jobs.record import Record
from client.jobs.spec import JobError
from client.jobs.threads import Outcome
from client.outputs.embeddings import read_embeddings
from client.serving.network import NetworkConfig
from client.tracking import BotSortConfig, ByteConfig, OverlapReidConfig
from mot.sequence import read_results
from tests.client.challenge.benchmark import make_benchmark, make_detections, make_sequence
from tests.client.jobs.sequences import RunConfig, run_tasks, with_values
from tests.media import names
from tests.tiny_model import TINY, repository, save

LENGTHS = {"train/MOT20-01": 9, "train/MOT20-02": 14, "train/MOT20-03": 5, "train/MOT20-05": 11}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


@pytest.fixture
def config(models: Path, tmp_path: Path) -> RunConfig:
    return RunConfig(
        out=tmp_path / "out",
        network=NetworkConfig(kind="local", model_repository=models),
        tracker=OverlapReidConfig(conf_thres=0.2),
        jobs=3,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_benchmark(tmp_path / "MOT20", LENGTHS)


def tasks_of(root: Path, split: str = "train", detections: str | None = None) -> tuple[Task, ...]:
    return find_challenge(root, split, detections=detections).tasks


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


def test_every_sequence_has_its_rows(root: Path, config: RunConfig) -> None:
    outcomes = run_tasks(tasks_of(root), config)
    assert states(outcomes) == ["tracked"] * 4
    assert [outcome.job.name for outcome in outcomes] == ["MOT20-01", "MOT20-02", "MOT20-03", "MOT20-05"]
    for outcome in outcomes:
        rows = read_results(config.out / f"{outcome.job.name}.txt")
        assert set(rows.frames) == set(range(1, outcome.job.length + 1))
        assert outcome.record and outcome.record.summary
        assert outcome.record.summary.frames == outcome.job.length
        assert outcome.record.summary.boxes == len(rows)
        assert outcome.record.summary.ids == len(set(rows.ids))
        assert rows.ids.min() == 1  # each has a tracker of its own
        assert Record.read(config.out, outcome.job.name) == outcome.record
    assert len(names(config.out)) == 8


def test_side_by_side_gives_the_rows_of_one_at_a_time(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    run_tasks(tasks_of(root), replace(config, out=config.out / "alone", jobs=1))
    assert texts(config.out) == texts(config.out / "alone")


def test_halves_keep_the_original_frame_numbers_and_begin_afresh(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root, "val-half"), config)
    rows = read_results(config.out / "MOT20-02.txt")
    assert set(rows.frames) == set(range(9, 15))
    assert rows.ids[rows.frames == 9].min() == 1


def test_copies_of_mot17_have_the_same_bytes(tmp_path: Path, config: RunConfig) -> None:
    make_benchmark(tmp_path / "MOT17", {"test/MOT17-01-FRCNN": 5})
    run_tasks(tasks_of(tmp_path / "MOT17", "test"), config)
    found = texts(config.out)
    assert found.keys() == {f"MOT17-01-{detector}.txt" for detector in ("DPM", "FRCNN", "SDP")}
    assert len(set(found.values())) == 1 and found["MOT17-01-SDP.txt"]
    assert (config.out / "MOT17-01.json").is_file()


def test_advance_is_called_for_each_frame_by_one_thread_at_a_time(root: Path, config: RunConfig) -> None:
    busy = threading.Lock()
    calls = []

    def advance() -> None:
        assert busy.acquire(blocking=False)
        calls.append(threading.get_ident())
        busy.release()

    run_tasks(tasks_of(root), config, advance=advance)
    assert len(calls) == sum(LENGTHS.values())
    run_tasks(tasks_of(root), config, advance=advance)
    assert len(calls) == sum(LENGTHS.values())  # there was nothing left to do


# Resumption.


def test_second_run_does_nothing(root: Path, config: RunConfig, models: Path) -> None:
    first = run_tasks(tasks_of(root), config)
    before = {path: path.stat().st_mtime_ns for path in config.out.iterdir()}
    second = run_tasks(tasks_of(root), config)
    assert states(second) == ["kept"] * 4
    assert [outcome.record for outcome in second] == [outcome.record for outcome in first]
    assert {path: path.stat().st_mtime_ns for path in config.out.iterdir()} == before


def test_network_is_not_opened_where_all_is_finished(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    before = set(threading.enumerate())
    assert states(run_tasks(tasks_of(root), config)) == ["kept"] * 4
    assert set(threading.enumerate()) == before


def test_missing_result_is_made_again(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    before = texts(config.out)
    (config.out / "MOT20-03.txt").unlink()
    assert states(run_tasks(tasks_of(root), config)) == ["kept", "kept", "tracked", "kept"]
    assert texts(config.out) == before


def test_interrupted_run_goes_on_where_it_was_stopped(root: Path, config: RunConfig, tmp_path: Path) -> None:
    expected = replace(config, out=tmp_path / "undisturbed")
    run_tasks(tasks_of(root), expected)
    frames, stop = 0, Event()

    def advance() -> None:
        nonlocal frames
        frames += 1
        if frames == 20:
            stop.set()

    outcomes = run_tasks(tasks_of(root), replace(config, jobs=1), advance=advance, stop=stop)
    assert states(outcomes) == ["tracked", "stopped", "stopped", "stopped"]
    assert texts(config.out).keys() == {"MOT20-01.txt", "MOT20-02.partial.txt"}
    assert read_results(config.out / "MOT20-02.partial.txt").frames.max() == 11
    record = Record.read(config.out, "MOT20-02", done=False)
    assert record and (record.state, record.frames, record.summary) == ("stopped", 11, None)
    assert states(run_tasks(tasks_of(root), config)) == ["kept", "tracked", "tracked", "tracked"]
    assert not any("partial" in name for name in names(config.out))
    assert texts(config.out) == texts(expected.out)


def test_changed_settings_are_named_and_nothing_is_touched(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    before = texts(config.out)
    (config.out / "MOT20-03.txt").unlink()
    other = replace(config, tracker=OverlapReidConfig(conf_thres=0.2, track_buffer=60))
    with pytest.raises(JobError) as refused:
        run_tasks(tasks_of(root), other)
    lines = str(refused.value).splitlines()
    assert lines[0] == f"{config.out}/MOT20-01.json: made with other settings (parameters.track_buffer: 30 -> 60)"
    assert lines[-1] == "replace these results with --overwrite, or choose another folder with --output"
    assert len(lines) == 4
    before.pop("MOT20-03.txt")
    assert texts(config.out) == before


def test_one_copy_of_other_settings_is_not_replaced(tmp_path: Path, config: RunConfig) -> None:
    make_benchmark(tmp_path / "MOT17", {"test/MOT17-01-FRCNN": 5})
    tasks = tasks_of(tmp_path / "MOT17", "test")
    run_tasks(tasks, config)
    (config.out / "MOT17-01-DPM.txt").unlink()
    other = replace(config, tracker=OverlapReidConfig(conf_thres=0.3))
    with pytest.raises(JobError, match=r"parameters\.conf_thres: 0\.2 -> 0\.3"):
        run_tasks(tasks, other)
    assert texts(config.out).keys() == {"MOT17-01-FRCNN.txt", "MOT17-01-SDP.txt"}
    (config.out / "MOT17-01-FRCNN.txt").unlink()
    (config.out / "MOT17-01-SDP.txt").unlink()
    assert states(run_tasks(tasks, other)) == ["tracked"]  # of the old settings nothing but the record was left


def test_other_model_or_split_is_a_changed_setting(root: Path, config: RunConfig, tmp_path: Path) -> None:
    run_tasks(tasks_of(root), config)
    with pytest.raises(JobError, match=r"frames: \[1, 9\] -> \[6, 9\]"):
        run_tasks(tasks_of(root, "val-half"), config)
    other = repository(tmp_path / "models", replace(TINY, recipe="other"))
    with pytest.raises(JobError, match=r"model\.sha256: "):
        run_tasks(tasks_of(root), replace(config, network=with_values(config.network, model_repository=other)))


def test_other_frame_rate_is_a_changed_setting(root: Path, config: RunConfig) -> None:
    (task,) = tasks_of(root)[:1]
    run_tasks([task], config)
    with pytest.raises(JobError, match=r"frame_rate: 30\.0 -> 25"):
        run_tasks([replace(task, frame_rate=25)], config)


def test_overwrite_replaces_results_of_other_settings_alone(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    few = replace(config, tracker=OverlapReidConfig(conf_thres=0.9), overwrite=True)
    assert states(run_tasks(tasks_of(root)[:2], few)) == ["tracked", "tracked"]
    assert states(run_tasks(tasks_of(root), few)) == ["kept", "kept", "tracked", "tracked"]
    assert texts(config.out)["MOT20-01.txt"] == b""


def test_results_that_nothing_tells_about_are_not_replaced(root: Path, config: RunConfig) -> None:
    config.out.mkdir()
    (config.out / "MOT20-02.txt").write_text("mine\n")
    with pytest.raises(JobError, match=r"MOT20-02\.txt: nothing says how it was made, MOT20-02\.json is missing"):
        run_tasks(tasks_of(root), config)
    assert names(config.out) == {"MOT20-02.txt"}
    run_tasks(tasks_of(root), replace(config, overwrite=True))
    assert (config.out / "MOT20-02.txt").read_text() != "mine\n"


# Embeddings.


def test_embeddings_of_every_id_stand_beside_each_result(tmp_path: Path, config: RunConfig) -> None:
    make_benchmark(tmp_path / "MOT17", {"test/MOT17-01-FRCNN": 5})
    config = replace(config, embeddings=True)
    run_tasks(tasks_of(tmp_path / "MOT17", "test"), config)
    copies = [f"MOT17-01-{detector}" for detector in ("DPM", "FRCNN", "SDP")]
    assert names(config.out) == {"MOT17-01.json"} | {f"{c}.{e}" for c in copies for e in ("txt", "embeddings.npz")}
    for copy in copies:
        embeddings = read_embeddings(config.out / f"{copy}.embeddings.npz")
        assert embeddings and set(embeddings) == set(read_results(config.out / f"{copy}.txt").ids)
    assert states(run_tasks(tasks_of(tmp_path / "MOT17", "test"), config)) == ["kept"]
    (config.out / "MOT17-01-SDP.embeddings.npz").unlink()
    assert states(run_tasks(tasks_of(tmp_path / "MOT17", "test"), config)) == ["tracked"]
    assert (config.out / "MOT17-01-SDP.embeddings.npz").exists()


def test_results_without_embeddings_are_made_again_where_they_are_asked_for(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root), config)
    rows = texts(config.out)
    with_looks = replace(config, embeddings=True)
    assert states(run_tasks(tasks_of(root)[:1], with_looks)) == ["tracked"]
    assert states(run_tasks(tasks_of(root), with_looks)) == ["kept", "tracked", "tracked", "tracked"]
    assert len(list(config.out.glob("*.embeddings.npz"))) == 4
    assert texts(config.out) == rows
    assert states(run_tasks(tasks_of(root), config)) == ["kept"] * 4  # more than is asked for


def test_embeddings_of_other_settings_do_not_stay(root: Path, config: RunConfig) -> None:
    run_tasks(tasks_of(root)[:1], replace(config, embeddings=True))
    other = replace(config, tracker=OverlapReidConfig(conf_thres=0.3))
    with pytest.raises(JobError, match=r"conf_thres: 0\.2 -> 0\.3"):
        run_tasks(tasks_of(root)[:1], replace(other, embeddings=True))
    run_tasks(tasks_of(root)[:1], replace(other, overwrite=True))
    assert names(config.out) == {"MOT20-01.txt", "MOT20-01.json"}


def test_sequence_that_fails_has_no_embeddings(root: Path, config: RunConfig) -> None:
    (root / "train/MOT20-01/img1/000007.png").write_bytes(b"damaged")
    assert states(run_tasks(tasks_of(root)[:1], replace(config, embeddings=True))) == ["failed"]
    partial = {"MOT20-01.partial.json", "MOT20-01.partial.txt", "MOT20-01.embeddings.partial.npz"}
    assert names(config.out) == partial


def test_nobody_in_a_whole_sequence(root: Path, config: RunConfig) -> None:
    strict = replace(config, embeddings=True, tracker=OverlapReidConfig(conf_thres=1))
    run_tasks(tasks_of(root)[:1], strict)
    assert (config.out / "MOT20-01.txt").read_text() == ""
    assert read_embeddings(config.out / "MOT20-01.embeddings.npz") == {}


# Failures.


def test_a_sequence_that_fails_does_not_lose_the_others(root: Path, config: RunConfig) -> None:
    (root / "train/MOT20-02/img1/000007.png").write_bytes(b"damaged")
    outcomes = run_tasks(tasks_of(root), config)
    assert states(outcomes) == ["tracked", "failed", "tracked", "tracked"]
    assert "000007.png: not an image" in outcomes[1].error
    assert "MOT20-02.txt" not in names(config.out)
    assert read_results(config.out / "MOT20-02.partial.txt").frames.max() == 6


def test_sequence_with_fewer_images_than_it_says(root: Path, config: RunConfig) -> None:
    make_sequence(root / "train/MOT20-09", 12, images=8)
    root = make_benchmark(root / "own", {"train/a": 3})
    make_sequence(root / "train/b", 12, images=8)
    outcomes = run_tasks(tasks_of(root), config)
    assert states(outcomes) == ["tracked", "failed"]
    assert "b: frames 1 to 12 are wanted, but there are images of 8 of them" in outcomes[1].error


def test_network_that_fails_ends_the_run(root: Path, config: RunConfig, tmp_path: Path) -> None:
    broken = tmp_path / "models"
    save(broken / "fairmot/1/model.onnx").write_text("not a graph")
    with pytest.raises(DetectorError, match=r"model\.onnx: "):
        run_tasks(tasks_of(root), replace(config, network=with_values(config.network, model_repository=broken)))
    assert not any(config.out.glob("*.txt"))


def test_result_that_cannot_be_written(root: Path, config: RunConfig) -> None:
    (config.out / "MOT20-02.txt").mkdir(parents=True)
    outcomes = run_tasks(tasks_of(root), replace(config, overwrite=True))
    assert states(outcomes) == ["tracked", "failed", "tracked", "tracked"]
    assert outcomes[1].error == f"{config.out}/MOT20-02.txt: cannot be written: Is a directory; check the output folder"


def test_no_task(config: RunConfig) -> None:
    assert run_tasks([], config) == []


# Given detections.


@pytest.fixture
def no_network(config: RunConfig, tmp_path: Path) -> RunConfig:
    """Without a model, so that asking for one fails."""
    return replace(config, network=NetworkConfig(kind="local", model_repository=tmp_path / "nowhere"))


def test_public_detections_need_no_network(tmp_path: Path, no_network: RunConfig) -> None:
    root = make_benchmark(tmp_path / "MOT17", {"train/MOT17-02-DPM": 8, "train/MOT17-02-SDP": 8}, detections=True)
    make_detections(root / "train/MOT17-02-SDP/det/det.txt", 5)
    outcomes = run_tasks(tasks_of(root, detections="public"), replace(no_network, tracker=ByteConfig()))
    assert [outcome.record.summary.boxes for outcome in outcomes if outcome.record and outcome.record.summary] == [
        16,
        10,
    ]
    assert names(no_network.out) == {f"MOT17-02-{d}.{e}" for d in ("DPM", "SDP") for e in ("txt", "json")}


def test_public_detections_of_a_half(tmp_path: Path, no_network: RunConfig) -> None:
    root = make_benchmark(tmp_path / "MOT20", {"train/MOT20-01": 9}, detections=True)
    run_tasks(tasks_of(root, "val-half", "public"), no_network)
    assert set(read_results(no_network.out / "MOT20-01.txt").frames) == {6, 7, 8, 9}


@pytest.mark.parametrize("camera_motion", [True, False])
def test_images_are_read_only_for_a_tracker_that_looks_at_them(
    tmp_path: Path, no_network: RunConfig, camera_motion: bool
) -> None:
    root = make_benchmark(tmp_path / "MOT20", {"train/MOT20-01": 6}, detections=True)
    for path in (root / "train/MOT20-01/img1").iterdir():
        path.write_bytes(b"damaged")
    tracker = BotSortConfig(camera_motion=camera_motion, conf_thres=0.5)
    outcomes = run_tasks(tasks_of(root, detections="public"), replace(no_network, tracker=tracker))
    assert states(outcomes) == ["failed" if camera_motion else "tracked"]


def test_changed_detections_are_a_changed_setting(tmp_path: Path, no_network: RunConfig) -> None:
    root = make_benchmark(tmp_path / "MOT20", {"train/MOT20-01": 6}, detections=True)
    run_tasks(tasks_of(root, detections="public"), no_network)
    make_detections(root / "train/MOT20-01/det/det.txt", 6, score=0.7)
    with pytest.raises(JobError, match=r"detections\.sha256: "):
        run_tasks(tasks_of(root, detections="public"), no_network)


def test_detections_of_another_sequence(tmp_path: Path, no_network: RunConfig) -> None:
    root = make_benchmark(tmp_path / "MOT20", {"train/MOT20-01": 6}, detections=True)
    make_detections(root / "train/MOT20-01/det/det.txt", 7)
    outcomes = run_tasks(tasks_of(root, detections="public"), no_network)
    assert "has detections in frame 7, but the sequence has 6 frames" in outcomes[0].error
