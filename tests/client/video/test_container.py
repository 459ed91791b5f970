"""client.video.container: what is no matter when a file is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.video.open import open_source
from tests.media import make_video, numbered_image


@pytest.mark.parametrize(("kind", "codec", "known"), [("mkv", "libx264", b"Lavf"), ("flv", "flv1", b"Lavf")])
def test_a_title_in_another_alphabet(tmp_path: Path, kind: str, codec: str, known: bytes) -> None:
    """PyAV takes all of them for UTF-8."""
    path = make_video(tmp_path / f"title.{kind}", [numbered_image(n) for n in range(5)], codec=codec)
    data = path.read_bytes()
    assert known in data
    path.write_bytes(data.replace(known, "Café".encode("latin-1")))
    with open_source(str(path)) as source:
        assert len(list(source)) == 5
