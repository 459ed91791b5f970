"""CrowdHuman's ``.odgt`` annotations: an image a line, in JSON.

Source: FairMOT ``src/gen_labels_crowd_id.py`` and ``_det.py``: boxes with ``extra.ignore`` 1 are skipped, the
full body (``fbox``) counts, which may leave the image, and nothing is clipped.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mot.documents import parse_json
from mot.files import lines_of
from training.data.configuration import Split
from training.data.labels import DataError, read_text
from training.prepare.coco import is_true
from training.prepare.conversion import Picture, Reading
from training.prepare.identities import Identities, identities_of
from training.prepare.images import IMAGE_SUFFIXES, images_in

FIELD = "fbox"  # the full body; the other boxes are of its visible part and of the head
ANNOTATIONS: dict[Split, str] = {"train": "annotation_train.odgt", "test": "annotation_val.odgt"}


def read_crowdhuman(source: Path, identities: Identities, val: Split = "test") -> Reading:
    """The published training part as ``train`` and, where it is there, the validation part as ``val``.

    Images may stand in any folder named ``Images``, as the published archives unpack.

    Args:
        identities: "per-box" numbers on over both parts.

    Raises:
        DataError: an annotation file or an image is missing, or a line is malformed.
    """
    folders = sorted(path for path in (source / "Images", *source.glob("*/Images")) if path.is_dir())
    if not folders:
        raise DataError(f"{source}: no folder Images, nor CrowdHuman_*/Images; unpack the published archives there")
    listed = [path for folder in folders for path in images_in(folder)]
    images = {path.stem: path for path in listed} | {path.name: path for path in listed}
    splits: dict[Split, list[Picture]] = {"train": [], "test": []}
    left_out: Counter[str] = Counter()
    first = 0
    for part, name in ANNOTATIONS.items():
        if part == "test" and not (source / name).is_file():
            continue
        text = read_text(source / name, "it is part of CrowdHuman")
        for number, line in enumerate(lines_of(text), 1):
            if line.strip():
                picture = _picture(line, f"{source / name}:{number}", images, identities, first, left_out)
                first = max(first, 1 + int(picture.identities.max(initial=-1)))
                splits[val if part == "test" else part].append(picture)
    return Reading(origin=source, splits=splits, left_out=left_out)


def _picture(
    line: str, origin: str, images: dict[str, Path], identities: Identities, first: int, left_out: Counter[str]
) -> Picture:
    try:
        entry: dict[str, Any] = parse_json(line)
        boxes = _people(entry["gtboxes"], left_out)
        name = str(entry["ID"]).replace("\\", "/").rpartition("/")[2]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        expected = '{"ID": …, "gtboxes": [{"tag": …, "fbox": [x, y, w, h]}]}'
        raise DataError(f"{origin}: not an annotation of CrowdHuman ({error!r}); expected {expected}") from error
    if name not in images:
        shown = name if Path(name).suffix.lower() in IMAGE_SUFFIXES else f"{name}.jpg"
        raise DataError(f"{origin}: no image {shown} in a folder Images; are all archives unpacked?")
    return Picture(
        source=images[name],
        name=images[name].name,
        origin=origin,
        people=boxes,
        identities=identities_of(len(boxes), identities, first),
    )


def _people(gtboxes: list[dict[str, Any]], left_out: Counter[str]) -> npt.NDArray[np.float64]:
    """(M, 4) full bodies of the people who count; ``left_out`` has the others, by reason."""
    people = []
    for box in gtboxes:
        if box["tag"] != "person":
            left_out[f"tag {box['tag']}"] += 1
        elif is_true((box.get("extra") or {}).get("ignore")):
            left_out["marked to be ignored"] += 1
        elif not box.get(FIELD):
            left_out[f"without a full body ({FIELD})"] += 1
        else:
            left, top, width, height = (float(value) for value in box[FIELD])
            people.append([left, top, width, height])
    return np.array(people, np.float64).reshape(len(people), 4)
