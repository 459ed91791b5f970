"""client.ui.page.words in both languages, and numbers as people read them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest

from client.ui.page.chinese import CHINESE
from client.ui.page.english import ENGLISH
from client.ui.page.phrases import language_of, sentence, size_text, time_text, upload_sentence


def test_both_languages_fill_in_the_same_things() -> None:
    chinese = asdict(CHINESE)
    for name, text in asdict(ENGLISH).items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[name])), name
        assert text.strip() and chinese[name].strip()


def test_chinese_is_chinese() -> None:
    for name, text in asdict(CHINESE).items():
        bare = re.sub(r"\{\w+\}", "", text)
        assert re.search(r"[\u4e00-\u9fff]", bare) or not re.search(r"[a-z]{4}", bare), name


@pytest.mark.parametrize(
    ("wanted", "locale", "language"),
    [
        (None, "zh-CN", "zh"),
        (None, "zh_TW", "zh"),
        (None, "de-DE", "en"),
        (None, None, "en"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh"),
        ("xx", "zh", "zh"),
    ],
)
def test_language(wanted: str | None, locale: str | None, language: str) -> None:
    assert language_of(wanted, locale) == language


def test_numbers() -> None:
    assert [size_text(size) for size in (0, 1023, 1 << 20, 1.5 * (1 << 30), 4 << 30)] == [
        "0 B",
        "1023 B",
        "1 MB",
        "1.5 GB",
        "4 GB",
    ]
    assert [time_text(seconds) for seconds in (0, 7.4, 61, 3723)] == ["0:00", "0:07", "1:01", "1:02:03"]


def test_sentences() -> None:
    assert sentence(ENGLISH, "too_large", "x", {"limit": 4 << 30}) == "The file is too large: the limit is 4 GB."
    assert sentence(ENGLISH, "not_video", "no index").endswith("(no index)")
    assert sentence(ENGLISH, "never heard of", "why") == "This could not be done. (why)"
    assert sentence(ENGLISH, "too_long") == ENGLISH.error_other  # without its value
    stored = json.dumps({"error": "e", "values": {"limit": 9}})
    assert upload_sentence(CHINESE, "zip_many", stored) == "zip 中的图片太多:上限为 9 张。"
    assert upload_sentence(ENGLISH, "empty", "plain") == ENGLISH.error_empty
