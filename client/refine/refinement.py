"""What is done to a result, in which order, and from file to file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.refine.gaps import fill_gaps
from client.refine.linking import link
from client.refine.looks import Looks, looks_path, read_looks
from client.refine.short import drop_short
from client.refine.smoothing import smooth
from mot.errors import MotError
from mot.sequence import MotRows, read_results, write_results


@dataclass(frozen=True, kw_only=True)
class RefineConfig:
    """Steps in the order in which they are taken; 0 leaves one out. Frames are the video's."""

    link_gap: int = 0  # frames between tracks to be joined, at most
    link_distance: float = 0.2  # cosine distance of their looks, less than this
    min_length: int = 0  # rows
    max_gap: int = 20  # frames to fill
    sigma: float = 3.0  # of smoothing, frames


def refine(rows: MotRows, config: RefineConfig, looks: Looks | None = None) -> MotRows:
    """Link, then drop what is still short, then fill gaps, then smooth; rows by frame and id.

    Args:
        looks: for linking, else not needed.
    """
    if config.link_gap and looks is not None:
        rows = link(rows, looks, max_gap=config.link_gap, max_distance=config.link_distance)
    rows = drop_short(rows, config.min_length)
    rows = fill_gaps(rows, config.max_gap)
    return smooth(rows, config.sigma) if config.sigma else rows


def refine_file(source: Path, target: Path, config: RefineConfig) -> tuple[MotRows, MotRows]:
    """Refine one result; returns its rows before and after. The target appears whole or not at all.

    Raises:
        MotError: the source is no result, the embeddings are missing, or the target is the source.
    """
    if target.exists() and target.samefile(source):
        raise MotError(f"{target}: the refined result would replace its own input; choose another folder with --out")
    before = read_results(source)
    after = refine(before, config, read_looks(looks_path(source)) if config.link_gap else None)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_results(target, after)
    return before, after
