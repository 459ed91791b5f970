"""Every target for a moment: the first inputs of what ``make fuzz`` tries for longer, as many on any machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.campaign import run
from tests.fuzz.catalog import CATALOG

SECONDS, INPUTS = float(os.environ.get("FUZZ_SECONDS", "0")), int(os.environ.get("FUZZ_INPUTS", "300"))


@pytest.mark.parametrize("name", CATALOG)
def test_a_reader_takes_an_input_or_refuses_it_in_words(name: str, tmp_path: Path) -> None:
    outcome = run(name, inputs=INPUTS, seconds=SECONDS)
    places = list(outcome.keep(tmp_path))
    assert not outcome.findings, f"{', '.join(outcome.findings)}: see {', '.join(map(str, places))}"
    assert outcome.inputs >= max(1, INPUTS)
