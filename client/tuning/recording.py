"""What a network finds in every frame of a sequence, kept in a file: settings are then tried without the network."""

from __future__ import annotations

import dataclasses
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.detection.detector import Detector
from client.tracking import Tracker
from mot.detections import Detections
from mot.errors import MotError
from mot.files import whole_file
from mot.frame import Frame
from mot.geometry import xyxy_to_xywh
from mot.sequence import MotRows

FLOOR = 0.05  # detections of lower scores are not kept: no tracker takes them, and they are many


class RecordingError(MotError):
    """A recording is missing or is none; the message names the file and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """F frames of a sequence; boxes in pixels of the original image, best score first."""

    frames: npt.NDArray[np.int64]  # (F,) numbers from 1, as the source counts them
    times: npt.NDArray[np.float64]  # (F,) seconds
    frame_rate: float  # frames per second, nominally
    detections: tuple[Detections, ...]  # F
    model: str = ""  # what made them, so that those of another model are not taken for them

    def __len__(self) -> int:
        return len(self.frames)

    def save(self, path: Path) -> None:
        """Write ``counts`` (F,) and, of all frames in a row, ``boxes`` (N, 4), ``scores`` (N,), ``embeddings`` (N, D).

        An npz, which appears whole or not at all; embeddings as float16, D = 0 where there are none, the rest as it is.

        Raises:
            RecordingError: it cannot be written.
        """
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *(found.boxes for found in self.detections)])
        scores = np.concatenate([np.zeros(0, np.float32), *(found.scores for found in self.detections)])
        try:
            with whole_file(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(
                    file,
                    frames=self.frames,
                    times=self.times,
                    frame_rate=np.float64(self.frame_rate),
                    model=np.str_(self.model),
                    counts=np.array([len(found) for found in self.detections], np.int64),
                    boxes=boxes,
                    scores=scores,
                    embeddings=_joined_embeddings(self.detections).astype(np.float16),
                )
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written: {error.strerror}; choose another folder") from error


def read_recording(path: Path) -> Recording:
    """Read what :meth:`Recording.save` wrote; embeddings have length 1 again.

    Raises:
        RecordingError: there is no such file, or it holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            cuts = np.cumsum(content["counts"])
            boxes, scores = (content[name].astype(np.float32) for name in ("boxes", "scores"))
            embeddings = content["embeddings"].astype(np.float32)
            frames, times = content["frames"].astype(np.int64), content["times"].astype(np.float64)
            rate, model = float(content["frame_rate"]), str(content["model"])
    except FileNotFoundError as error:
        raise RecordingError(
            f"{path}: no such recording; `mot tune` writes it where the sequence can be read"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RecordingError(f"{path}: is no recording of `mot tune`: {error}; remove it") from error
    whole = len(cuts) == len(frames) == len(times) and len(boxes) == len(scores) == len(embeddings)
    if not whole or (len(cuts) and cuts[-1] != len(boxes)) or not 0 < rate < np.inf:
        raise RecordingError(f"{path}: is no recording of `mot tune`: its parts do not fit; remove it")
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True).clip(min=1e-12)
    parts = zip(*(np.split(each, cuts[:-1]) for each in (boxes, scores, embeddings)), strict=True)
    found = tuple(
        Detections(boxes=each, scores=score, embeddings=vector if vector.shape[1] else None)
        for each, score, vector in parts
    )
    return Recording(frames=frames, times=times, frame_rate=rate, detections=found if len(cuts) else (), model=model)


def record(
    frames: Iterable[Frame],
    detector: Detector,
    frame_rate: float,
    *,
    in_flight: int = 4,
    model: str = "",
    watch: Callable[[], None] = lambda: None,
) -> Recording:
    """Run the detector on every frame.

    Args:
        in_flight: frames in the detector at a time.
        model: see :class:`Recording`.
        watch: called after each frame, for progress.

    Raises:
        MotError: the frames cannot be read, or the detector failed.
    """
    numbers: list[int] = []
    times: list[float] = []
    answers: list[Detections] = []
    for frame, found in _detected(frames, detector, in_flight):
        numbers.append(frame.index)
        times.append(frame.time)
        answers.append(found[found.scores >= FLOOR])
        watch()
    return Recording(
        frames=np.array(numbers, np.int64),
        times=np.array(times, np.float64),
        frame_rate=frame_rate,
        detections=tuple(answers),
        model=model,
    )


def replay(recording: Recording, tracker: Tracker) -> MotRows:
    """The rows that a new tracker makes of the recorded frames, exact to hundredths of a pixel as a result file is."""
    frames, ids, boxes, scores = [], [], [], []
    for number, time, found in zip(
        recording.frames.tolist(), recording.times.tolist(), recording.detections, strict=True
    ):
        tracks = tracker.update(found, time=time)
        frames.append(np.full(len(tracks), number))
        ids.append(tracks.ids)
        boxes.append(xyxy_to_xywh(tracks.boxes.astype(np.float64)).round(2))
        scores.append(tracks.scores.astype(np.float64).round(4))
    count = sum(len(each) for each in ids)
    return MotRows(
        frames=np.concatenate([np.zeros(0, np.int64), *frames]),
        ids=np.concatenate([np.zeros(0, np.int64), *ids]),
        boxes=np.concatenate([np.zeros((0, 4)), *boxes]),
        scores=np.concatenate([np.zeros(0), *scores]),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )


def without_embeddings(recording: Recording) -> Recording:
    """The same boxes, followed by their motion alone."""
    bare = tuple(dataclasses.replace(found, embeddings=None) for found in recording.detections)
    return dataclasses.replace(recording, detections=bare)


def _joined_embeddings(detections: Sequence[Detections]) -> npt.NDArray[np.float32]:
    """(N, D) of all frames; D = 0 where there are none."""
    there = [found.embeddings for found in detections if found.embeddings is not None and len(found)]
    if not there:
        return np.zeros((sum(map(len, detections)), 0), np.float32)
    return np.concatenate(there)


def _detected(frames: Iterable[Frame], detector: Detector, in_flight: int) -> Iterator[tuple[Frame, Detections]]:
    pending: deque[tuple[Frame, Future[Detections]]] = deque()
    for frame in frames:
        if len(pending) == in_flight:
            oldest, answer = pending.popleft()
            yield oldest, answer.result()
        # Its picture is not needed any more; a hundred of them would take a gigabyte.
        pending.append((dataclasses.replace(frame, image=frame.image[:0, :0]), detector.submit(frame)))
    for waiting, answer in pending:
        yield waiting, answer.result()
