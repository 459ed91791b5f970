"""The harness finds what it is for: each kind of fault, in readers that are made to have it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.fuzz import campaign
from tests.fuzz.catalog import CATALOG, load


@pytest.fixture(params=["atheris", "plain"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "atheris":
        pytest.importorskip("atheris")
    return str(request.param)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("another-exception", "KeyError in "),
        ("broken-promise", "AssertionError in "),
        ("unnamed-file", "a message that does not name "),
        ("endless-message", "a message of more than "),
        ("busy-hang", "a hang in "),
        ("idle-hang", "a hang in "),
        ("too-much-memory", "MemoryError in "),
        ("crash", "the process ended by SIGSEGV in "),
    ],
)
def test_a_fault_is_found_with_its_input(
    name: str, kind: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "_CRASHES", 1)
    outcome = campaign.run(f"faulty.{name}", inputs=2000, seconds=0, engine=engine)
    assert [found[: len(kind)] for found in outcome.findings] == [kind]
    (place,) = outcome.keep(tmp_path)
    assert b"x" in (place / "input.txt").read_bytes()  # all of them stumble over this letter


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Executor]:
    """A process of the targets' own: they keep servers, and what they read takes memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        yield executor


@pytest.mark.parametrize("name", CATALOG)
def test_the_seeds_of_a_target_are_valid(name: str, tmp_path: Path, elsewhere: Executor) -> None:
    assert elsewhere.submit(_refused_by_all, name, tmp_path).result() == []


def _refused_by_all(name: str, folder: Path) -> list[str]:
    """The seeds that no reader of a target takes, each with what was said."""
    target = load(name)
    path = folder / target.file
    path.parent.mkdir(parents=True, exist_ok=True)
    refused = []
    for seed in target.seeds:
        path.write_bytes(seed)
        refusals = []
        for read in target.reads:
            try:
                read(path)
            except target.refusals as refusal:
                refusals.append(refusal)
        if len(refusals) == len(target.reads):
            refused.append(f"{seed!r}: {refusals}")
    return refused


def test_a_short_run_tries_the_first_inputs_of_a_long_one(engine: str) -> None:
    once, again = (campaign.run("faulty.broken-promise", inputs=500, seconds=0, engine=engine) for _ in range(2))
    assert once.findings == again.findings and once.inputs == again.inputs == 500
