"""The lock files: all that pyproject.toml asks for, in a version that it allows, with hashes, from anywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CLIENT, DEV = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[str, str]:
    """Version by name, of packages that have a hash."""
    found = re.findall(r"^([\w.-]+)==([^ ;]+)[^\n]*\\\n +--hash=sha256:[0-9a-f]{64}", path.read_text(), re.MULTILINE)
    return {plain(name): version for name, version in found}


def wanted(*extras: str) -> list[Requirement]:
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["bare"]]
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("path", "extras"),
    [(CLIENT, ("ui", "watch")), (DEV, ("ui", "watch", "train", "tune", "convert", "batch", "dev"))],
    ids=["client", "dev"],
)
def test_what_the_project_asks_for_is_locked(path: Path, extras: tuple[str, ...]) -> None:
    versions = locked(path)
    for requirement in wanted(*extras):
        assert plain(requirement.name) in versions, f"make lock: {requirement} is not in {path.name}"
        assert requirement.specifier.contains(versions[plain(requirement.name)]), f"make lock: {requirement}"


@pytest.mark.parametrize("path", [CLIENT, DEV], ids=["client", "dev"])
def test_every_package_has_hashes_and_no_place(path: Path) -> None:
    text = path.read_text()
    assert len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) == len(locked(path)) > 50
    assert "://" not in text and "index-url" not in text


def test_both_agree() -> None:
    client, dev = locked(CLIENT), locked(DEV)
    assert client == {name: dev[name] for name in client}


def test_the_client_has_no_torch() -> None:
    assert "torch" not in locked(CLIENT) and "torch" in locked(DEV)


def test_message_and_lock_name_one_triton() -> None:
    from client.serving.triton_wheel import _SHA256, WHEEL

    assert WHEEL in PROJECT["dependency-groups"]["bare"]
    assert f"--hash=sha256:{_SHA256}" in CLIENT.read_text()
