"""JSON and TOML: what Python's parsers stumble over."""

from __future__ import annotations

import pytest

from mot.documents import parse_json, parse_toml


@pytest.mark.parametrize("text", ["", "[", "[" * 60_000, "9" * 5000, b"\xff", '{"a": "\ud800'])
def test_no_json(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize("text", ["a", f"a = {'[' * 3000}", f"a = {'9' * 5000}", "a = 1\na = 2", "a = 2000-99-99"])
def test_no_toml(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_toml(text)


def test_what_they_hold() -> None:
    assert parse_json(b"[1, null]") == [1, None] and parse_toml("a.b = 1") == {"a": {"b": 1}}
