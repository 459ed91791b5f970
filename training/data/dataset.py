"""The training set as torch sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from training.data.augment import AugmentConfig, Image, Labelled, mosaic, recolour, single
from training.data.paste import paste
from training.data.pictures import read_picture
from training.data.samples import Sample, SampleSet
from training.data.targets import make_targets
from training.model.fairmot import STRIDE

Item = dict[str, Tensor]
Key = tuple[int, int]  # epoch and image: the epoch travels with the index, so that worker processes know it


class TrainingSet(Dataset[Item]):
    """Augmented images with targets; item (e, i) is the same in every run of a seed.

    An item holds ``image``, uint8 (3, H, W) RGB, and the fields of :class:`training.data.targets.Targets`.
    """

    def __init__(
        self,
        sample_set: SampleSet,
        *,
        width: int,
        height: int,
        max_objects: int,
        augment: AugmentConfig,
        seed: int,
        cache: bool,
    ) -> None:
        self.samples = sample_set.samples
        self.width, self.height = width, height
        self.max_objects = max_objects
        self.augment = augment
        self.seed = seed
        # Decoded images kept in memory, shrunk: decoding a 1080p JPEG costs more than all the rest.
        self._cache: dict[int, Image] | None = {} if cache else None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Item:
        """One item.

        Raises:
            DataError: the image cannot be read.
        """
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        if rng.random() < self.augment.mosaic:
            others = rng.integers(len(self.samples), size=3)
            item = mosaic(rng, self.augment, [self._load(i) for i in (index, *others)], self.width, self.height)
        else:
            source = self._load(index)
            if rng.random() < self.augment.paste:
                source = paste(rng, source, self._load(int(rng.integers(len(self.samples)))))
            item = single(rng, self.augment, source, self.width, self.height)
        image = recolour(rng, self.augment, item.image)
        targets = make_targets(
            item.boxes / np.float32(STRIDE),
            item.classes,
            item.identities,
            height=self.height // STRIDE,
            width=self.width // STRIDE,
            max_objects=self.max_objects,
        )
        return {
            "image": torch.from_numpy(image).permute(2, 0, 1).contiguous(),
            **{name: torch.from_numpy(array) for name, array in asdict(targets).items()},
        }

    def _load(self, index: int) -> Labelled:
        sample = self.samples[index]
        image = None if self._cache is None else self._cache.get(index)
        if image is None:
            image = self._read(sample)
            if self._cache is not None:
                self._cache[index] = image
        height, width = image.shape[:2]
        centre = sample.labels[:, 2:4] * (width, height)
        size = sample.labels[:, 4:6] * (width, height)
        return Labelled(
            image=image,
            boxes=np.concatenate([centre - size / 2, centre + size / 2], axis=1).astype(np.float32),
            classes=sample.labels[:, 0].astype(np.int64),
            identities=sample.labels[:, 1].astype(np.int64),
        )

    def _read(self, sample: Sample) -> Image:
        """Decode an image and shrink it to at most 1.5 times the input, enough for augmentation to enlarge."""
        image = read_picture(sample.image)
        height, width = image.shape[:2]
        ratio = min(1.5 * self.width / width, 1.5 * self.height / height)
        if ratio < 1:
            size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        return image


class EpochSampler(Sampler[list[Key]]):
    """Batches of (epoch, index): shuffled by (seed, epoch), split over processes, resumable at any batch."""

    def __init__(self, size: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1) -> None:
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self.first_batch = 0  # batches to skip, when resuming within an epoch

    def __len__(self) -> int:
        """Batches of a whole epoch for one process; an incomplete last one is dropped."""
        return self.size // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[list[Key]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.size)
        step = self.batch_size * self.world_size
        for batch in range(self.first_batch, len(self)):
            start = batch * step + self.rank * self.batch_size
            yield [(self.epoch, int(index)) for index in order[start : start + self.batch_size]]
