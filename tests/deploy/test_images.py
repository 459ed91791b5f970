"""The Dockerfiles as text, and the programs that go into the images."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.stack import ROOT

DOCKER = ROOT / "deploy/docker"
FILES = sorted(DOCKER.glob("*.Dockerfile")) + sorted((ROOT / "deploy/monitoring").glob("*/Dockerfile"))


def final_stages(path: Path) -> Iterator[str]:
    """Text of the stages that nothing is built from."""
    stages = re.split(r"^FROM ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    named = [(stage.split("\n")[0].partition(" AS ")[2], stage) for stage in stages]
    used = {stage.split()[0] for stage in stages} | set(re.findall(r"--from=(\S+)", path.read_text()))
    yield from (stage for name, stage in named if name not in used)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_any_builder_takes_it_and_no_image_runs_as_root(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^(RUN --|# syntax=)", text, re.MULTILINE)
    for stage in final_stages(path):
        assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE)[-1] == "10001:0"
        assert not re.search(r"g\+\+|cmake|build-essential|python3-venv|binutils", stage)
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert base.startswith("${") or f" AS {base}" in text  # each base may be chosen


@pytest.mark.parametrize("path", sorted(DOCKER.glob("*.Dockerfile")), ids=lambda path: path.name)
def test_ours_are_labelled_and_have_a_bill_of_materials(path: Path) -> None:
    for stage in final_stages(path):
        for label in ("title", "description", "licenses", "version", "revision"):
            assert f"org.opencontainers.image.{label}=" in stage
        assert "> /usr/share/sbom.cdx.json" in stage
    assert "ORT_DISABLE_TELEMETRY=1" in path.read_text(encoding="utf-8")
    assert "--require-hashes" in path.read_text(encoding="utf-8") or "pip" not in path.read_text(encoding="utf-8")


def test_what_is_copied_is_in_the_context() -> None:
    allowed = re.findall(r"^!(\S+?)/?$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for path in DOCKER.glob("*.Dockerfile"):
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", path.read_text(), re.MULTILINE):
            for source in line.split():
                assert (ROOT / source).exists(), f"{path.name}: {source}"
                assert any(source == each or source.startswith(f"{each}/") for each in allowed), (
                    f"{path.name}: {source}"
                )


def test_the_trackers_are_compiled_for_any_processor() -> None:
    # Where it is compiled, and where it is run.
    for name, count in {"cpu.Dockerfile": 3, "training.Dockerfile": 2}.items():
        text = (DOCKER / name).read_text()
        assert text.count("NUMBA_CPU_NAME=generic") == count


def test_packages_that_the_server_keeps_are_locked() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    names = [line for line in (DOCKER / "triton-cpu.txt").read_text().splitlines() if line and not line.startswith("#")]
    missing = [name for name in names if not re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE)]
    assert missing == ["fairmot-mit"]


def test_keep_names_what_can_go_and_misses_nothing(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("# why\nnumpy\nPyYAML\n")
    command = [sys.executable, str(DOCKER / "keep.py"), str(wanted)]
    rest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "pytest" in rest and not {"numpy", "pyyaml"} & set(rest)
    wanted.write_text("numpy\nno-such-package\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no-such-package" in done.stderr


def test_bill_of_materials_has_versions_and_the_models_hash(tmp_path: Path) -> None:
    models = tmp_path / "models/fairmot/1"
    models.mkdir(parents=True)
    (models / "model.onnx").write_bytes(b"graph")
    venv = tmp_path / "venv/lib/python3/site-packages/some_thing-1.2.dist-info"
    venv.mkdir(parents=True)
    (venv / "METADATA").write_text("Metadata-Version: 2.4\nName: some_thing\nVersion: 1.2\nLicense-Expression: MIT\n")
    command = [sys.executable, str(DOCKER / "sbom.py"), "client", str(tmp_path / "venv"), str(tmp_path / "models")]
    if not Path("/usr/bin/dpkg-query").exists():
        pytest.skip("needs dpkg")
    bill = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    found = {each["name"]: each for each in bill["components"]}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert found["some_thing"]["purl"] == "pkg:pypi/some-thing@1.2"
    assert found["some_thing"]["licenses"] == [{"expression": "MIT"}]
    assert found["dpkg"]["purl"].startswith("pkg:deb/debian/dpkg@")
    digest = "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d"
    assert found["fairmot/1/model.onnx"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
