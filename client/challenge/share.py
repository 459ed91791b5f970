"""A benchmark's sequences dealt out to several machines, each of which knows its number alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from client.challenge.task import ChallengeError, Task


@dataclass(frozen=True, kw_only=True)
class Share:
    """Share ``index`` of ``count``; index counts from 0, as Kubernetes' ``JOB_COMPLETION_INDEX`` does."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``INDEX/COUNT``.

        Raises:
            ChallengeError: it is written otherwise, or there is no such share.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
        index, count = map(int, match.groups()) if match else (0, 0)
        if index >= count:
            raise ChallengeError(
                f"--share {text}: is no share; write INDEX/COUNT with INDEX from 0 to COUNT - 1, as 0/4 or 3/4"
            )
        return cls(index=index, count=count)

    def of(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """This share's tasks, in their order.

        All shares together are all tasks, each once. The longest sequences are dealt first, each to the share with
        the fewest frames so far, so that no share takes much longer than another (Graham, "Bounds on Multiprocessing
        Timing Anomalies", 1969: at most 4/3 of the best). All that counts is in the tasks: whoever deals the same
        ones deals alike.
        """
        frames = [0] * self.count
        mine: list[Task] = []
        for task in sorted(tasks, key=lambda each: (-each.frames, each.name)):
            least = frames.index(min(frames))
            frames[least] += task.frames
            if least == self.index:
                mine.append(task)
        return tuple(task for task in tasks if task in mine)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
