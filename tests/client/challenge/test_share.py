"""How a benchmark's sequences are dealt out."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.challenge.share import Share
from client.challenge.task import ChallengeError, Task
from mot.splits import VIDEOS


def tasks_of(lengths: dict[str, int]) -> tuple[Task, ...]:
    return tuple(
        Task(name=name, folder=Path(name), results=(name,), length=length, first=1, last=length, frame_rate=30)
        for name, length in lengths.items()
    )


def dealt(tasks: tuple[Task, ...], count: int) -> list[list[str]]:
    return [[task.name for task in Share(index=index, count=count).of(tasks)] for index in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10])
def test_all_shares_are_all_tasks_each_once(count: int) -> None:
    tasks = tasks_of(dict(VIDEOS["MOT17"]["test"]))
    names = [name for share in dealt(tasks, count) for name in share]
    assert sorted(names) == sorted(task.name for task in tasks)


def test_seven_shares_of_mot17_have_a_video_each() -> None:
    assert [len(share) for share in dealt(tasks_of(dict(VIDEOS["MOT17"]["test"])), 7)] == [1] * 7


def test_the_longest_are_dealt_first_to_the_share_with_the_fewest_frames() -> None:
    tasks = tasks_of({"a": 100, "b": 900, "c": 500, "d": 300, "e": 100})
    assert dealt(tasks, 2) == [["b", "e"], ["a", "c", "d"]]  # 1000 and 900 frames; in the tasks' own order


def test_equal_lengths_are_dealt_by_name_whatever_the_order_of_folders() -> None:
    lengths = {"a": 10, "b": 10, "c": 10}
    backwards = tasks_of(dict(reversed(lengths.items())))
    assert [sorted(share) for share in dealt(backwards, 2)] == dealt(tasks_of(lengths), 2) == [["a", "c"], ["b"]]


def test_more_shares_than_sequences_leave_some_empty() -> None:
    assert dealt(tasks_of({"a": 5}), 3) == [["a"], [], []]


@pytest.mark.parametrize(("text", "index", "count"), [("0/1", 0, 1), ("6/7", 6, 7), ("02/07", 2, 7)])
def test_share_is_read(text: str, index: int, count: int) -> None:
    assert Share.parse(text) == Share(index=index, count=count)


@pytest.mark.parametrize("text", ["7/7", "1/0", "0/0", "-1/7", "1", "1/", "/7", "1/2/3", "a/b", "", "1.0/2", "٣/٧"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ChallengeError, match="INDEX from 0 to COUNT - 1"):
        Share.parse(text)
