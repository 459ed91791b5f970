"""A data set of drawn people: upright rectangles, each identity in a colour of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.media import write_image
from training.data.configuration import write_config
from training.data.labels import write_labels

COLOURS = ((230, 40, 40), (40, 220, 60), (60, 80, 240))


def write_people(root: Path, count: int, most: int = 3, width: int = 96, height: int = 64) -> Path:
    """``count`` images of 1 to ``most`` people on grey; returns the data configuration."""
    rng = np.random.default_rng(7)
    images = []
    for number in range(count):
        image = np.full((height, width, 3), 110, np.uint8)
        rows = []
        for identity in range(1 + number % most):
            tall = int(rng.integers(height // 3, height // 2))
            wide = tall // 2
            x, y = int(rng.integers(0, width - wide)), int(rng.integers(0, height - tall))
            image[y : y + tall, x : x + wide] = COLOURS[identity]
            box = [(x + wide / 2) / width, (y + tall / 2) / height, wide / width, tall / height]
            rows.append([0, identity, *box])
        images.append(write_image(root / "drawn/images" / f"{number:03d}.png", image))
        write_labels(root / "drawn/labels_with_ids" / f"{number:03d}.txt", np.array(rows, np.float32))
    return write_config(root, {"drawn": images})
