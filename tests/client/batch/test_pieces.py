"""client.batch.pieces: where long videos are cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from client.batch.pieces import cut, with_pieces
from client.batch.work import Work
from client.jobs.spec import JobSpec
from tests.command import walk


@pytest.mark.parametrize(
    ("frames", "seconds", "spans"),
    [
        (1000, 30, [(1, 340), (301, 640), (601, 940), (901, None)]),
        (340, 30, [(1, None)]),  # a second piece would have nothing that the first has not
        (341, 30, [(1, 340), (301, None)]),
        (5, 30, [(1, None)]),
    ],
)
def test_pieces_overlap_by_four_seconds(frames: int, seconds: float, spans: list[tuple[int, int | None]]) -> None:
    assert cut(frames, 10.0, seconds) == spans


def test_every_frame_is_in_a_piece() -> None:
    for frames in range(1, 200):
        spans = cut(frames, 7.5, 3)
        assert spans[0][0] == 1 and spans[-1][1] is None
        for (_, last), (begin, _) in pairwise(spans):
            assert last is not None and begin + 29 <= last <= frames


def test_only_videos_whose_length_is_known_are_cut(tmp_path: Path) -> None:
    walk(tmp_path / "long.mp4", 150)  # 15 s
    walk(tmp_path / "short.mp4", 20)
    (tmp_path / "bad.mp4").write_text("no video")
    inputs = [str(tmp_path / f"{name}.mp4") for name in ("bad", "long", "short")]
    works = [
        Work(job=JobSpec(input=input, output=tmp_path / "out", name=Path(input).stem), settings={"version": "1"})
        for input in [*inputs, "s3://bucket/far.mp4"]
    ]
    cuts = dict(zip(("bad", "long", "short", "far"), (pieces for _, pieces in with_pieces(works, 10)), strict=True))
    assert {name: len(pieces) for name, pieces in cuts.items()} == {"bad": 0, "long": 2, "short": 0, "far": 0}
    first, second = cuts["long"]
    assert (first.job.start, first.job.end, second.job.start, second.job.end) == (1, 140, 101, None)
    assert first.job.embeddings and not first.job.video and first.key != second.key
    assert first.settings["frames"] == [1, 140]
