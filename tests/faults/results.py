"""What a disturbed run must have left of a video: all of it, or whole frames from its beginning and the reason."""

from __future__ import annotations

from pathlib import Path

import av

from client.jobs.record import Record
from tests.command import up_to
from tests.media import names


def pictures(video: Path) -> int:
    """How many of a video can be decoded; a video that was cut off cannot be opened."""
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def assert_complete(output: Path, name: str, undisturbed: str, count: int) -> None:
    """A video's result is whole, equal to an undisturbed run's, and the only thing that its name has in the folder."""
    record = Record.read(output, name)
    assert record and record.state == "done" and record.summary and record.summary.frames == count, record
    assert (output / f"{name}.txt").read_text() == undisturbed
    expected = {f"{name}.txt", f"{name}.json"}
    if (video := output / f"{name}.mp4").exists():
        assert pictures(video) == count
        expected.add(video.name)
    assert files_of(output, name) == expected


def assert_accounted_for(output: Path, name: str, undisturbed: str, said: str, *, killed: bool = False) -> int:
    """A video's result is absent, its finished frames are kept, and the record and what was ``said`` name the reason.

    Args:
        output: the folder of the results.
        name: of the result.
        undisturbed: the rows of a run that nothing has disturbed.
        said: the command's standard error.
        killed: by SIGKILL, so it could say nothing, and its temporary files wait for the rerun.

    Returns:
        How many frames were finished.
    """
    there = files_of(output, name)
    assert not there & {f"{name}.txt", f"{name}.mp4", f"{name}.json"}, there
    record = Record.read(output, name, done=False)
    if killed:
        assert record is None or record.state == "running", record
        return record.frames if record else 0
    assert not [each for each in there if each.startswith(".")], there
    assert record and record.state == "failed", record
    assert record.error and _folded(record.error) in _folded(said), (record.error, said)
    rows, video = output / f"{name}.partial.txt", output / f"{name}.partial.mp4"
    assert rows.exists() == (record.frames > 0)
    if rows.exists():
        assert rows.read_text() == up_to(record.frames, undisturbed)
        assert f"kept the {record.frames} frames that were finished" in said
    if video.exists():
        assert pictures(video) == record.frames
    return record.frames


def files_of(output: Path, name: str) -> set[str]:
    """Names of a result's files, partial, temporary and whole."""
    return (
        {each for each in names(output) if each.removeprefix(".").split(".")[0] == name} if output.is_dir() else set()
    )


def _folded(text: str) -> str:
    """On one line, as a terminal may have wrapped it."""
    return " ".join(text.split())
