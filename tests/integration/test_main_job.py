"""The main job with the shipped model: sample video in, rows and a playable video out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import pytest

from client.serving.network import MODEL_REPOSITORY
from mot.sequence import read_results
from tests.command import start

pytestmark = [pytest.mark.data, pytest.mark.triton]
COUNT = 60
MODEL = MODEL_REPOSITORY / "fairmot/1/model.onnx"


@pytest.fixture(scope="module")
def results(mot_data: Path, tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of ``mot track``'s results by engine; needs what :func:`tiny_repository` needs, an embedded server."""
    if not MODEL.is_file():
        pytest.skip(f"the shipped model {MODEL} is not there")
    folders = {engine: tmp_path_factory.mktemp(engine) for engine in ("triton", "local")}
    for engine, folder in folders.items():
        video = () if engine == "triton" else ("--no-video",)
        arguments = ("--engine", engine, "--end", COUNT, "--output-root", folder, *video)
        process = start("track", mot_data / "videos/vtest.avi", *arguments)
        try:
            _, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == 0, err
    return folders


def test_both_engines_give_the_same_rows(results: dict[str, Path]) -> None:
    assert (results["triton"] / "vtest.txt").read_bytes() == (results["local"] / "vtest.txt").read_bytes()


def test_people_are_tracked(results: dict[str, Path]) -> None:
    rows = read_results(results["triton"] / "vtest.txt")
    assert rows.frames.min() >= 1 and rows.frames.max() <= COUNT
    assert len(rows) >= 2 * COUNT
    assert len(set(rows.ids)) <= len(rows) / 10  # people are followed, not found anew in each frame


def test_video_plays_in_browsers(results: dict[str, Path]) -> None:
    path = results["triton"] / "vtest.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (768, 576, 10)
        assert sum(1 for _ in container.decode(video=0)) == COUNT
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart
