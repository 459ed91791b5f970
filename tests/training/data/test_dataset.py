from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.media import write_image
from training.data.augment import AugmentConfig
from training.data.dataset import STRIDE, EpochSampler, Item, TrainingSet
from training.data.labels import DataError
from training.data.samples import Sample, SampleSet, load_samples
from training.model import fairmot

STILL = AugmentConfig(rotate=0, scale=(1, 1), translate=0, shear=0, flip=0, saturation=(1, 1), value=(1, 1))


def training_set(people: Path, **options: object) -> TrainingSet:
    settings = {"width": 96, "height": 64, "max_objects": 8, "augment": AugmentConfig(), "seed": 1, "cache": False}
    return TrainingSet(load_samples(people), **(settings | options))  # type: ignore[arg-type]


def equal(a: Item, b: Item) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_the_stride_is_the_networks() -> None:
    assert STRIDE == fairmot.STRIDE


def test_an_item_unaugmented(people: Path) -> None:
    dataset = training_set(people, augment=STILL)
    item = dataset[0, 2]  # three people
    assert item["image"].dtype == torch.uint8
    assert item["image"].shape == (3, 64, 96)
    assert item["heatmap"].shape == item["weight"].shape == (1, 16, 24)
    assert item["valid"].sum() == 3
    assert sorted(item["identity"][:3].tolist()) == [0, 1, 2]
    labels = dataset.samples[2].labels
    order = np.argsort(-labels[:, 5], kind="stable")
    size = torch.from_numpy(labels[order, 4:6] * (24, 16))
    torch.testing.assert_close(item["box"][:3, :2] + item["box"][:3, 2:], size.float(), rtol=1e-3, atol=1e-3)
    # The image is RGB: the first identity is drawn in red, and its cell is where it is.
    row = int((item["identity"] == 0).nonzero()[0])
    y, x = divmod(int(item["cells"][row]), 24)
    red, green, blue = item["image"][:, 4 * y + 2, 4 * x + 2].tolist()
    assert red > 200
    assert max(green, blue) < 60


def test_an_item_depends_on_seed_epoch_and_index_alone(people: Path) -> None:
    augment = AugmentConfig(mosaic=0.5, grey=0.3, blur=0.3)
    a, b = training_set(people, augment=augment), training_set(people, augment=augment, cache=True)
    first = [a[1, index] for index in range(4)]
    _ = [b[0, index] for index in (3, 9, 1)]
    again = [b[1, index] for index in (3, 2, 1, 0)][::-1]
    assert all(map(equal, first, again))
    assert not equal(a[1, 0], a[2, 0])
    assert not equal(a[1, 0], training_set(people, augment=augment, seed=2)[1, 0])


def test_worker_processes_change_nothing(people: Path) -> None:
    dataset = training_set(people)
    sampler = EpochSampler(len(dataset), 4, 1)
    sampler.epoch = 3
    here = list(DataLoader(dataset, batch_sampler=sampler))
    there = list(DataLoader(dataset, batch_sampler=sampler, num_workers=2))
    assert len(here) == 2
    assert all(map(equal, here, there))


@pytest.mark.parametrize(
    ("size", "expected"), [((400, 300), (128, 96)), ((100, 400), (24, 96)), ((96, 64), (96, 64))], ids=str
)
def test_large_images_are_shrunk_to_one_and_a_half_inputs(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = write_image(tmp_path / "images/a.png", np.zeros((size[1], size[0], 3), np.uint8))
    samples = SampleSet(samples=[Sample(image=image, labels=np.zeros((0, 6), np.float32))], identities=0)
    dataset = TrainingSet(samples, width=96, height=64, max_objects=4, augment=STILL, seed=0, cache=True)
    assert dataset[0, 0]["image"].shape == (3, 64, 96)
    assert dataset._cache is not None
    assert dataset._cache[0].shape[1::-1] == expected


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "images/a.png"
    path.parent.mkdir()
    path.write_text("no image")
    samples = SampleSet(samples=[Sample(image=path, labels=np.zeros((0, 6), np.float32))], identities=0)
    dataset = TrainingSet(samples, width=96, height=64, max_objects=4, augment=STILL, seed=0, cache=False)
    with pytest.raises(DataError, match=r"a\.png: missing or no readable image"):
        dataset[0, 0]


def indices(sampler: EpochSampler) -> Iterator[int]:
    return (index for batch in sampler for _, index in batch)


def test_an_epoch_shows_each_image_at_most_once_and_drops_the_rest() -> None:
    sampler = EpochSampler(10, 4, 1)
    assert len(sampler) == len(list(sampler)) == 2
    assert len(set(indices(sampler))) == 8
    assert {epoch for batch in sampler for epoch, _ in batch} == {0}


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    sampler = EpochSampler(10, 4, 1)
    first = list(indices(sampler))
    assert list(indices(EpochSampler(10, 4, 1))) == first
    assert list(indices(EpochSampler(10, 4, 2))) != first
    sampler.epoch = 1
    assert list(indices(sampler)) != first


def test_an_epoch_can_be_entered_at_any_batch() -> None:
    sampler = EpochSampler(20, 3, 1)
    whole = list(sampler)
    sampler.first_batch = 4
    assert list(sampler) == whole[4:]
    assert len(sampler) == 6


def test_processes_share_an_epoch_without_overlap() -> None:
    """Together they see what one process with the joint batch sees, in the same order."""
    joint = list(EpochSampler(20, 6, 1))
    parts = [list(EpochSampler(20, 3, 1, rank, 2)) for rank in range(2)]
    assert [a + b for a, b in zip(*parts, strict=True)] == joint


def test_fewer_images_than_a_batch() -> None:
    assert len(EpochSampler(3, 4, 1)) == 0
    assert list(EpochSampler(0, 4, 1)) == []
