"""mot.errors: the tree in its docstring is the tree there is."""

from __future__ import annotations

import ast
import re

from mot import errors
from mot.errors import shown
from tests.command import ROOT


def declared() -> dict[str, tuple[list[str], str]]:
    """Class -> its bases and its file, of all that end in Error and begin with a capital."""
    found = {}
    for package in ("mot", "client", "training", "export"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and re.fullmatch(r"[A-Z]\w*Error", node.name):
                    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                    found[node.name] = bases, str(path.relative_to(ROOT))
    return found


def drawn() -> dict[str, tuple[str, str]]:
    """Class -> what it is drawn below, and its file."""
    above: list[str] = []
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.fullmatch(r"( {4,})(\w+Error) +\S.* (\S+\.py)", line):
            depth = len(match[1]) // 4 - 1
            above[depth:] = [match[2]]
            found[match[2]] = (above[depth - 1] if depth > 1 else "MotError"), match[3]
    return found


def test_every_error_is_drawn_where_it_belongs() -> None:
    ours = {name: each for name, each in declared().items() if name != "MotError" and each[0] != ["Exception"]}
    tree = drawn()
    assert sorted(tree) == sorted(ours)
    for name, (base, file) in tree.items():
        assert base in ours[name][0], name
        assert file == ours[name][1], name


def test_a_value_in_a_message_is_not_endless() -> None:
    assert shown("a") == "'a'" and shown(1.5) == "1.5"
    assert len(shown("x" * 10_000)) < 410 and shown("x" * 10_000).startswith("'xxx")
