"""Building the plugin: the kernels' own checks, under sanitizers, and what is said when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mot.custom_ops import LIBRARY
from tests.export.deform_case import Case, run
from tests.plugin_library import BUILD, UNAVAILABLE, plugin_library

SOURCE = BUILD.parent
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -O1 -g"


def require_compiler() -> None:
    for tool in ("cmake", "make", "c++"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing; apt-get install g++ cmake make")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder of the check programs with AddressSanitizer and UndefinedBehaviorSanitizer."""
    require_compiler()
    folder = tmp_path_factory.mktemp("sanitized")
    configure = ["cmake", "-S", SOURCE, "-B", folder, f"-DCMAKE_CXX_FLAGS={SANITIZERS}", "-DCMAKE_CXX_FLAGS_RELEASE="]
    subprocess.run(configure, check=True, capture_output=True)
    build = ["cmake", "--build", folder, "--parallel", "2", "--target", "check_cpu", "check_cuda"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_cpu_kernel_under_sanitizers(sanitized: Path) -> None:
    done = subprocess.run([sanitized / "check_cpu"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generic: 27 cases" in done.stdout
    assert "wide: 27 cases" in done.stdout  # AVX-512's widths, on any machine


def test_cuda_kernels_arithmetic_on_the_cpu(sanitized: Path) -> None:
    # The sanitizer cannot follow the kernel's threads from stack to stack.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=0"}
    done = subprocess.run([sanitized / "check_cuda"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cuda: 27 cases" in done.stdout


def build(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BUILD, folder], env={**os.environ, "CUDA": "OFF", **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is missing, CUDA's compiler")
def test_library_with_cuda_builds_for_all_gpus_and_serves_the_cpu(tmp_path: Path) -> None:
    require_compiler()
    headers = os.environ.get("ORT_INCLUDE_DIR") or str(plugin_library().parent / "include")
    done = build(tmp_path, CUDA="ON", ORT_INCLUDE_DIR=headers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr
    library = tmp_path / LIBRARY
    assert all(f"sm_{each}".encode() in library.read_bytes() for each in (75, 80, 86, 89, 90))
    case = Case()
    feeds = case.tensors()
    expected = run(feeds, case.attributes, None)
    np.testing.assert_allclose(run(feeds, case.attributes, library), expected, atol=1e-4)


def test_missing_compiler_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "mkdir", "cat"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    done = build(tmp_path / "build", PATH=str(tools))
    assert done.returncode == UNAVAILABLE
    assert "cmake is missing; on Debian and Ubuntu: apt-get install g++ cmake make" in done.stderr
    assert "mot-export model --dcn native" in done.stderr


def test_folder_without_headers_is_named(tmp_path: Path) -> None:
    require_compiler()
    done = build(tmp_path / "build", ORT_INCLUDE_DIR=str(tmp_path))
    assert done.returncode == UNAVAILABLE
    assert f"ORT_INCLUDE_DIR={tmp_path} has no onnxruntime_cxx_api.h" in done.stderr


def test_headers_that_cannot_be_fetched(tmp_path: Path) -> None:
    """On a machine that is not Debian: no apt-get on the path."""
    require_compiler()
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "mkdir", "cmake", "make", "c++", "cat", "test"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    done = build(tmp_path / "build", PATH=str(tools), ORT_INCLUDE_DIR="")
    assert done.returncode == UNAVAILABLE
    assert "there is no libonnxruntime-dev to fetch" in done.stderr
    assert "make plugin ORT_INCLUDE_DIR=/path/to/include" in done.stderr
