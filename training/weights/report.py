"""What a weight file gave a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

SHOWN = 3  # names of a kind that a one-line message lists


@dataclass(frozen=True, kw_only=True)
class Report:
    """Tensors by the network's names."""

    origin: str
    matched: Sequence[str]
    missing: Sequence[str] = ()  # the network has them, the file does not
    unexpected: Sequence[str] = ()  # the reverse
    misshapen: Sequence[str] = ()  # name and both shapes
    unused: Sequence[str] = ()  # in the file for another purpose: ImageNet's classifier

    @property
    def complete(self) -> bool:
        """Whether file and network hold the same tensors, but for unused ones."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        """One line: the counts, and the first names of what did not match."""
        wanted = len(self.matched) + len(self.missing) + len(self.misshapen)
        parts = [f"{len(self.matched)} of {wanted} tensors match"]
        for kind in ("missing", "unexpected", "misshapen", "unused"):
            names: Sequence[str] = getattr(self, kind)
            if names:
                more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                parts.append(f"{len(names)} {kind} ({', '.join(names[:SHOWN])}{more})")
        return f"{self.origin}: {'; '.join(parts)}"


def compare(origin: str, own: Mapping[str, Tensor], given: Mapping[str, Tensor], unused: tuple[str, ...]) -> Report:
    """Compare names and shapes; ``unused`` are beginnings of names that the file may hold beside."""
    common = [name for name in own if name in given]
    extra = [name for name in given if name not in own]
    return Report(
        origin=origin,
        matched=[name for name in common if own[name].shape == given[name].shape],
        missing=[name for name in own if name not in given],
        unexpected=[name for name in extra if not name.startswith(unused)],
        misshapen=[
            f"{name}: {tuple(given[name].shape)} in the file, {tuple(own[name].shape)} here"
            for name in common
            if own[name].shape != given[name].shape
        ],
        unused=[name for name in extra if name.startswith(unused)],
    )
