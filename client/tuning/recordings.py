"""A folder of recordings, one a sequence: those that fit are read, the others are made."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from client.jobs.fingerprint import model_fingerprint
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from client.tuning.labelled import Labelled, Labels, covers, join
from client.tuning.recording import read_recording, record
from client.video.open import open_source

log = logging.getLogger(__name__)

Bar = Callable[[str, int], AbstractContextManager[Callable[[], None]]]  # name, frames -> called after each frame


def recorded(labels: Labels, folder: Path, network: NetworkConfig, networks: Networks, bar: Bar) -> Labelled:
    """The sequence with ``FOLDER/NAME.npz``, which is written unless it is there, of this model, and has all frames.

    Raises:
        RecordingError: the file is something else, or cannot be written.
        EvaluationError: the source has not all labelled frames.
        MotError: the frames or the model cannot be read.
    """
    model = _digest(network, networks)
    path = folder / f"{labels.name}.npz"
    if path.is_file():
        recording = read_recording(path)
        if covers(recording, labels, model):
            return join(labels, recording)
        why = "of another model" if recording.model != model else "without some of these frames"
        log.warning("%s: is %s, and is made anew", path, why)
    opened = networks.get(network)
    with (
        open_source(str(labels.source), labels.first, labels.last) as source,
        bar(labels.name, labels.last - labels.first + 1) as advance,
    ):
        recording = record(
            source, opened.detector, source.frame_rate, in_flight=opened.in_flight, model=model, watch=advance
        )
    found = join(labels, recording)  # refuses a source without the labelled frames before anything is written
    recording.save(path)
    return found


def _digest(network: NetworkConfig, networks: Networks) -> str:
    known = model_fingerprint(network, lambda: networks.get(network))
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
