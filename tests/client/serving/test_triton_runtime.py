"""Finding the parts of the embedded server."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from client.serving import triton_wheel
from client.serving.errors import ServerError
from client.serving.triton_runtime import find_libpython, find_triton

LIBRARY = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"


def test_libpython_is_taken_from_the_first_directory_that_has_it(tmp_path: Path) -> None:
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / LIBRARY).touch()
    found = find_libpython([tmp_path / name for name in "abc"], tmp_path / "cache")
    assert found == tmp_path / "b" / LIBRARY


def test_libpython_fetched_before_is_reused(tmp_path: Path) -> None:
    (tmp_path / LIBRARY).touch()
    assert find_libpython([], cache=tmp_path) == tmp_path / LIBRARY


def test_missing_libpython_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=rf"{LIBRARY} is missing.*apt-get install libpython3"):
        find_libpython([], cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_other_platforms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ServerError, match=r"needs Linux on x86-64, not linux aarch64; use --engine local"):
        find_triton()


def test_wheel_that_is_neither_there_nor_to_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(triton_wheel.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(
        ServerError,
        match=r"could not be fetched \(ERROR: No matching distribution found for nvidia-pytriton==0\.7\.0\); "
        r".*python.* -m pip install --no-deps nvidia-pytriton==0\.7\.0",
    ):
        find_triton(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_wheel_fetched_before_is_reused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(triton_wheel.importlib.util, "find_spec", lambda name: None)
    binary = tmp_path / "nvidia-pytriton-0.7.0/pytriton/tritonserver/bin/tritonserver"
    binary.parent.mkdir(parents=True)
    binary.touch()
    folder = tmp_path / "nvidia-pytriton-0.7.0"
    assert find_triton(tmp_path) == (folder / "pytriton/tritonserver", folder / "nvidia_pytriton.libs")


@pytest.mark.network
def test_wheel_that_is_not_installed_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(triton_wheel.importlib.util, "find_spec", lambda name: None)
    try:
        server, libraries = find_triton(tmp_path / "cache")
    except ServerError as error:
        pytest.skip(str(error))
    assert os.access(server / "bin" / "tritonserver", os.X_OK)
    assert list(libraries.glob("*.so*"))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["nvidia-pytriton-0.7.0"]
