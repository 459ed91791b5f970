"""JSON texts whose structure is changed: a value replaced, a key left out, a list repeated, all much deeper."""

from __future__ import annotations

import copy
import json
import math
from random import Random
from typing import Any

from mot.files import lines_of
from tests.fuzz.mutation import Mutation, change_bytes, change_words

_DEEP, _HUGE = "\ue000deep", "\ue000huge"  # stand for what `json.dumps` could not write
_RAW = {f'"\\ue000{name}"': text for name, text in {"deep": "[" * 60_000 + "]" * 5, "huge": "9" * 5000}.items()}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e-320, 1e300, -1e308, math.nan, math.inf, -math.inf, 2**31, 2**53 + 1),
    *(2**63, 2**64, 10**400, -(10**30), "", "x", " ", "0", "1", "1e9", "nan", "\0", "\ud800", "\u2028", "é", "x" * 300),
    *("../..", "/", "/dev/zero", "a/b", "${HOME}", "C:\\x", [], [[]], {}, {"": None}, [None], [0, 0], [1e308, -1e308]),
    *([0, 0, 0, 0], [1, 2, 3, 4, 5], {"x": 1}, _DEEP, _HUGE),
)


def change_tree(data: bytes, random: Random) -> bytes:
    """One change somewhere in the tree; a text that is no JSON any more gets one of its words changed."""
    try:
        holder = [json.loads(data)]
    except (ValueError, RecursionError):
        return change_words(data, random)
    places = list(_places(holder))
    parent, key = random.choice(places)
    _change(parent, key, random, places)
    return _text(holder[0]) if holder else b""


def change_tree_of_a_line(data: bytes, random: Random) -> bytes:
    """The same in a file that has a JSON text a line."""
    lines = lines_of(data.decode(errors="surrogateescape"))
    i = random.randrange(len(lines))
    lines[i] = change_tree(lines[i].encode(errors="surrogateescape"), random).decode(errors="surrogateescape")
    return "\n".join(lines).encode(errors="surrogateescape")


def _places(holder: Any) -> Any:
    """Every (list or dict, index or key) below."""
    waiting = [holder]
    while waiting:
        one = waiting.pop()
        for key in list(one) if isinstance(one, dict) else range(len(one)):
            yield one, key
            if isinstance(one[key], list | dict):
                waiting.append(one[key])


def _change(parent: Any, key: Any, random: Random, places: list[Any]) -> None:
    value = parent[key]
    kind = random.randrange(9)
    if kind < 3:
        parent[key] = copy.copy(random.choice(VALUES))
    elif kind == 3:
        del parent[key]
    elif kind == 4:
        other, at = random.choice(places)
        parent[key] = copy.deepcopy(other[at])
    elif kind == 5:
        parent[key] = [value] if random.random() < 0.7 else {"x": value}
    elif kind == 6 and isinstance(value, int | float) and abs(value) < 1e300:
        parent[key] = random.choice((str(value), -value, value * 1e6, float(value)))
    elif kind == 7 and isinstance(parent, dict):
        parent[random.choice(("", "x", key.upper(), *parent))] = parent.pop(key)
    elif isinstance(value, list) and value:
        value[:] = value * random.choice((2, 20)) if len(value) < 400 else value[:1]
    elif isinstance(value, str):
        parent[key] = value + random.choice(("\0", "\ud800", " ", "/", "x" * 100))


def _text(value: Any) -> bytes:
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes; a value within itself
        return b"[]"
    for stand_in, raw in _RAW.items():
        text = text.replace(stand_in, raw)
    return text.encode()


JSON: tuple[Mutation, ...] = (change_tree, change_tree, change_tree, change_words, change_bytes)
JSON_LINES: tuple[Mutation, ...] = (change_tree_of_a_line, change_tree_of_a_line, change_words, change_bytes)
