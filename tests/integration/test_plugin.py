"""The embedded Triton and the plugin: the rows of the native operator, and a clear word when the library is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from client.detection.triton import TritonDetector
from client.serving.errors import ServerError
from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import find_triton
from export import cli
from export.verify import sample_images
from mot.custom_ops import LIBRARY
from mot.detections import Detections
from mot.errors import MotError
from tests.export.conftest import write_checkpoint
from tests.media import frame_of
from tests.plugin_library import plugin_library

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two model repositories out of one checkpoint: ``native`` and ``plugin``."""
    try:
        find_triton()
    except MotError as error:
        pytest.skip(str(error))
    library = plugin_library()
    folder = tmp_path_factory.mktemp("repositories")
    checkpoint = write_checkpoint(folder / "last.pt", "yolox_nano")
    for dcn in ("native", "plugin"):
        arguments = ["model", str(checkpoint), "--output", str(folder / dcn / "fairmot"), "--top-k", "16"]
        result = CliRunner().invoke(cli.app, [*arguments, "--dcn", dcn, "--plugin", str(library)])
        if result.exception:
            raise result.exception
    return folder


def rows_of(models: Path) -> list[Detections]:
    with EmbeddedServer(models, instances=1) as server:
        detector = TritonDetector(server.grpc_url)
        rows = [detector.submit(frame_of(image)).result() for image in sample_images(detector.spec, [], count=4)]
        detector.close()
    return rows


def test_same_rows_with_either_operator(repositories: Path) -> None:
    for a, b in zip(rows_of(repositories / "native"), rows_of(repositories / "plugin"), strict=True):
        assert a.scores.max() > 0.01
        np.testing.assert_allclose(b.scores, a.scores, atol=1e-4)
        np.testing.assert_allclose(b.boxes[:8], a.boxes[:8], atol=0.01)
        np.testing.assert_allclose(b.embeddings[:8], a.embeddings[:8], atol=1e-4)


def test_server_names_the_missing_library(repositories: Path, tmp_path: Path) -> None:
    models = Path(shutil.copytree(repositories / "plugin", tmp_path / "models"))
    (models / "fairmot/1" / LIBRARY).unlink()
    with pytest.raises(ServerError, match=rf"{LIBRARY}: no such library, but the graph needs it; `make plugin`"):
        EmbeddedServer(models, instances=1).start()
