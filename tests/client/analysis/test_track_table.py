"""The table of tracks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from client.analysis.track_table import track_table
from tests.client.analysis.walks import walks, way


def test_first_and_last_seen_duration_path_and_score() -> None:
    rows = walks({4: {11: (0, 0), 12: (10, 0), 15: (40, 0)}, 2: [(7, 7)]}, tall=50)
    rows = dataclasses.replace(rows, scores=np.array([0.9, 0.2, 0.4, 0.6]))
    assert track_table(rows, 10).records() == [
        {
            "id": 2,
            "first_frame": 1,
            "last_frame": 1,
            "begin_s": 0,
            "duration_s": 0.1,
            "boxes": 1,
            "path_px": 0,
            "path_heights": 0,
            "mean_score": 0.9,
        },
        {
            "id": 4,
            "first_frame": 11,
            "last_frame": 15,
            "begin_s": 1.0,
            "duration_s": 0.5,
            "boxes": 3,
            "path_px": 40,
            "path_heights": 0.8,
            "mean_score": 0.4,
        },
    ]


def test_rows_by_frame_agree_with_rows_by_person() -> None:
    rows = walks({id: way((0, 10 * id), (100 * id, 10 * id)) for id in range(1, 6)})
    by_person = rows[np.argsort(rows.ids, kind="stable")]
    assert track_table(rows, 25).records() == track_table(by_person, 25).records()
    assert track_table(rows, 25).path == pytest.approx([100, 200, 300, 400, 500])


def test_no_rows() -> None:
    table = track_table(walks({}), 10)
    assert len(table) == 0 and table.records() == []
