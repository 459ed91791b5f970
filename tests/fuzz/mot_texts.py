"""MOTChallenge's files: results, ground truth (strictly and as TrackEval takes them), ``seqinfo.ini``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mot.seqinfo import read_length, read_seqinfo
from mot.sequence import MotRows, read_detections, read_ground_truth, read_results
from tests.fuzz.mutation import TEXT, in_utf16
from tests.fuzz.target import Target, check_finite

_RESULTS = (
    b"1,1,10.5,20,30,80,0.9,-1,-1,-1\n1,2,200,21,31,81.25,0.75,-1,-1,-1\n2,1,11,20,30,80,0.8,-1,-1,-1\n",
    b"1,1,10,20,30,80,1\r\n3,1,10,20,30,80,1\r\n",
    b"1 1 10 20 30 80 1 -1 -1 -1\n2 1 10 20 30 80 1 -1 -1 -1\n",
    b"",
)
_GROUND_TRUTH = (
    b"1,1,912,484,97,109,0,7,1\n1,2,10,20,30,80,1,1,0.86\n2,2,11,20,30,80,1,1,0.5\n",
    b"1,1,912,484,97,109,1,1,1,-1\n2,1,912,484,97,109,1,1,1,-1\n",
    b"1,1,10,20,30,80,1,-14.2,3.1,0\n",
    b"1;1;10;20;30;80;1;1;1;\n2;1;10;20;30;80;1;1;1;\n",
)
_SEQINFO = (
    b"[Sequence]\nname=MOT17-09-SDP\nimDir=img1\nframeRate=30\nseqLength=525\nimWidth=1920\nimHeight=1080\nimExt=.jpg\n",
    b"; made by hand\n[Sequence]\nname: a\nimDir = a/b\nframeRate= 12.5\nseqLength=1\nimWidth=1\nimHeight=1\n"
    b"imExt=.png\n\n[More]\nx=1\n",
)


def _checked(rows: MotRows, *, identities: bool = True, lenient: bool = False) -> None:
    """What the docstring of MotRows promises; lenient readers keep odd sizes and scores, and say so."""
    count = len(rows.frames)
    assert rows.boxes.shape == (count, 4) and (rows.frames >= 1).all() and (rows.frames < 2**31).all()
    check_finite(rows.boxes[:, :2])
    if not lenient:
        check_finite(rows.boxes, rows.scores, rows.visibilities)
        assert (rows.boxes[:, 2:] > 0).all()
    if identities:
        assert (rows.ids >= 0).all() and (rows.ids <= 2**53).all()
        assert len(np.unique(np.stack([rows.frames, rows.ids]), axis=1).T) == count
    else:
        assert (rows.ids == -1).all()


def _seqinfo(path: Path) -> None:
    info = read_seqinfo(path)
    numbers = [each for each in (info.frame_rate, info.length, info.width, info.height) if each is not None]
    check_finite(*numbers)
    assert all(number > 0 for number in numbers)
    for part in (each for each in (info.name, info.image_dir) if each is not None):
        assert part and "\0" not in part and not part.startswith("/") and ".." not in Path(part).parts


def _length(path: Path) -> None:
    assert read_length(path) > 0


def _ignore(remark: str) -> None:
    assert remark


RESULTS = Target(
    name="results",
    file="results.txt",
    seeds=_RESULTS,
    reads=(
        lambda path: _checked(read_results(path)),
        lambda path: _checked(read_results(path, _ignore), lenient=True),
        lambda path: _checked(read_detections(path), identities=False),
    ),
    mutations=(*TEXT, in_utf16),
)
GROUND_TRUTH = Target(
    name="ground-truth",
    file="gt.txt",
    seeds=_GROUND_TRUTH,
    reads=(
        lambda path: _checked(read_ground_truth(path)),
        lambda path: _checked(read_ground_truth(path, _ignore), lenient=True),
    ),
    mutations=(*TEXT, in_utf16),
)
SEQINFO = Target(
    name="seqinfo", file="seqinfo.ini", seeds=_SEQINFO, reads=(_seqinfo, _length), mutations=(*TEXT, in_utf16)
)
TARGETS = (RESULTS, GROUND_TRUTH, SEQINFO)
