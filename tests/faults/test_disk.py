"""A disk that fills at any write, an output folder that goes away or cannot be written."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client.jobs.record import Record
from tests.batch_killer import begun
from tests.command import Outcome, finish, grainy, start, up_to, walk
from tests.faults.kills import wait_for
from tests.faults.results import assert_complete, files_of, pictures
from tests.faults.runs import Runs
from tests.full_disk import clear, disk, fill
from tests.media import make_video, names

PAGE = 4096  # bytes in which a tmpfs counts
SHORT = 40  # frames


@pytest.fixture(scope="module")
def short(tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A short video whose results take tens of pages."""
    folder = tmp_path_factory.mktemp("short")
    video = make_video(folder / "short.mp4", grainy(SHORT, 128, 96))
    return Runs(video, SHORT, tiny_repository, folder / "undisturbed")


@pytest.fixture
def engine(tiny_repository: Path) -> tuple[object, ...]:
    return ("--engine", "local", "--model-repository", tiny_repository, "--conf-thres", 0.2)


def assert_nothing_torn(output: Path, runs: Runs, said: str) -> None:
    """Nothing half written and nothing that says it is done; what is there is whole; the error names a file and why."""
    name = runs.video.stem
    there = files_of(output, name)
    assert not [each for each in there if each.startswith(".") or each == f"{name}.json"], there
    assert f"{output}/" in said and "no space left on device" in said.lower(), said
    assert "Traceback" not in said
    rows, video = output / f"{name}.partial.txt", output / f"{name}.partial.mp4"
    if rows.exists():
        frames = int(rows.read_text().splitlines()[-1].partition(",")[0])
        assert rows.read_text() == up_to(frames, runs.undisturbed)
    if video.exists():
        assert pictures(video) > 0
    if f"{name}.txt" in there:  # its record had no room any more, or the results beside it
        assert (output / f"{name}.txt").read_text() == runs.undisturbed
    if f"{name}.mp4" in there:
        assert pictures(output / f"{name}.mp4") == runs.count


@pytest.mark.parametrize("options", [("--no-video",), ("--embeddings",)], ids=["rows", "rows, looks and video"])
def test_full_at_every_write(
    mot: Callable[..., Outcome], small_disk: Path, short: Runs, engine: tuple[object, ...], options: tuple[str, ...]
) -> None:
    given = ("track", short.video, "--output", small_disk / "out", *engine, *options)
    failures = 0
    while True:
        fill(small_disk, failures * PAGE)
        outcome = mot(*given)
        if outcome.status == 0:
            break
        assert outcome.status == 1
        assert_nothing_torn(small_disk / "out", short, outcome.err)
        clear(small_disk)
        assert mot(*given).status == 0
        if "--embeddings" in options:
            (small_disk / "out/short.embeddings.npz").unlink()
        assert_complete(small_disk / "out", "short", short.undisturbed, SHORT)
        shutil.rmtree(small_disk / "out")
        failures += 1
    assert failures >= (3 if "--no-video" in options else 8)


def test_full_while_earlier_results_are_replaced(
    mot: Callable[..., Outcome], small_disk: Path, short: Runs, engine: tuple[object, ...]
) -> None:
    """Each file is the earlier or the new one, and the rerun needs no --overwrite for what it has begun to replace."""
    out = small_disk / "out"
    given = ("track", short.video, "--output", out, *engine)
    assert mot(*given, "--start", 5).status == 0
    earlier = {name: (out / name).read_bytes() for name in names(out)}
    failures = 0
    while True:
        fill(small_disk, failures * PAGE)
        outcome = mot(*given, "--overwrite")
        if outcome.status == 0:
            break
        assert not [name for name in names(out) if name.startswith(".")]
        rows = (out / "short.txt").read_bytes()
        assert rows in (earlier["short.txt"], short.undisturbed.encode())
        assert pictures(out / "short.mp4") == (SHORT if mp4_is_new(out, earlier) else SHORT - 4)
        clear(small_disk)
        again = mot(*given, *(["--overwrite"] if (out / "short.json").exists() else []))
        assert again.status == 0, again.err
        assert_complete(out, "short", short.undisturbed, SHORT)
        assert mot(*given, "--start", 5, "--overwrite").status == 0
        failures += 1
    assert failures >= 3
    assert_complete(out, "short", short.undisturbed, SHORT)


