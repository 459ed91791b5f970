"""client.outputs.draw and `mot draw`: results drawn into their video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from client.outputs.draw import ResultRows
from client.outputs.render import color_of
from client.video.open import open_source
from mot.sequence import read_results
from tests.command import Outcome
from tests.media import make_video, write_image

Mot = Callable[..., Outcome]
GREY = np.full((240, 320, 3), 90, np.uint8)
ROWS = "2,7,100,60,60,140,0.9,-1,-1,-1\n3,7,104,60,60,140,0.9,-1,-1,-1\n2,3,200,40,50,120,1,-1,-1,-1\n"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "walk.mp4", [GREY] * 5)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "walk.txt"
    path.write_text(ROWS)
    return path


def edge(image: np.ndarray, x: int, y: int, track: int) -> bool:
    """Whether the pixels there have an id's colour, nearly: the video has been compressed."""
    return bool(np.abs(image[y - 1 : y + 2, x : x + 3].astype(int).mean(axis=(0, 1)) - color_of(track)).max() < 50)


def test_rows_are_drawn_in_their_frames(mot: Mot, video: Path, rows: Path) -> None:
    outcome = mot("draw", video, rows)
    assert outcome.status == 0
    assert outcome.out == f"{rows.with_name('walk.drawn.mp4')}\n"
    with open_source(str(rows.with_name("walk.drawn.mp4"))) as source:
        frames = [frame.image for frame in source]
    assert len(frames) == 5
    assert [edge(image, 100, 130, 7) for image in frames] == [False, True, False, False, False]
    assert [edge(image, 104, 130, 7) for image in frames] == [False, False, True, False, False]
    assert [edge(image, 200, 130, 3) for image in frames] == [False, True, False, False, False]


def test_heads_are_blurred_where_it_is_asked_for(mot: Mot, tmp_path: Path, rows: Path) -> None:
    checks = np.kron(np.indices((60, 80)).sum(axis=0) % 2, np.ones((4, 4)))[..., None].repeat(3, axis=2) * 200
    video = make_video(tmp_path / "checks.mp4", [checks.astype(np.uint8)] * 3)
    contrasts = []
    for options in ([], ["--anonymise"]):
        out = tmp_path / f"{len(options)}.mp4"
        assert mot("draw", video, rows, "-o", out, *options).status == 0
        with open_source(str(out)) as source:
            second = [frame.image for frame in source][1]
        contrasts.append([float(second[part, 110:150].std()) for part in (slice(68, 85), slice(130, 180))])
    (head, body), (blurred, body_after) = contrasts
    assert blurred < head / 5 and body_after > 0.9 * body


def test_rows_of_a_frame_by_id(rows: Path) -> None:
    drawn = ResultRows(read_results(rows))
    assert [drawn.at(frame).ids.tolist() for frame in (1, 2, 3, 4)] == [[], [3, 7], [7], []]
    assert drawn.at(2).boxes.tolist() == [[200, 40, 250, 160], [100, 60, 160, 200]]


def test_window_and_images(mot: Mot, tmp_path: Path, rows: Path) -> None:
    for n in range(1, 5):
        write_image(tmp_path / "seq" / f"{n:06d}.png", GREY)
    out = tmp_path / "new" / "out.mp4"
    assert mot("draw", tmp_path / "seq", rows, "-o", out, "--start", 3, "--end", 4).status == 0
    with open_source(str(out)) as source:
        frames = [frame.image for frame in source]
    assert [edge(image, 104, 130, 7) for image in frames] == [True, False]


def test_nothing_is_replaced_unasked(mot: Mot, video: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"another")
    outcome = mot("draw", video, rows, "-o", out)
    assert outcome.status == 1
    assert "out.mp4: is there already; choose another --output, or replace it with --overwrite" in outcome.err
    assert out.read_bytes() == b"another"
    assert mot("draw", video, rows, "-o", out, "--overwrite").status == 0
    assert out.stat().st_size > 1000
    outcome = mot("draw", video, rows, "-o", video, "--overwrite")
    assert "the result would replace its own input" in outcome.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "walk.txt: holds no row; nothing is drawn"),
        ("90,1,1,1,5,5,1\n", "walk.txt: no row is of a frame that was read; are these results of another video?"),
        (ROWS + "9,1,1,1,5,5,1,-1,-1,-1\n", "walk.txt: 1 rows are of frames behind the last, 5, and were not drawn"),
    ],
)
def test_rows_that_do_not_fit_are_said(mot: Mot, video: Path, rows: Path, content: str, message: str) -> None:
    rows.write_text(content)
    outcome = mot("draw", video, rows)
    assert outcome.status == 0
    assert message in outcome.err


def test_missing_files_are_errors(mot: Mot, video: Path, rows: Path, tmp_path: Path) -> None:
    assert "no such file" in mot("draw", tmp_path / "none.mp4", rows).err
    assert "none.txt: cannot be read" in mot("draw", video, tmp_path / "none.txt").err
    assert not list(tmp_path.glob("*.drawn.mp4"))


def test_a_foreign_trackers_separators_are_read_and_said(mot: Mot, video: Path, rows: Path) -> None:
    rows.write_text(ROWS.replace(",", " "))
    outcome = mot("draw", video, rows)
    assert outcome.status == 0
    assert "spaces" in outcome.err
