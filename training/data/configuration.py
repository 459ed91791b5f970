"""Data configurations and list files: the original's ``data.json``.

``{"root": FOLDER, "train": {NAME: LIST FILE}, "test": {NAME: LIST FILE}}``. The root and the list files are
relative to the configuration; a list file has an image a line, relative to the root. Other keys, such as the
original's ``test_emb``, are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mot.documents import parse_json
from mot.files import lines_of
from training.data.labels import DataError, read_text
from training.data.placement import place_text

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a ``data.json`` says."""

    path: Path
    root: Path
    lists: Mapping[Split, Mapping[str, Path]]  # list file by data set, sorted by name; "test" may be empty


def read_config(path: Path) -> Configuration:
    """Read a ``data.json``.

    Raises:
        DataError: it is missing or no data configuration.
    """
    content = _read_json(path)
    try:
        root = path.parent / content["root"]
        lists = {
            split: {str(name): path.parent / listing for name, listing in sorted(part.items())}
            for split, part in zip(SPLITS, (content["train"], content.get("test", {})), strict=True)
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_a_configuration(path, error) from error
    return Configuration(path=path, root=root, lists=lists)


def read_list(config: Configuration, name: str, listing: Path) -> dict[int, Path]:
    """The images of a list file by line number; empty lines are skipped.

    Raises:
        DataError: the list cannot be read.
    """
    text = read_text(listing, f"{config.path} names it for data set {name!r}")
    return {number: config.root / line.strip() for number, line in enumerate(lines_of(text), 1) if line.strip()}


def images_listed(root: Path, name: str, split: Split) -> int | None:
    """How many images a data set has in ``root/data.json``; None where it is not in it.

    Raises:
        DataError: the file is no configuration.
    """
    path = root / "data.json"
    if not path.exists():
        return None
    config = read_config(path)
    listing = config.lists[split].get(name)
    return None if listing is None or not listing.is_file() else len(read_list(config, name, listing))


def write_config(
    root: Path, train: Mapping[str, Sequence[Path]], test: Mapping[str, Sequence[Path]] | None = None
) -> Path:
    """Write list files of images below ``root`` and enter them into ``root/data.json``; returns its path.

    Other data sets of an existing configuration stay. A data set with an empty list is taken out of that split.
    The configuration comes last: it never names a list that is not there yet.

    Raises:
        DataError: the existing file is no configuration, or its root is another folder.
    """
    config = root / "data.json"
    content: dict[str, Any] = {"root": ".", "train": {}}
    if config.exists():
        existing = read_config(config)
        if existing.root.resolve() != root.resolve():
            raise DataError(f"{config}: its root is {existing.root}; choose another --output, or set its root to '.'")
        content = _read_json(config)
    new: dict[Split, Mapping[str, Sequence[Path]]] = {"train": train, "test": test or {}}
    for split, sets in new.items():
        entries = content.get(split, {})
        for name, images in sets.items():
            entries.pop(name, None)
            if images:
                lines = [f"{image.relative_to(root).as_posix()}\n" for image in sorted(images)]
                place_text(root / f"{name}.{split}", "".join(lines))
                entries[name] = f"{name}.{split}"
        content[split] = dict(sorted(entries.items()))
    if not content["test"]:
        del content["test"]
    place_text(config, json.dumps(content, indent=2) + "\n")
    return config


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, "make a data configuration with mot-train data"))
    except ValueError as error:
        raise _not_a_configuration(path, error) from error
    if not isinstance(content, dict):
        raise _not_a_configuration(path, TypeError(f"a {type(content).__name__}"))
    return content


def _not_a_configuration(path: Path, error: Exception) -> DataError:
    expected = '{"root": FOLDER, "train": {NAME: LIST FILE}}'
    return DataError(f"{path}: not a data configuration ({error!r}); expected {expected}")
