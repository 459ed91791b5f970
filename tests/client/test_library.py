"""The library's face: what ``client`` offers, and the examples of the README as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import client
from client import (
    Detections,
    JobSpec,
    MotError,
    NetworkConfig,
    Networks,
    TrackerSpec,
    evaluate,
    make_tracker,
    run,
    track_video,
    tracker_config,
)
from mot.sequence import read_results
from tests.command import ROOT, walk
from tests.media import names
from tests.tiny_model import repository


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> NetworkConfig:
    return NetworkConfig(kind="local", model_repository=repository(tmp_path_factory.mktemp("models")))


def test_the_face_is_what_it_says() -> None:
    assert sorted(client.__all__) == sorted(client._WHERE)
    for name in client.__all__:
        assert getattr(client, name).__name__ == name
    assert set(client.__all__) <= set(dir(client))
    with pytest.raises(AttributeError, match="has no attribute 'Detector'; it offers Detections, "):
        client.Detector  # noqa: B018


def test_importing_it_loads_nothing() -> None:
    code = "import sys, client; print([name for name in sys.modules if name.split('.')[0] in {'numpy', 'cv2', 'av'}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


def test_a_tracker_over_boxes_and_scores() -> None:
    tracker = make_tracker("byte", frame_rate=30)
    ids = []
    for step in range(5):
        boxes = np.array([[10 + 3 * step, 20, 60, 180], [200 - 3 * step, 30, 250, 190]], np.float32)
        tracks = tracker.update(Detections(boxes=boxes, scores=np.array([0.9, 0.8], np.float32)))
        ids.append(tracks.ids.tolist())
    assert ids == [[1, 2]] * 5


def test_a_tracker_takes_settings_by_name() -> None:
    with pytest.raises(MotError, match="byte has no setting speed; there are track_buffer"):
        make_tracker("byte", speed=3)
    with pytest.raises(MotError, match="there is no tracker 'sort'"):
        make_tracker("sort")
    with pytest.raises(MotError, match=r"conf_thres is 2"):
        make_tracker("byte", conf_thres=2)


def test_a_video_as_frames_with_tracks(tmp_path: Path, network: NetworkConfig) -> None:
    video = str(walk(tmp_path / "walk.mp4", 12))
    seen = list(
        track_video(video, start=3, network=network, tracker=tracker_config("overlap_reid", ["conf_thres=0.2"]))
    )
    assert [each.frame.index for each in seen] == list(range(3, 13))
    assert sum(len(each.tracks) for each in seen) > 0


def test_a_video_may_be_left_in_the_middle(tmp_path: Path, network: NetworkConfig) -> None:
    frames = track_video(str(walk(tmp_path / "walk.mp4", 12)), network=network)
    assert next(frames).frame.index == 1
    frames.close()


def test_a_job_and_its_score(tmp_path: Path, network: NetworkConfig) -> None:
    video = walk(tmp_path / "walk.mp4", 12)
    tracker = TrackerSpec(settings={"conf_thres": 0.2})
    job = JobSpec(input=str(video), output=tmp_path / "out", name="walk", network=network, tracker=tracker)
    with Networks() as networks:
        summary = run(job, networks.get(job.network))
    assert names(tmp_path / "out") == {"walk.txt", "walk.mp4", "walk.json"}
    rows = read_results(tmp_path / "out/walk.txt")
    assert summary.boxes == len(rows) > 0
    truth = tmp_path / "gt.txt"
    truth.write_text("".join(f"{line.rsplit(',', 4)[0]},1,1,1\n" for line in _lines(tmp_path / "out/walk.txt")))
    scores = evaluate(truth, tmp_path / "out/walk.txt", benchmark="MOT15")
    assert scores.combined["MOTA"] == scores.combined["IDF1"] == 100


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.mark.triton
def test_examples_of_the_readme_run(tmp_path: Path) -> None:
    """Each Python block under "From Python", on a small video and with the shipped model."""
    blocks = []
    for name in ("README.md", "client/README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        section = text[text.index("## From Python") + 3 :]
        blocks += re.findall(r"```python\n(.*?)```", section[: section.index("\n## ")], re.DOTALL)
    assert len(blocks) == 6
    walk(tmp_path / "street.mp4", 12)
    (tmp_path / "gt.txt").write_text("1,1,10,10,10,20,1,1,1\n")
    mine = "import numpy as np\nmine = [(np.array([[10, 20, 60, 180]], np.float32), np.ones(1, np.float32))] * 3\n"
    for block in blocks:
        assert len([line for line in block.splitlines() if line.strip()]) <= 5, block
        done = subprocess.run(
            [sys.executable, "-c", mine + block],
            check=False,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (block, done.stderr)
