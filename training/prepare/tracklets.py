"""Identities for unlabelled videos: the teacher's boxes, followed by motion alone.

A person who is followed over many frames shows the identity head what a still never does: the same clothes
in other poses, sizes and light. Only what is certain becomes an identity: a track that is lost for a moment
ends, and short ones stay without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from client.tracking import ByteConfig
from mot.detections import Detections
from training.data.labels import PERSON, Labels

# A track ends after a handful of frames without its person, and takes nothing that overlaps it by less than half:
# one person as two identities teaches less harm than two people as one.
CERTAIN = ByteConfig(track_buffer=5, match_thres=0.5, tentative_thres=0.5)
SHORTEST = 10  # frames


def identify(frames: Sequence[Labels], width: int, height: int) -> list[Labels]:
    """Number the people of consecutive frames of one video; those not followed for :data:`SHORTEST` keep id -1.

    Args:
        frames: (M, 6) label rows a frame.
        width, height: of the video, pixels.
    """
    tracker = CERTAIN.tracker()
    numbered = [rows.copy() for rows in frames]
    for rows in numbered:
        people = np.flatnonzero(rows[:, 0] == PERSON)
        centre, half = rows[people, 2:4], rows[people, 4:6] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) * np.array(
            [width, height, width, height], np.float32
        )
        tracks = tracker.update(Detections(boxes=boxes.astype(np.float32), scores=np.ones(len(boxes), np.float32)))
        rows[:, 1] = -1
        rows[people[tracks.detections], 1] = tracks.ids
    lengths = Counter(int(number) for rows in numbered for number in rows[rows[:, 1] >= 0, 1])
    kept = {number: new for new, number in enumerate(sorted(n for n, length in lengths.items() if length >= SHORTEST))}
    for rows in numbered:
        rows[:, 1] = [kept.get(int(number), -1) for number in rows[:, 1]]
    return numbered
