"""mot.seqinfo: seqinfo.ini."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mot.seqinfo import SeqInfo, read_length, read_seqinfo, write_seqinfo
from mot.table import SequenceError

INI = "[Sequence]\nname=MOT17-09\nimDir=img1\nframeRate=30\nseqLength=525\nimWidth=1920\nimHeight=1080\nimExt=.jpg\n"


def test_seqinfo_round_trip(tmp_path: Path) -> None:
    info = SeqInfo(name="100% a=b", image_dir="img1", frame_rate=29.97, length=5, width=8, height=6, extension=".png")
    write_seqinfo(tmp_path / "seqinfo.ini", info)
    assert read_seqinfo(tmp_path / "seqinfo.ini") == info


def test_seqinfo_as_published(tmp_path: Path) -> None:
    path = tmp_path / "seqinfo.ini"
    path.write_text(INI)
    info = SeqInfo(name="MOT17-09", frame_rate=30, length=525, width=1920, height=1080)
    assert read_seqinfo(path) == info
    write_seqinfo(path, info)
    assert path.read_text() == INI


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("frameRate=30", "frameRate=", "key frameRate is empty"),
        ("name=MOT17-09", "name=", "key name is empty"),
        ("imExt=.jpg", "imExt=", "key imExt is empty"),
        ("frameRate=30", "frameRate=fast", "key frameRate is 'fast', not a positive number"),
        ("frameRate=30", "frameRate=nan", "key frameRate is 'nan', not a positive number"),
        ("seqLength=525", "seqLength=0", "key seqLength is '0', not a positive number"),
        ("seqLength=525", "seqLength=18446744073709551616", "key seqLength is .*, not a whole number up to 2147483647"),
        ("name=MOT17-09", "name=\0", "key name is .*; expected a name inside"),
        ("imWidth=1920", "imWidth=10.5", "key imWidth is '10.5', not a whole number"),
        ("name=MOT17-09", "name=../../etc", "key name is '../../etc'; expected a name inside"),
        ("name=MOT17-09", "name=a/b", "key name is 'a/b'; expected a name inside"),
        ("name=MOT17-09", "name=.", "key name is '.'; expected a name inside"),
        ("imDir=img1", "imDir=/etc", "key imDir is '/etc'; expected a name inside"),
        ("[Sequence]", "[Other]", r"section \[Sequence\] is missing"),
        ("[Sequence]\n", "", "not an ini file: File contains no section headers"),
    ],
)
def test_a_malformed_seqinfo_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "seqinfo.ini"
    path.write_text(INI.replace(old, new))
    with pytest.raises(SequenceError, match=message) as caught:
        read_seqinfo(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("key", ["name", "imDir", "frameRate", "seqLength", "imWidth", "imHeight", "imExt"])
def test_each_key_may_be_missing(tmp_path: Path, key: str) -> None:
    path = tmp_path / "MOT17-09" / "seqinfo.ini"
    path.parent.mkdir()
    path.write_text("".join(line for line in INI.splitlines(keepends=True) if not line.startswith(f"{key}=")))
    unsaid = {
        "frameRate": {"frame_rate": None},
        "seqLength": {"length": None},
        "imWidth": {"width": None},
        "imHeight": {"height": None},
        "imExt": {"extension": None},
    }
    whole = SeqInfo(name="MOT17-09", frame_rate=30, length=525, width=1920, height=1080)
    expected = replace(whole, **unsaid.get(key, {}))  # name and folder of images are what they mostly are
    assert read_seqinfo(path) == expected
    write_seqinfo(path, expected)
    assert read_seqinfo(path) == expected


def test_a_missing_seqinfo_is_named(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"seqinfo\.ini: cannot be read"):
        read_seqinfo(tmp_path / "seqinfo.ini")


def test_the_length_needs_no_other_key(tmp_path: Path) -> None:
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nseqlength = 24\n")
    assert read_length(tmp_path / "seqinfo.ini") == 24
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nname=A\n")
    with pytest.raises(SequenceError, match="key seqLength is missing"):
        read_length(tmp_path / "seqinfo.ini")
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nseqLength=24.5\n")
    with pytest.raises(SequenceError, match=r"key seqLength is '24\.5', not a whole number"):
        read_length(tmp_path / "seqinfo.ini")
