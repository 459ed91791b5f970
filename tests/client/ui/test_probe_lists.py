"""client.ui.work.probe: uploads that name other files open none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.ui.settings import Limits
from client.ui.work.faults import FaultError
from client.ui.work.probe import probe
from tests.command import walk

LISTS = {
    "concat": "ffconcat version 1.0\nfile secret.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    "text": "1,1,10,10,20,40,1,-1,-1,-1\n" * 50,
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_list_of_files_is_no_video(tmp_path: Path, kind: str, suffix: str) -> None:
    walk(tmp_path / "secret.mp4", 5)
    upload = tmp_path / f"upload{suffix}"
    upload.write_text(LISTS[kind])
    with pytest.raises(FaultError) as refused:
        probe(upload, tmp_path, Limits())
    assert refused.value.kind == "not_video"
    assert not (tmp_path / "poster.jpg").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_videos_are_taken(tmp_path: Path, suffix: str) -> None:
    facts = probe(walk(tmp_path / f"walk{suffix}", 5), tmp_path, Limits())
    assert (facts["width"], facts["height"]) == (64, 48)
