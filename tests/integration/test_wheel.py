"""The wheel where it is installed: built, put into a fresh virtual environment, used from empty folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.serving.repository import VARIABLE
from mot.sequence import read_results

pytestmark = pytest.mark.network  # the build fetches its backend
ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("mot", "client", "training", "export", "model_repository")
PAPERS = ("pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", ".gitignore")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by way of the source archive, as published ones are, from a copy: a build writes into its tree."""
    pytest.importorskip("build")
    tree, dist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PAPERS:
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "build", "--outdir", str(dist), str(tree)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the build's backend could not be fetched within five minutes")
    if done.returncode and "hatchling" in done.stdout + done.stderr and "No matching distribution" in done.stderr:
        pytest.skip(f"the build's backend cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's commands; packages other than the wheel are this environment's, to save minutes.

    A path file adds them behind the environment's own. Path files among them are not read, so that the checkout
    itself, which is installed there by such a file, cannot be found.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "others.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n{sysconfig.get_paths()['platlib']}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
    return folder / "bin"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing leads to the checkout, and caches are new."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", VARIABLE)}
    return kept | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200"}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder


def run(program: Path, *arguments: object, env: dict[str, str], status: int = 0) -> str:
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_packages_and_licences_are_the_wheels_own(programs: Path, environment: dict[str, str], empty: Path) -> None:
    code = (
        "import mot, client, training, export; from importlib.metadata import metadata\n"
        "print(*{m.__file__.split('/site-packages/')[0] for m in (mot, client, training, export)})\n"
        "print(metadata('fairmot-mit')['License-Expression'])\n"
        "print(all((__import__('pathlib').Path(m.__file__).parent / 'py.typed').is_file() for m in (mot, client)))\n"
    )
    place, licence, typed = run(programs / "python", "-c", code, env=environment).splitlines()
    assert place.startswith(str(programs.parent))
    assert licence == "Apache-2.0 AND LicenseRef-Weights-See-Model-Card"
    assert typed == "True"
    version = run(programs / "mot", "--version", env=environment)
    assert "licence of the code: Apache-2.0\n" in version
    assert f"{programs.parent}/lib" in version and version.endswith("client/serving/model_repository/README.md\n")


def test_sample_and_track(programs: Path, environment: dict[str, str], empty: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cache/fairmot-mit/vtest.avi"
    research = Path(os.environ.get("MOT_DATA", ROOT.parent / "shared" / "data"), "videos/vtest.avi")
    if research.is_file():  # else it is really fetched
        cached.parent.mkdir(parents=True)
        shutil.copy(research, cached)
    video = run(programs / "mot", "sample", env=environment).strip()
    assert video == str(cached)
    run(programs / "mot", "track", video, "--engine", "local", "--end", 20, env=environment)
    assert sorted(path.name for path in empty.iterdir()) == ["out"]
    rows = read_results(empty / "out/vtest.txt")
    assert rows.frames.max() == 20 and len(rows) >= 40
    assert (empty / "out/vtest.mp4").stat().st_size > 10_000


@pytest.mark.triton
def test_serve(programs: Path, environment: dict[str, str], empty: Path) -> None:
    ports = [part for name in ("http", "grpc", "metrics") for part in (f"--{name}-port", "0")]
    with subprocess.Popen(
        [programs / "mot", "serve", *ports],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout and process.stderr
        first = process.stdout.readline()
        if not first:
            complaint = process.stderr.read()
            assert "the embedded Triton server" in complaint, complaint
            pytest.skip(complaint)  # not on this platform, or not to be had
        assert first.startswith("HTTP")  # printed when a first inference has succeeded
        process.send_signal(signal.SIGINT)
        assert "stopped" in process.communicate(timeout=60)[0]
    assert list(empty.iterdir()) == []
