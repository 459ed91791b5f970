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
            name = result_name(input)
        except MotError as error:
            faults.append(error)
            continue
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        named[next(candidate for candidate in numbered if candidate not in named)] = input
    return named, faults


def result_name(input: str) -> str:
    """The name of an input's results, unless another has taken it.

    Raises:
        MotError: there is no such input.
    """
    return short_enough(name_of(input))


def short_enough(name: str) -> str:
    """The name without the end that the names of results have no room for."""
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    return name
