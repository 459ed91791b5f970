"""client.batch.inputs: what becomes an input of a batch."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from client.batch.inputs import find_inputs
from tests.client.challenge.benchmark import make_sequence


def touched(*paths: Path) -> list[str]:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [str(path) for path in paths]


def found(tmp_path: Path, *given: object) -> list[str]:
    inputs, faults = find_inputs(map(str, given), tmp_path / "out")
    assert not faults
    return inputs


def fault(tmp_path: Path, given: object) -> str:
    inputs, faults = find_inputs([str(given)], tmp_path / "out")
    assert not inputs and len(faults) == 1
    return str(faults[0])


def test_a_folder_gives_its_videos_and_sequences_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    videos = touched(folder / "b.MP4", folder / "x/a.mkv", folder / "x/y/c.ts")
    touched(folder / "b.jpg", folder / "x/notes.txt", folder / ".hidden.mp4", folder / ".cache/d.mp4")
    make_sequence(folder / "x/seq", 2)
    touched(folder / "x/stills/1.jpg", folder / "x/stills/2.jpg")
    expected = [videos[0], videos[1], str(folder / "x/seq"), str(folder / "x/stills"), videos[2]]
    assert found(tmp_path, folder) == expected


def test_a_folder_of_images_is_one_input(tmp_path: Path) -> None:
    make_sequence(tmp_path / "seq", 2)
    assert found(tmp_path, tmp_path / "seq") == [str(tmp_path / "seq")]
    assert found(tmp_path, tmp_path / "seq/img1") == [str(tmp_path / "seq/img1")]


def test_results_are_not_looked_for_inputs(tmp_path: Path) -> None:
    (video,) = touched(tmp_path / "a.mp4")
    touched(tmp_path / "out/a.mp4")
    assert found(tmp_path, tmp_path) == [video]
    assert "is the folder of the results" in fault(tmp_path, tmp_path / "out")


def test_each_input_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = touched(tmp_path / "a.mp4", tmp_path / "b.mp4")
    monkeypatch.chdir(tmp_path)
    assert found(tmp_path, "b.mp4", tmp_path, "*.mp4", first) == [second, first]


def test_patterns(tmp_path: Path) -> None:
    videos = touched(tmp_path / "cam1/a.mp4", tmp_path / "cam2/a.mp4")
    touched(tmp_path / "cam2/a.txt")
    assert found(tmp_path, tmp_path / "cam*/*.mp4") == videos
    assert found(tmp_path, tmp_path / "**/*.mp4") == videos
    assert "nothing matches this pattern" in fault(tmp_path, tmp_path / "*.avi")
    (odd,) = touched(tmp_path / "[1].mp4")
    assert found(tmp_path, odd) == [odd]  # a file that looks like a pattern


def test_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = touched(tmp_path / "a.mp4", tmp_path / "b\u2028.mp4")
    path = tmp_path / "list.txt"
    path.write_bytes(f"# ours\r\n{second}\r\n\r\n{first}".encode())
    assert found(tmp_path, f"@{path}") == [second, first]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(first.encode())))
    assert found(tmp_path, "@-") == [first]
    assert "check the path of the list" in fault(tmp_path, "@nowhere.txt")
    path.write_text(f"{first}\nmissing.mp4\n")
    inputs, faults = find_inputs([f"@{path}"], tmp_path / "out")
    assert inputs == [first] and "missing.mp4" in str(faults[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("missing.mp4", "no such file or folder"),
        ("0", "a camera has no end"),
        ("rtsp://camera/live", "a live stream has no end"),
        ("", "no such file or folder"),
        ("nonsense://x/y.mp4", "nonsense://: "),
    ],
)
def test_what_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in fault(tmp_path, given)


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no video and no images" in fault(tmp_path, tmp_path / "empty")


def test_addresses(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    videos = touched(tmp_path / "store/a.mp4", tmp_path / "store/x/b.mkv")
    touched(tmp_path / "store/notes.txt")
    addresses = [f"file://{video}" for video in videos]
    assert found(tmp_path, f"file://{tmp_path}/store") == addresses
    assert found(tmp_path, f"file://{tmp_path}/store/*.mp4") == addresses[:1]
    assert found(tmp_path, addresses[1]) == addresses[1:]
    assert found(tmp_path, "https://example.com/a.mp4") == ["https://example.com/a.mp4"]
    assert "no such file" in fault(tmp_path, f"file://{tmp_path}/store/c.mp4")
    assert "holds no video" in fault(tmp_path, f"file://{tmp_path}/store/*.avi")
