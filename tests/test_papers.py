"""The papers: short enough, every link leads somewhere, every program that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAPERS = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "client/README.md", "client/ui/README.md", "training/README.md"),
    *("export/README.md", "export/plugin/README.md", "model_repository/README.md", "tests/benchmarks/README.md"),
]
# Files that a worked example of CONTRIBUTING.md would add, another project's, and a user's own.
ELSEWHERE = {"client/tracking/sort.py", "export/passes/relu.py", "client/outputs/count.py", "setup.py", "CAMERAS.toml"}


def prose(paper: Path) -> str:
    return re.sub(r"^```.*?^```", "", paper.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(paper: Path) -> set[str]:
    """Of its headings, as they are shown on the web."""
    headings = re.findall(r"^#+ (.+)$", prose(paper), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("name", PAPERS)
def test_links_lead_somewhere(name: str) -> None:
    paper = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(paper)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (paper.parent / path).resolve() if path else paper
        assert found.exists(), f"{name}: {target}"
        assert not anchor or anchor in anchors(found), f"{name}: {target}; there are {sorted(anchors(found))}"


@pytest.mark.parametrize("name", PAPERS)
def test_no_figure_is_still_to_be_measured(name: str) -> None:
    assert "[?]" not in (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def files() -> list[str]:
    tops = ("mot", "client", "training", "export", "tests", "model_repository")
    return [f"/{path.relative_to(ROOT)}" for top in tops for path in (ROOT / top).rglob("*.*")]


@pytest.mark.parametrize("name", PAPERS)
def test_named_programs_are_there(name: str, files: list[str]) -> None:
    named = set(re.findall(r"[\w./]+\.(?:py|sh|toml)\b", prose(ROOT / name))) - ELSEWHERE
    for program in named:
        whole = program.lstrip("./")
        assert (ROOT / whole).exists() or any(path.endswith(f"/{whole}") for path in files), f"{name}: {program}"
