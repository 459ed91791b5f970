"""The embedded server's repository: a configuration that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.serving.errors import ServerError
from client.serving.served_model import link_repository
from mot.contract import MODEL_NAME
from tests.tiny_model import repository


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'backend: "python"\nmax_batch_size: many\n', "is no configuration of Triton: 2:17"),
        (b'output { name: "", data_type: 4294967395 }', "is no configuration of Triton: Value out of range"),
        (b"name: \xff", "not a text file"),
    ],
)
def test_a_configuration_that_is_none_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Found by fuzzing: ParseError, ValueError, UnicodeDecodeError."""
    models = repository(tmp_path / "models")
    path = models / MODEL_NAME / "configs" / "local.pbtxt"
    path.write_bytes(content)
    with pytest.raises(ServerError, match=f"{path}: {complaint}"):
        link_repository(tmp_path / "served", models, MODEL_NAME, 1)
