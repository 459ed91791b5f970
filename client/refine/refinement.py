"""What is done to a result, in which order, and from file to file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.outputs.embeddings import embeddings_path, read_embeddings
from client.refine.gaps import fill_gaps
from client.refine.lines import read_lines, refined_lines
from client.refine.linking import link
from client.refine.short import drop_short
from client.refine.smoothing import smooth
from mot.errors import MotError
from mot.files import whole_file
from mot.sequence import MotRows, read_results


@dataclass(frozen=True, kw_only=True)
class RefineConfig:
    """Steps in the order in which they are taken; 0 leaves one out. Frames are the video's."""

    link_gap: int = 0  # frames between tracks to be joined, at most
    link_distance: float = 0.05  # cosine distance of their embeddings, less than this
    min_length: int = 0  # rows
    max_gap: int = 20  # frames to fill
    sigma: float = 3.0  # of smoothing, frames


def refine(rows: MotRows, config: RefineConfig) -> MotRows:
    """All steps but linking: drop short tracks, then fill gaps, then smooth; rows by frame and id."""
    rows = drop_short(rows, config.min_length)
    rows = fill_gaps(rows, config.max_gap)
    return smooth(rows, config.sigma) if config.sigma else rows


def refine_file(source: Path, target: Path, config: RefineConfig) -> tuple[MotRows, MotRows]:
    """Link, then refine one result; returns its rows before and after.

    The target appears whole or not at all. Rows that have not changed keep their bytes.

    Raises:
        MotError: the source is no result, the embeddings are missing, the target is the source or cannot be written.
    """
    if target.exists() and target.samefile(source):
        raise MotError(f"{target}: the refined result would replace its own input; choose another with --output")
    before = read_results(source)
    linked = before
    if config.link_gap:
        embeddings = read_embeddings(embeddings_path(source))
        linked = link(before, embeddings, max_gap=config.link_gap, max_distance=config.link_distance)
    after = refine(linked, config)
    lines = refined_lines(read_lines(source), linked, after)
    try:
        with whole_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        raise MotError(f"{target}: cannot be written: {error.strerror}; choose another with --output") from error
    return before, after
