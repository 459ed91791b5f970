"""client.jobs.inputs: names of results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.jobs.inputs import named_inputs
from client.outputs.embeddings import embeddings_path
from mot.files import whole_file


def touched(path: Path) -> str:
    path.touch()
    return str(path)


@pytest.mark.parametrize("letter", ["x", "ü", "東"])
def test_a_name_too_long_for_results_loses_its_end(tmp_path: Path, letter: str) -> None:
    """yt-dlp issue 1786: a title fits as the video's name, but not with what is added to it."""
    stem = letter * (251 // len(letter.encode()))
    named, faults = named_inputs([touched(tmp_path / f"{stem}.mp4")])
    ((name, _),) = named.items()
    assert not faults and stem.startswith(name) and 196 < len(os.fsencode(name)) <= 200
    with whole_file(embeddings_path(tmp_path / f"{name}-99.partial.txt")) as temporary:
        temporary.touch()


def test_long_names_that_differ_in_their_end_are_told_apart(tmp_path: Path) -> None:
    inputs = [touched(tmp_path / f"{'x' * 240}{end}.mp4") for end in "ab"]
    named, _ = named_inputs(inputs)
    assert named == {"x" * 200: inputs[0], "x" * 200 + "-2": inputs[1]}


def test_a_dash_is_standard_input() -> None:
    """Breakthrough/PySceneDetect issue 189."""
    assert named_inputs(["-"]) == ({"stdin": "/dev/stdin"}, [])
