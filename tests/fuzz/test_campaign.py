"""The harness finds what it is for: each kind of fault, in readers that are made to have it."""

from __future__ import annotations

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


@pytest.mark.parametrize("name", CATALOG)
def test_the_seeds_of_a_target_are_valid(name: str, tmp_path: Path) -> None:
    target = load(name)
    path = tmp_path / target.file
    path.parent.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        path.write_bytes(seed)
        refusals = []
        for read in target.reads:
            try:
                read(path)
            except target.refusals as refusal:
                refusals.append(refusal)
        assert len(refusals) < len(target.reads), f"{seed!r}: {refusals}"


def test_a_short_run_tries_the_first_inputs_of_a_long_one(engine: str) -> None:
    once, again = (campaign.run("faulty.broken-promise", inputs=500, seconds=0, engine=engine) for _ in range(2))
    assert once.findings == again.findings and once.inputs == again.inputs == 500
