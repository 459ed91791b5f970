"""The names of inputs, by which their results are called."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence

from client.video.open import name_of
from mot.errors import MotError

# Bytes; file systems take names of 255, of which `.NAME-2.embeddings.PID.partial.npz` and its like need some.
_LONGEST = 200
_STDIN = "/dev/stdin"


def named_inputs(inputs: Sequence[str]) -> tuple[dict[str, str], list[MotError]]:
    """Name -> input, and what is wrong with those that are not there: all of it is known before any work begins.

    A name that an earlier input has taken becomes NAME-2, NAME-3, ...; one that is too long for the names of results
    loses its end. ``-`` is standard input.
    """
    named: dict[str, str] = {}
    faults: list[MotError] = []
    for given in inputs:
        input = _STDIN if given == "-" else given
        try:
            name = _cut(name_of(input))
        except MotError as error:
            faults.append(error)
            continue
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        named[next(candidate for candidate in numbered if candidate not in named)] = input
    return named, faults


def _cut(name: str) -> str:
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    return name
