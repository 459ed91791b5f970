from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from client.outputs.embeddings import EmbeddingsError, EmbeddingsSink, embeddings_path, read_embeddings
from tests.media import noise, tracked, tracks

IMAGE = noise(1).frame.image
PEOPLE = tracks((0, 0, 10, 20), (50, 0, 60, 20))


def test_means_of_what_was_seen(tmp_path: Path) -> None:
    first, second = tracked(1, IMAGE, people=PEOPLE), tracked(2, IMAGE, people=PEOPLE)
    turned = dataclasses.replace(second.detections, embeddings=np.array([[0, 1, 0, 0], [0, 1, 0, 0]], np.float32))
    with EmbeddingsSink(embeddings_path(tmp_path / "a.txt")) as sink:
        sink.write(first)
        sink.write(dataclasses.replace(second, detections=turned))
    embeddings = read_embeddings(tmp_path / "a.embeddings.npz")
    np.testing.assert_allclose(embeddings[1], [0.5**0.5, 0.5**0.5, 0, 0], atol=1e-3)
    np.testing.assert_allclose(embeddings[2], [0, 1, 0, 0], atol=1e-3)


def test_who_is_only_expected_adds_nothing(tmp_path: Path) -> None:
    lost = dataclasses.replace(PEOPLE, detections=np.array([0, -1]))
    with EmbeddingsSink(tmp_path / "a.embeddings.npz") as sink:
        sink.write(tracked(1, IMAGE, people=lost))
    assert set(read_embeddings(tmp_path / "a.embeddings.npz")) == {1}


def test_nobody_at_all(tmp_path: Path) -> None:
    with EmbeddingsSink(tmp_path / "a.embeddings.npz") as sink:
        sink.write(tracked(1, IMAGE))
    assert read_embeddings(tmp_path / "a.embeddings.npz") == {}


def test_a_stopped_run_keeps_what_was_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), EmbeddingsSink(tmp_path / "a.embeddings.npz") as sink:
        sink.write(tracked(1, IMAGE, people=PEOPLE))
        raise KeyboardInterrupt
    assert set(read_embeddings(tmp_path / "a.embeddings.partial.npz")) == {1, 2}
    assert not (tmp_path / "a.embeddings.npz").exists()


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingsError, match=r"b.embeddings.npz: no such file; `mot track --embeddings`"):
        read_embeddings(tmp_path / "b.embeddings.npz")
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "odd.npz", ids=np.arange(3), embeddings=np.zeros((2, 4)))
    np.savez(tmp_path / "pickle.npz", ids=np.array([{}]), embeddings=np.zeros((1, 4)))
    for name in ("text", "other", "odd", "pickle"):
        with pytest.raises(EmbeddingsError, match=f"{name}.npz: "):
            read_embeddings(tmp_path / f"{name}.npz")
