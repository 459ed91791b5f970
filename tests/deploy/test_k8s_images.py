"""Images are pinned in one place, by a script."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.k8s.rendered import K8S, kubectl

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    return Path(shutil.copytree(K8S, tmp_path / "k8s"))


def pin(manifests: Path, *images: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([manifests / "pin.sh", *images], capture_output=True, text=True, check=False)


def images(manifests: Path, overlay: str) -> set[str]:
    command = [kubectl(), "kustomize", manifests / "overlays" / overlay]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split("image: ")[1] for line in text.splitlines() if "image: " in line}


def test_one_call_pins_an_image_in_every_overlay(manifests: Path) -> None:
    client, server = f"example.org:5000/us/mot/client@{DIGEST}", f"example.org/triton-gpu@sha256:{'c' * 64}"
    done = pin(manifests, client, server)
    assert done.returncode == 0, done.stderr
    assert images(manifests, "prod-gpu") == images(manifests, "prod-gpu/canary") == {client, server}
    assert images(manifests, "cpu/mot17-export") == {client}
    unpinned = images(manifests, "cpu") - {client}
    assert unpinned == {f"registry.example.com/mot/triton-cpu@sha256:{'0' * 64}"}


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("example.org/mot/client:1.2", "has no digest"),
        ("example.org/mot/client@sha256:12", "has no digest"),
        (f"example.org/mot/clients@{DIGEST}", "has no image mot/clients"),
    ],
)
def test_what_is_no_pin_is_refused_and_nothing_changes(manifests: Path, image: str, says: str) -> None:
    before = (manifests / "components/images/kustomization.yaml").read_text()
    done = pin(manifests, image)
    assert done.returncode == 1 and says in done.stderr
    assert (manifests / "components/images/kustomization.yaml").read_text() == before


def test_every_image_of_the_base_is_pinned_there() -> None:
    """One that the component does not know would keep a bare name in production."""
    component = (K8S / "components/images/kustomization.yaml").read_text(encoding="utf-8")
    for path in K8S.rglob("*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "image: mot/" in line:
                assert f"- name: {line.split('image: ')[1]}\n" in component
