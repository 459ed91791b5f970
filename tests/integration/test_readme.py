"""The client that client/README.md shows, which uses nothing of the project, against the product's own."""

from __future__ import annotations

import io
import re
from contextlib import closing, redirect_stdout
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.detection.triton import TritonDetector
from client.serving.repository import shipped_repository
from client.serving.server import EmbeddedServer
from client.video.open import open_source
from mot.frame import Frame
from mot.geometry import iou_matrix

pytestmark = [pytest.mark.data, pytest.mark.triton]
README = Path(__file__).resolve().parents[2] / "client" / "README.md"


def foreign_client(picture: Path, address: str) -> str:
    """The program as it stands there, for another picture and server."""
    found = re.search(r"### Another program as the client\n.*?^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    assert found
    program = found[1]
    for shown, meant in (("street.jpg", picture), ("localhost:8001", address)):
        assert program.count(f'"{shown}"') == 1
        program = program.replace(f'"{shown}"', repr(str(meant)))
    return program


@pytest.mark.parametrize("size", [(768, 576), (300, 500)], ids=["wider", "upright"])
def test_foreign_client_finds_the_same_people(
    size: tuple[int, int], mot_data: Path, tiny_repository: Path, tmp_path: Path
) -> None:
    with open_source(str(mot_data / "videos/vtest.avi"), end=1) as source:
        frame = next(iter(source))
    width, height = size
    cut = np.ascontiguousarray(frame.image[:height, frame.image.shape[1] - width :])
    picture = tmp_path / "street.png"
    cv2.imwrite(str(picture), cut[:, :, ::-1])
    with EmbeddedServer(shipped_repository(), instances=1) as server:
        with closing(TritonDetector(server.grpc_url)) as detector:
            own = detector.submit(Frame(index=1, time=0.0, image=cut)).result()
        program = foreign_client(picture, server.grpc_url.removeprefix("grpc://"))
        names: dict[str, object] = {}
        with redirect_stdout(io.StringIO()):
            exec(compile(program, str(README), "exec"), names)
    boxes, scores = np.asarray(names["boxes"]), np.asarray(names["scores"])
    sure = own.boxes[own.scores >= 0.5]
    assert len(sure) >= 2
    assert iou_matrix(sure, boxes[scores >= 0.4].astype(np.float32)).max(axis=1).min() > 0.8
