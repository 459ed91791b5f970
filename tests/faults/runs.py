"""Runs of ``mot track`` over one video, to be disturbed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from client.serving.server import EmbeddedServer
from export.triton.config import BACKEND, write_configs
from mot.contract import MODEL_NAME, ModelSpec
from tests.command import finish, start
from tests.faults.proxy import Network
from tests.faults.results import assert_accounted_for, assert_complete
from tests.tiny_model import build

PROTOCOLS = ("grpc", "http")
long_form = pytest.mark.skipif(os.environ.get("MOT_FAULTS") != "long", reason="in the long form, MOT_FAULTS=long")


def protocols(*short: str) -> pytest.MarkDecorator:
    """A test for each protocol, of which the short form runs those that are named."""
    each = [name if name in short else pytest.param(name, marks=long_form) for name in PROTOCOLS]
    return pytest.mark.parametrize("protocol", each)


class Runs:
    """One video and its rows as the local engine finds them, where there is neither a server nor a network."""

    def __init__(self, video: Path, count: int, repository: Path, folder: Path) -> None:
        self.video, self.count, self._repository, self._folder = video, count, repository, folder

    @cached_property
    def undisturbed(self) -> str:
        return self.rows_of(self._repository, self._folder)

    def rows_of(self, repository: Path, folder: Path) -> str:
        """Those of another model."""
        finish(self.start(folder, "--engine", "local", "--model-repository", repository, "--no-video"))
        return (folder / f"{self.video.stem}.txt").read_text()

    def start(self, output: Path, *options: object) -> subprocess.Popen[str]:
        return start("track", self.video, "--conf-thres", 0.2, "--output", output, *options)

    def assert_complete(self, output: Path) -> None:
        assert_complete(output, self.video.stem, self.undisturbed, self.count)

    def assert_accounted_for(self, output: Path, said: str) -> int:
        return assert_accounted_for(output, self.video.stem, self.undisturbed, said)

    def rerun(self, output: Path, *options: object) -> None:
        """The same again, undisturbed: it completes."""
        finish(self.start(output, *options))
        self.assert_complete(output)


def port(server: EmbeddedServer, protocol: str) -> int:
    return server.ports[1 if protocol == "grpc" else 0]


def through(network: Network, protocol: str) -> tuple[str, str]:
    """The option that leads through a network."""
    return "--url", f"{protocol}://127.0.0.1:{network.port}"


def retrained(folder: Path, version: int, spec: ModelSpec) -> Path:
    """A repository with a model that finds people of half the size."""
    model = build(spec)
    (share,) = [each for each in model.graph.initializer if each.name == "sums"]
    share.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(share) / 2).astype(np.float32), "sums"))
    target = folder / MODEL_NAME / str(version)
    target.mkdir(parents=True)
    onnx.save(model, target / "model.onnx")
    shutil.copy(BACKEND, target / "model.py")
    write_configs(folder / MODEL_NAME, spec, version=version)
    return folder