def mp4_is_new(out: Path, earlier: dict[str, bytes]) -> bool:
    return (out / "short.mp4").read_bytes() != earlier["short.mp4"]


def test_full_under_a_batch(short: Runs, engine: tuple[object, ...], tmp_path: Path) -> None:
    """Its journal, its records and its summary have no room either."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        shutil.copy(short.video, tmp_path / f"in/{name}.mp4")
    with disk(tmp_path / "disk", "512k") as full:
        out = full / "out"
        given = ("batch", tmp_path / "in", "-o", out, "--video", *engine)
        for pages in (0, 1, 2, 4, 8, 16):
            fill(full, pages * PAGE)
            _, err = start(*given).communicate(timeout=300)
            assert "no space left on device" in err.lower() and "Traceback" not in err, (pages, err)
            for name in "abc":
                there = files_of(out, name)
                assert not [each for each in there if each.startswith(".")], there
                if f"{name}.json" in there:
                    assert_complete(out, name, short.undisturbed, SHORT)
            clear(full)
            finish(start(*given))
            for name in "abc":
                assert_complete(out, name, short.undisturbed, SHORT)
            shutil.rmtree(out)


# The output folder.


def test_output_folder_removed_meanwhile(runs: Runs, engine: tuple[object, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start("track", runs.video, "-o", out, *engine)
    wait_begun(process, out)
    wait_for(lambda: list(out.glob(".*.partial.mp4")), "the last file that it opens")
    shutil.rmtree(out)
    _, err = finish(process, status=1)
    assert f"error: {out}/{runs.video.stem}." in err and "No such file or directory" in err, err
    assert not files_of(out, runs.video.stem) & {f"{runs.video.stem}{suffix}" for suffix in (".txt", ".mp4", ".json")}
    record = Record.read(out, runs.video.stem, done=False)
    assert record and record.state == "failed" and record.frames == runs.count and record.error in err
    finish(start("track", runs.video, "-o", out, *engine))
    runs.assert_complete(out)


def test_output_folder_of_a_batch_removed_meanwhile(runs: Runs, engine: tuple[object, ...], tmp_path: Path) -> None:
    """The video that is under way is tried again, into a new folder; what was there is gone, and done by the rerun."""
    (tmp_path / "in").mkdir()
    shutil.copy(runs.video, tmp_path / "in/a.mp4")
    walk(tmp_path / "in/b.mp4", SHORT)
    out = tmp_path / "out"
    given = ("batch", tmp_path / "in", "-o", out, *engine)
    process = start(*given)
    wait_begun(process, out)
    shutil.rmtree(out)
    _, err = finish(process)
    assert "warning: a: tried again: " in err and "No such file or directory" in err, err
    assert_complete(out, "a", runs.undisturbed, runs.count)
    finish(start(*given))
    assert_complete(out, "a", runs.undisturbed, runs.count)
    assert {"b.txt", "b.json"} == files_of(out, "b")


def test_output_folder_read_only(
    mot: Callable[..., Outcome], short: Runs, engine: tuple[object, ...], tmp_path: Path
) -> None:
    """Said before anything is tracked; what is there stays."""
    with disk(tmp_path / "disk", "512k") as folder:
        out = folder / "out"
        track = ("track", short.video, "-o", out, "--no-video", *engine)
        assert mot(*track).status == 0
        before = {name: (out / name).read_bytes() for name in names(out)}
        with read_only(folder):
            assert mot(*track).status == 0  # kept
            (tmp_path / "in").mkdir()
            shutil.copy(short.video, tmp_path / "in/b.mp4")
            for command in (
                (*track, "--overwrite", "--start", 2),
                ("batch", tmp_path / "in", "-o", out, *engine),
                ("refine", out / "short.txt", "-o", out / "better"),
                ("ui", "--data", folder / "page", "--port", 1),
            ):
                outcome = mot(*command)
                assert outcome.status == 1, command
                assert f"error: {folder}/" in outcome.err and "Read-only file system" in outcome.err, outcome.err
        assert {name: (out / name).read_bytes() for name in names(out)} == before


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def wait_begun(process: subprocess.Popen[str], out: Path) -> None:
    """Until rows are being written."""
    while not begun(out):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
