"""client.refine.joining: one id a person, over pieces that were tracked by themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from client.refine.joining import Piece, join
from mot.sequence import MotRows

Path = Mapping[int, tuple[float, float]]  # frame -> left, top


def rows(people: Mapping[int, Path]) -> MotRows:
    """Boxes 40 wide and 100 high, by frame and id."""
    found = sorted((frame, track, *place) for track, path in people.items() for frame, place in path.items())
    count = len(found)
    table = np.array(found, np.float64).reshape(-1, 4)
    return MotRows(
        frames=table[:, 0].astype(np.int64),
        ids=table[:, 1].astype(np.int64),
        boxes=np.column_stack([table[:, 2:], np.full((count, 2), (40.0, 100.0))]),
        scores=np.ones(count),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )


def still(first: int, last: int, left: float, top: float = 0.0) -> Path:
    return dict.fromkeys(range(first, last + 1), (left, top))


def piece(first: int, last: int, people: Mapping[int, Path], looks: Mapping[int, list[float]] | None = None) -> Piece:
    means: dict[int, npt.NDArray[np.float32]] = {
        track: np.array(look, np.float32) / np.float32(np.linalg.norm(look)) for track, look in (looks or {}).items()
    }
    return Piece(first=first, last=last, rows=rows(people), embeddings=means)


def tracks(whole: MotRows) -> dict[int, list[tuple[int, float]]]:
    """Frame and left side of each id's rows."""
    found: dict[int, list[tuple[int, float]]] = {}
    for frame, track, box in zip(whole.frames.tolist(), whole.ids.tolist(), whole.boxes.tolist(), strict=True):
        found.setdefault(track, []).append((frame, box[0]))
    return found


def lefts(whole: MotRows) -> dict[int, set[float]]:
    return {track: {left for _, left in seen} for track, seen in tracks(whole).items()}


def test_ids_go_on_whatever_the_next_piece_calls_them() -> None:
    one = piece(1, 20, {1: still(1, 20, 0), 2: still(1, 20, 200)})
    two = piece(11, 30, {7: still(11, 30, 201), 8: still(12, 30, 1), 9: still(25, 30, 400)})
    whole, _ = join([one, two])
    assert lefts(whole) == {1: {0, 1}, 2: {200, 201}, 3: {400}}
    assert [frame for frame, _ in tracks(whole)[1]] == list(range(1, 31))  # each frame once


def test_the_earlier_piece_gives_the_first_half_of_what_both_have() -> None:
    whole, _ = join([piece(1, 20, {1: still(1, 20, 0)}), piece(11, 30, {1: still(11, 30, 3)})])
    assert [frame for frame, left in tracks(whole)[1] if left == 0][-1] == 15
    assert next(frame for frame, left in tracks(whole)[1] if left == 3) == 16


def test_who_meets_in_the_shared_frames_is_told_apart_by_looks() -> None:
    """Two people in one place: places alone would take either for either."""
    red, blue = [1.0, 0.0], [0.0, 1.0]
    one = piece(1, 20, {1: still(1, 20, 0), 2: still(1, 20, 4)}, {1: red, 2: blue})
    two = piece(11, 30, {5: still(11, 30, 3), 6: still(11, 30, 1)}, {5: red, 6: blue})
    whole, means = join([one, two])
    assert lefts(whole) == {1: {0, 3}, 2: {4, 1}}
    assert means[1] @ np.array(red) > 0.99 and means[2] @ np.array(blue) > 0.99


def test_who_is_somewhere_else_is_somebody_else_whatever_the_looks() -> None:
    one = piece(1, 20, {1: still(1, 20, 0)}, {1: [1.0, 0.0]})
    two = piece(11, 30, {1: still(11, 30, 500)}, {1: [1.0, 0.0]})
    assert lefts(join([one, two])[0]) == {1: {0}, 2: {500}}


def test_over_many_pieces_one_stays_one() -> None:
    pieces = [piece(k, k + 19, {k: still(k, k + 19, 5)}) for k in range(1, 100, 10)]
    whole, _ = join(pieces)
    assert set(whole.ids) == {1} and whole.frames.tolist() == list(range(1, 111))


def test_ids_are_numbered_as_people_appear_and_without_gaps() -> None:
    one = piece(1, 20, {4: still(8, 20, 0), 9: still(1, 5, 300)})
    two = piece(11, 30, {1: still(11, 14, 600), 2: still(11, 30, 0), 3: still(22, 30, 300)})
    whole, _ = join([one, two])  # the first of the second piece is nowhere: it is gone when its rows begin
    assert lefts(whole) == {1: {300}, 2: {0}, 3: {300}}


def test_nobody() -> None:
    whole, means = join([piece(1, 20, {}), piece(11, 30, {}), piece(21, 40, {1: still(30, 40, 0)})])
    assert lefts(whole) == {1: {0}} and means == {}
    assert len(join([piece(1, 20, {})])[0]) == 0
