from __future__ import annotations

from pathlib import Path

import pytest

from mot.sequence import read_seqinfo
from tests.training.prepare.test_mot_challenge import sequence
from training.prepare.mot15 import complete_seqinfo
from training.prepare.mot_challenge import open_sequences


@pytest.mark.parametrize(("name", "rate"), [("PETS09-S2L1", 7), ("AVG-TownCentre", 2.5), ("Elsewhere", 30)])
def test_a_missing_seqinfo_is_written_beside_the_images_once(tmp_path: Path, name: str, rate: float) -> None:
    folder = sequence(tmp_path / name, "", info=False)
    (opened,) = open_sequences([folder], tmp_path / "out")
    path = complete_seqinfo(opened, tmp_path / "fallback")
    assert path == folder / "seqinfo.ini"
    info = read_seqinfo(path)
    assert (info.name, info.frame_rate, info.length, info.width, info.height) == (name, rate, 3, 100, 80)
    assert (info.image_dir, info.extension) == ("img1", ".jpg")
    assert complete_seqinfo(opened, tmp_path / "fallback") is None


def test_a_published_seqinfo_stays(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "A", "")
    before = (folder / "seqinfo.ini").read_bytes()
    (opened,) = open_sequences([folder], tmp_path / "out")
    assert complete_seqinfo(opened, tmp_path / "fallback") is None
    assert (folder / "seqinfo.ini").read_bytes() == before


def test_where_the_sequence_cannot_be_written_it_goes_elsewhere(small_disk: Path, tmp_path: Path) -> None:
    folder = sequence(small_disk / "A", "", info=False)
    (opened,) = open_sequences([folder], tmp_path / "out")
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(bytes(4096))
    path = complete_seqinfo(opened, tmp_path / "fallback")
    assert path == tmp_path / "fallback/A/seqinfo.ini"
    assert read_seqinfo(path).length == 3
    assert not (folder / "seqinfo.ini").exists()
    assert complete_seqinfo(opened, tmp_path / "fallback") is None
