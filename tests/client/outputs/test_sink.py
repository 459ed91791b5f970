"""Result files: their content, and that they appear whole or not at all."""

from __future__ import annotations

import errno
import resource
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.outputs.sink import FileSink, SinkError
from client.outputs.text import MotTextSink
from client.outputs.video import VideoSink
from client.pipeline.tracked import TrackedFrame
from client.video.open import open_source
from mot.sequence import read_results
from tests.media import names, noise, numbered_image, tracked, tracks


def one_person() -> TrackedFrame:
    """So little that it stays in memory until the file is finished."""
    return tracked(1, numbered_image(1), people=tracks((0, 0, 10, 20)))


def fill(path: Path) -> None:
    """Write to the file until its disk is full."""
    with pytest.raises(OSError) as full, path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert full.value.errno == errno.ENOSPC


def sink(kind: str, folder: Path) -> FileSink:
    return MotTextSink(folder / "walk.txt") if kind == "txt" else VideoSink(folder / "walk.mp4", frame_rate=10)


BOTH = pytest.mark.parametrize("kind", ["txt", "mp4"])


# --- both kinds: whole or not at all ---


@BOTH
def test_result_appears_only_at_the_end(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "new" / "out"
    with sink(kind, folder) as output:
        output.write(noise(1))
        assert not output.path.exists()
    assert names(folder) == {f"walk.{kind}"}


@BOTH
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError], ids=["Ctrl-C", "server lost"])
def test_interrupted_run_keeps_what_is_finished_as_partial(
    tmp_path: Path, kind: str, error: type[BaseException]
) -> None:
    with pytest.raises(error), sink(kind, tmp_path) as output:
        for index in range(1, 6):
            output.write(noise(index))
        raise error
    assert names(tmp_path) == {f"walk.partial.{kind}"}
    if kind == "txt":
        assert read_results(output.partial).frames.max() == 5
    else:
        with open_source(str(output.partial)) as source:
            assert len(list(source)) == 5


@BOTH
def test_failed_run_leaves_an_earlier_result_alone(tmp_path: Path, kind: str) -> None:
    with sink(kind, tmp_path) as output:
        output.write(noise(1))
    before = output.path.read_bytes()
    with pytest.raises(KeyboardInterrupt), sink(kind, tmp_path) as output:
        output.write(noise(2))
        raise KeyboardInterrupt
    assert output.path.read_bytes() == before
    assert names(tmp_path) == {f"walk.{kind}", f"walk.partial.{kind}"}


@BOTH
def test_later_success_replaces_the_result_and_removes_the_partial(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"walk.{kind}").write_text("old")
    (tmp_path / f"walk.partial.{kind}").write_text("stale")
    with sink(kind, tmp_path) as output:
        output.write(noise(1))
    assert names(tmp_path) == {f"walk.{kind}"}
    assert output.path.stat().st_size > 3


@BOTH
def test_folder_that_is_a_file_is_an_error(tmp_path: Path, kind: str) -> None:
    (tmp_path / "out").write_text("")
    output = sink(kind, tmp_path / "out")
    with pytest.raises(SinkError, match=rf"out/walk\.{kind}: cannot be written: .*; check the output folder"):
        output.__enter__()


@BOTH
def test_result_that_is_a_folder_is_an_error_and_stays(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"walk.{kind}").mkdir()
    with pytest.raises(SinkError, match="cannot be written: Is a directory"), sink(kind, tmp_path) as output:
        output.write(noise(1))
    assert names(tmp_path) == {f"walk.{kind}"}


@BOTH
def test_full_disk_leaves_nothing_and_says_so(small_disk: Path, kind: str) -> None:
    message = rf"walk\.{kind}: no space left on device; free some or choose another output folder"
    with pytest.raises(SinkError, match=message), sink(kind, small_disk) as output:
        for index in range(1, 200):
            output.write(noise(index))
    assert names(small_disk) == set()


@BOTH
def test_disk_that_fills_while_finishing_leaves_nothing(small_disk: Path, kind: str) -> None:
    # What is buffered (x264's frames, the text's last rows) meets the full disk only at the end of the block.
    with pytest.raises(SinkError, match="no space left on device"), sink(kind, small_disk) as output:
        output.write(one_person())
        fill(small_disk / "filler")
    assert names(small_disk) == {"filler"}


@BOTH
def test_disk_that_is_full_from_the_start_leaves_nothing(small_disk: Path, kind: str) -> None:
    fill(small_disk / "filler")
    with pytest.raises(SinkError, match="no space left on device"), sink(kind, small_disk) as output:
        output.write(one_person())
    assert names(small_disk) == {"filler"}


@pytest.mark.parametrize("free", range(4, 180, 16))
def test_no_amount_of_free_space_gives_a_broken_video(small_disk: Path, free: int) -> None:
    (small_disk / "filler").write_bytes(bytes(4096 * ((256 - free) // 4)))
    output = VideoSink(small_disk / "walk.mp4", frame_rate=10)
    try:
        with output:
            for index in range(1, 11):
                output.write(noise(index, 160, 120))
    except SinkError:
        assert names(small_disk) == {"filler"}
    else:
        with open_source(str(output.path)) as source:
            assert len(list(source)) == 10


@BOTH
def test_full_disk_during_an_interrupted_run_shows_the_first_error(
    small_disk: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt), sink(kind, small_disk) as output:
        output.write(one_person())
        fill(small_disk / "filler")
        raise KeyboardInterrupt
    assert names(small_disk) == {"filler"}
    assert "nothing could be kept" in caplog.text


@BOTH
def test_file_that_may_not_grow_leaves_nothing(tmp_path: Path, kind: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(SinkError, match="cannot be written: File too large"), sink(kind, tmp_path) as output:
            for index in range(1, 200):
                output.write(noise(index))
    assert names(tmp_path) == set()


def test_full_disk_of_one_sink_keeps_the_rows_of_another(small_disk: Path, tmp_path: Path) -> None:
    video, rows = sink("mp4", small_disk), sink("txt", tmp_path)
    with pytest.raises(SinkError), rows, video:
        for index in range(1, 200):
            rows.write(noise(index))
            video.write(noise(index))
    assert not rows.path.exists()
    assert len(read_results(rows.partial)) > 0


# --- MOTChallenge text ---


def test_text_rows(tmp_path: Path) -> None:
    with MotTextSink(tmp_path / "walk.txt") as output:
        output.write(tracked(7, numbered_image(1), people=tracks((10, 20.256, 30.5, 80), (-5.5, 0, 4, 8))))
        output.write(tracked(8, numbered_image(2)))
        output.write(tracked(9, numbered_image(3), people=tracks((0, 0, 1, 1))))
    assert output.path.read_text() == (
        "7,1,10.00,20.26,20.50,59.74,0.8765,-1,-1,-1\n"
        "7,2,-5.50,0.00,9.50,8.00,0.8765,-1,-1,-1\n"
        "9,1,0.00,0.00,1.00,1.00,0.8765,-1,-1,-1\n"
    )


def test_text_of_a_video_without_people_is_empty(tmp_path: Path) -> None:
    with MotTextSink(tmp_path / "walk.txt") as output:
        output.write(tracked(1, numbered_image(1)))
    assert output.path.read_bytes() == b""
