"""The names of inputs, by which their results are called."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from client.video.open import name_of
from mot.errors import MotError


def named_inputs(inputs: Sequence[str]) -> tuple[dict[str, str], list[MotError]]:
    """Name -> input, and what is wrong with those that are not there: all of it is known before any work begins.

    A name that an earlier input has taken becomes NAME-2, NAME-3, ...
    """
    named: dict[str, str] = {}
    faults: list[MotError] = []
    for input in inputs:
        try:
            name = name_of(input)
        except MotError as error:
            faults.append(error)
            continue
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        named[next(candidate for candidate in numbered if candidate not in named)] = input
    return named, faults
