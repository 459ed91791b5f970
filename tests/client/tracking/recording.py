"""What the shipped model finds in 60 frames of the sample video, twelve boxes in each, committed for the trackers.

    python -m tests.client.tracking.recording $(mot sample)     # writes tests/golden/vtest_101_160.npz anew

The file holds ``counts`` (60,) of each frame and, of all frames in a row, ``boxes`` (N, 4) xyxy in pixels of the
video, ``scores`` (N,) and ``embeddings`` (N, D): the model's own numbers, rounded to float16. Another model needs
no other recording: the trackers are compared with each other on it, not with the truth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from client.pipeline.track import track
from client.serving.network import NetworkConfig, open_network
from client.tracking import ByteConfig
from client.video.open import open_source
from mot.detections import Detections
from mot.files import whole_file

RECORDING = Path(__file__).resolve().parents[2] / "golden/vtest_101_160.npz"
FIRST, LAST = 101, 160
FRAME_RATE = 10.0  # of the video
MIN_SCORE = 0.1  # from here BYTE's second pass takes people


def read_recording() -> list[Detections]:
    """The detections of each frame, best score first; embeddings have length 1 again."""
    with np.load(RECORDING, allow_pickle=False) as content:
        cuts = np.cumsum(content["counts"])[:-1]
        boxes, scores, embeddings = (content[name].astype(np.float32) for name in ("boxes", "scores", "embeddings"))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    parts = zip(*(np.split(each, cuts) for each in (boxes, scores, embeddings)), strict=True)
    return [Detections(boxes=each, scores=score, embeddings=embedding) for each, score, embedding in parts]


def record(video: Path) -> None:
    """Run the shipped model on the sample video and write the recording."""
    with (
        open_source(str(video), FIRST, LAST) as source,
        open_network(NetworkConfig(kind="local")) as engine,
    ):
        frames = [frame.detections for frame in track(source, engine.detector, ByteConfig().tracker(FRAME_RATE))]
    found = [frame[frame.scores > MIN_SCORE] for frame in frames]
    columns = {
        name: np.concatenate([getattr(each, name) for each in found]).astype(np.float16)
        for name in ("boxes", "scores", "embeddings")
    }
    with whole_file(RECORDING) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, counts=np.array([len(each) for each in found], np.int64), **columns)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
