"""The embedding's own lesson: what describes people is learned anew over a detector that is at rest.

In joint training an embedding sees each person a few dozen times, on maps that still move. Afterwards the maps stay,
and what an embedding is made of is a few thousand numbers a person. They are recorded in several looks at the training
set, augmented anew each time, and gone over as often as it pays: minutes, where the whole network would take days.
Boxes and scores stay what they are.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mot.errors import MotError
from mot.files import whole_file
from training.checkpoint import load_checkpoint, model_of, save_checkpoint
from training.data.dataset import TrainingSet
from training.data.samples import SampleSet, load_samples
from training.loader import load_items
from training.model.appearance import STRIDE
from training.model.rtmdet import RTMDet
from training.recipe import Recipe, overridden
from training.rtmdet_loss import jittered, labelled_boxes

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much
Report = Callable[[str], None]
WARMUP = 0.1  # of the steps
Sights = tuple[Tensor, Tensor, Tensor]  # (R, P, fine), (R, P, coarse channels), (R,) identities


def teach_embedding(
    checkpoint: Path,
    data: Path,
    output: Path,
    overrides: list[str],
    device: torch.device,
    *,
    progress: Progress,
    report: Report,
) -> Recipe:
    """Write a checkpoint with another embedding, to export and to start from; returns its recipe.

    What was seen is kept in ``OUTPUT.looks`` until the end, look by look: the same call goes on after the last one.

    Raises:
        NoLessonError: a network whose embedding is not read in boxes; no identities to learn.
        MotError: bad data or checkpoint.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; a note says what is kept.
    """
    state = load_checkpoint(checkpoint)
    model, _ = model_of(state, checkpoint)
    recipe = overridden(state["recipe"], overrides, str(checkpoint))
    if not isinstance(model, RTMDet):
        raise NoLessonError(f"{checkpoint}: the embedding of {model.architecture} is learned by mot-train fit alone")
    if recipe.architecture != model.architecture:
        raise MotError(f"{checkpoint}: it is of {model.architecture}, which --set architecture cannot change")
    if output.is_dir():
        raise MotError(f"{output}: a folder; name the file that shall be written")
    if not recipe.embedding.looks:
        raise MotError(f"{checkpoint}: its recipe gives the embedding no looks; --set embedding.looks=12")
    samples = load_samples(data, recipe.identities_from, leave_out=recipe.leave_out)
    if samples.identities < 2:
        raise NoLessonError(f"{data}: {samples.identities} identities; an embedding learns to tell two apart, at least")
    model.to(device)
    looks = Looks(output.with_name(f"{output.name}.looks"), model, recipe, samples)
    looks.begin(_weights_digest(model), report)
    try:
        for number in range(recipe.embedding.looks):
            looks.take(number, progress)
        learn(model, recipe, looks, samples.identities, progress)
    except KeyboardInterrupt as stop:
        stop.add_note(f"{looks.folder} is kept; mot-train embedding {checkpoint} {output} goes on")
        raise
    save_checkpoint(
        output,
        {
            "recipe": recipe.model_dump(mode="json"),
            "step": state["step"],
            "identities": samples.identities,
            "model": model.cpu().state_dict(),
            "ema": {},
        },
    )
    shutil.rmtree(looks.folder)
    return recipe


class NoLessonError(MotError):
    """There is nothing to learn: no such embedding, or nobody to tell apart."""


class Looks:
    """What a detector at rest shows of everybody who is known, in files."""

    def __init__(self, folder: Path, model: RTMDet, recipe: Recipe, samples: SampleSet) -> None:
        self.folder = folder
        self._model, self._recipe = model, recipe
        self._of = {
            "data": _labels_digest(samples),
            "seed": recipe.seed,
            "size": [recipe.width, recipe.height, recipe.max_objects],
            # People in a mosaic are small and cut.
            "augment": asdict(augment := replace(recipe.augment, mosaic=0.0)),
        }
        self._known = [i for i, sample in enumerate(samples.samples) if (sample.labels[:, 1] >= 0).any()]
        self._set = TrainingSet(
            samples,
            width=recipe.width,
            height=recipe.height,
            max_objects=recipe.max_objects,
            augment=augment,
            seed=recipe.seed,
            cache=recipe.cache,
        )

    def begin(self, weights: str, report: Report) -> None:
        """Keep the looks that are there, where they are of these weights (a digest) and these data."""
        about = self.folder / "about.json"
        of = json.dumps({"weights": weights, **self._of})
        if self.folder.is_dir() and (not about.is_file() or about.read_text(encoding="utf-8") != of):
            report(f"{self.folder} is of other weights or data; made anew")
            shutil.rmtree(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(about) as temporary:
                temporary.write_text(of, encoding="utf-8")
        except OSError as error:
            raise MotError(f"{self.folder}: cannot be written ({error.strerror})") from error

    def take(self, number: int, progress: Progress) -> None:
        """Record a look, unless it is there.

        Raises:
            MotError: an image cannot be read, or the look cannot be written.
        """
        path = self._path(number)
        if path.is_file():
            return
        torch.manual_seed(self._recipe.seed + number)
        order = np.random.default_rng([self._recipe.seed, number]).permutation(self._known).tolist()
        size = self._recipe.batch_size
        batches = [[(number, i) for i in order[first : first + size]] for first in range(0, len(order), size)]
        seen: list[tuple[np.ndarray[Any, Any], ...]] = []
        with closing(load_items(self._set, batches, self._recipe.workers)) as items:
            for done, batch in enumerate(items, start=1):
                seen.append(self._seen(batch))
                progress(f"look {number + 1} of {self._recipe.embedding.looks}", done, len(batches))
        fine, coarse, identities = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        try:
            with whole_file(path) as temporary:
                np.savez(temporary, fine=fine, coarse=coarse, identities=identities)
        except OSError as error:
            raise MotError(f"{path}: cannot be written ({error.strerror}); is the disk full?") from error

    @torch.inference_mode()
    def _seen(self, batch: dict[str, Tensor]) -> tuple[np.ndarray[Any, Any], ...]:
        device = self._model.mean.device
        boxes = jittered(labelled_boxes(batch, self._recipe.width // STRIDE))
        fine, coarse = self._model.sights(batch["image"].to(device).float(), boxes.to(device))
        known = batch["identity"] >= 0
        return fine.cpu()[known].half().numpy(), coarse.cpu()[known].half().numpy(), batch["identity"][known].numpy()

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[Sights]:
        """Everybody once, in an order that is random within each look; of each look the rest is left out."""
        for number in rng.permutation(self._recipe.embedding.looks):
            fine, coarse, identities = self.read(number)
            order = torch.from_numpy(rng.permutation(len(identities)))
            for batch in range(max(1, len(order) // size)):
                rows = order[batch * size : (batch + 1) * size]
                yield fine[rows].float(), coarse[rows].float(), identities[rows]

    def read(self, number: int) -> Sights:
        """A look, in halves."""
        with np.load(self._path(number)) as file:
            fine, coarse, identities = (torch.from_numpy(file[name]) for name in ("fine", "coarse", "identities"))
        return fine, coarse, identities

    def count(self, size: int) -> int:
        """How many batches there are."""
        people = []
        for number in range(self._recipe.embedding.looks):
            with np.load(self._path(number)) as file:  # reads what is asked for, and sights are large
                people.append(len(file["identities"]))
        return sum(max(1, each // size) for each in people)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:03}.npz"


def learn(model: RTMDet, recipe: Recipe, looks: Looks, identities: int, progress: Progress) -> None:
    """Teach the embedding from a random start to tell the identities apart, by a classifier of cosines."""
    config, device = recipe.embedding, model.mean.device
    torch.manual_seed(recipe.seed)
    for part in (model.appearance, model.embedding):
        for layer in part.children():
            layer.reset_parameters()  # type: ignore[operator]
    classifier = nn.Linear(model.config.embedding_dim, identities, bias=False, device=device)
    parts = nn.ModuleList([model.appearance, model.embedding, classifier])
    normal = [_Normal.of(values.to(device).float()) for values in looks.read(0)[:2]]
    optimizer = torch.optim.AdamW(parts.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    steps = config.passes * looks.count(config.batch_size)
    course = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    rng, step = np.random.default_rng(recipe.seed), 0
    for _ in range(config.passes):
        for fine, coarse, identity in looks.batches(rng, config.batch_size):
            shown = [scale.apply(values.to(device)) for scale, values in zip(normal, (fine, coarse), strict=True)]
            read = functional.dropout(model.appearance.at(*shown).flatten(1), config.dropout)
            found = model.embedding.describe(read)
            cosines = found @ functional.normalize(classifier.weight, dim=-1).T
            loss = functional.cross_entropy(config.scale * cosines, identity.to(device))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            course.step()
            step += 1
            if step % 20 == 0 or step == steps:
                progress(f"embedding: loss {loss.item():.2f}", step, steps)
    for scale, layer in zip(normal, (model.appearance.fine, model.appearance.coarse), strict=True):
        scale.fold_into(layer)


def _rate(step: int, steps: int) -> float:
    """A warm-up, then half a cosine down to 0."""
    warm = WARMUP * steps
    return (step + 1) / warm if step + 1 < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


class _Normal:
    """Each channel to mean 0 and deviation 1 while it is learned from; after that, part of the weights."""

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        self._mean, self._deviation = mean, deviation

    @classmethod
    def of(cls, values: Tensor) -> _Normal:
        """``values``: (..., C)."""
        channels = values.flatten(0, -2)
        return cls(channels.mean(0), channels.std(0) + 1e-3)

    def apply(self, values: Tensor) -> Tensor:
        return (values - self._mean) / self._deviation

    @torch.no_grad()
    def fold_into(self, layer: nn.Conv2d) -> None:
        """Make a 1x1 convolution take values as they are."""
        assert layer.bias is not None
        layer.weight /= self._deviation[None, :, None, None]
        layer.bias -= layer.weight.flatten(1) @ self._mean


def _weights_digest(model: nn.Module) -> str:
    """Of the weights, whatever file they came in."""
    digest = sha256()
    for name, values in model.state_dict().items():
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _labels_digest(samples: SampleSet) -> str:
    """Of who is labelled where."""
    digest = sha256()
    for sample in samples.samples:
        digest.update(os.fsencode(sample.image))
        digest.update(sample.labels.tobytes())
    return digest.hexdigest()
