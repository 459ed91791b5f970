"""Every language says everything, with the same places to be filled."""

from __future__ import annotations

import re
import string
from dataclasses import asdict
from pathlib import Path

import pytest

from client.analysis import texts
from client.analysis.texts import CHINESE, ENGLISH, TEXTS, Language


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", list(TEXTS))
def test_no_text_is_missing_or_has_other_places(language: Language) -> None:
    for key, text in asdict(TEXTS[language]).items():
        assert text.strip(), key
        assert places(text) == places(getattr(ENGLISH, key)), key


def test_chinese_is_chinese() -> None:
    for key, text in asdict(CHINESE).items():
        assert key == "code" or re.search("[\u4e00-\u9fff]", text), key
        assert not re.search("[\u4e00-\u9fff][,;:()]", text), f"{key}: punctuation of another script"


def test_every_text_is_used() -> None:
    report = (Path(texts.__file__).parent / "report.py").read_text()
    unused = [key for key in asdict(ENGLISH) if f"text.{key}" not in report]
    assert unused == []
