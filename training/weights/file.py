"""Weight files of several makers, read without running code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mot.errors import MotError
from training.checkpoint import check_content, read_pickle

# Old checkpoints hold numbers as numpy scalars (FairMOT's: a learning rate, a score). Allowed are plain numbers
# and nothing else; the constructor's module was renamed in numpy 2.
_SCALAR: Any = np.float64(0).__reduce__()[0]
NUMPY_NUMBERS: tuple[Callable[..., Any] | tuple[Callable[..., Any], str], ...] = (
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("bool", "int32", "int64", "float32", "float64")),
)


class WeightError(MotError):
    """A weight file is missing, damaged, unsafe or of another network; the message gives file and remedy."""


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """Tensors under the file's own names."""

    origin: str  # path and what it is, for the user to read
    tensors: dict[str, Tensor]
    own: bool  # written by mot-train


def read_weights(path: Path) -> WeightFile:
    """Read safetensors, a bare state dict, ``{"state_dict": ...}`` (FairMOT, mmcv) or a checkpoint of mot-train.

    Of mot-train's checkpoints the averaged weights are taken where the run kept them.

    Raises:
        WeightError: no tensors in it, or no safetensors despite the name.
        CheckpointError: missing or damaged, or it holds more than tensors and numbers.
    """
    if path.suffix == ".safetensors":
        return WeightFile(origin=str(path), tensors=_read_safetensors(path), own=False)
    content = read_pickle(path, NUMPY_NUMBERS)
    if isinstance(content, dict) and "format" in content:
        state = check_content(content, path)
        averaged = ", averaged weights" if state["ema"] else ""
        return WeightFile(
            origin=f"{path} ({state['recipe']['architecture']}, step {state['step']}{averaged})",
            tensors=state["ema"] or state["model"],
            own=True,
        )
    named = content.get("state_dict", content) if isinstance(content, dict) else {}
    # DataParallel, with which FairMOT trains, puts "module." before every name.
    tensors = {str(name).removeprefix("module."): value for name, value in named.items() if isinstance(value, Tensor)}
    if not tensors:
        raise WeightError(f"{path}: no tensors by name in it; expected a state dict or a checkpoint")
    return WeightFile(origin=str(path), tensors=tensors, own=False)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightError(f"{path}: cannot be read as safetensors: {error}") from error
    return tensors
