"""mot.files: a file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mot.files import whole_file


def test_the_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "video.mp4"
    with whole_file(target) as temporary:
        assert temporary.suffix == ".mp4" and temporary.parent == target.parent
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_old_file_stays_when_the_block_fails(tmp_path: Path, stop: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(stop)), whole_file(target) as temporary:
        temporary.write_text("half")
        raise stop
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_appears_when_nothing_is_written_and_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError), whole_file(tmp_path / "a.txt"):
        raise ValueError
    assert list(tmp_path.iterdir()) == []
