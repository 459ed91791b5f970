"""The zip that MOTChallenge's server takes, and the checks before it.

The rules are those of motchallenge.net/instructions: one text file for each sequence of the test set, in the
archive's root, named exactly as the sequence; each line has ten values; frames, ids and boxes count from 1.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from client.challenge.task import ChallengeError
from client.jobs.record import Record, record_path
from mot.files import whole_file
from mot.sequence import MotRows, SequenceError, read_results
from mot.splits import VIDEOS, Benchmark, benchmark_of, sequences

_COLUMNS = 10
_LARGEST_ID = 2**31 - 1
_DATE = (1980, 1, 1, 0, 0, 0)  # the same results are the same bytes


@dataclass(frozen=True, kw_only=True)
class Submission:
    """The results of a folder, checked."""

    folder: Path
    benchmark: Benchmark
    rows: dict[str, int]  # sequence -> rows of its file, where it can be read
    faults: tuple[str, ...]  # each names its file; none: the server takes it
    pending: tuple[str, ...] = ()  # sequences without a result, and videos whose run did not finish; faults, too

    @property
    def files(self) -> list[Path]:
        return [self.folder / f"{name}.txt" for name in self.rows]


def check_submission(folder: Path, benchmark: Benchmark | None = None) -> Submission:
    """Look at every result of a test set.

    Args:
        folder: holds ``SEQUENCE.txt`` for each.
        benchmark: by default, the one that the file names are of.

    Raises:
        ChallengeError: there is no such folder, or its files are of no benchmark.
    """
    if not folder.is_dir():
        raise ChallengeError(f"{folder}: no such folder; give the one with the results")
    names = sorted(path.stem for path in folder.glob("*.txt") if not path.stem.endswith(".partial"))
    benchmark = benchmark or _benchmark(folder, names)
    wanted = sequences(benchmark, "test")  # with their frames
    rows: dict[str, int] = {}
    faults: list[str] = []
    missing = [name for name in wanted if name not in names]
    if missing:
        faults.append(f"{folder}: {len(missing)} of {len(wanted)} sequences are missing: {', '.join(missing)}")
    for name in names:
        path = folder / f"{name}.txt"
        if name not in wanted:
            faults.append(f"{path}: {name} is no sequence of {benchmark}'s test set; put it elsewhere")
            continue
        try:
            result = read_results(path)
        except SequenceError as error:
            faults.append(str(error))
            continue
        rows[name] = len(result)
        faults += [f"{path}: {fault}" for fault in _faults(path, result, wanted[name])]
    lengths = {**wanted, **VIDEOS[benchmark]["test"]}
    for name, length in lengths.items():
        faults += _record_faults(folder, name, length)
    under_way = [name for name in lengths if record_path(folder, name, done=False).exists()]
    pending = tuple(dict.fromkeys((*missing, *under_way)))
    return Submission(folder=folder, benchmark=benchmark, rows=rows, faults=tuple(faults), pending=pending)


def write_zip(submission: Submission, path: Path) -> None:
    """Write the archive, whole or not at all; the same results give the same bytes.

    Raises:
        ChallengeError: the submission has faults, or the file cannot be written.
    """
    if submission.faults:
        raise ChallengeError("\n".join([*submission.faults, f"{path} was not written: the server would refuse it"]))
    try:
        with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in submission.files:
                entry = zipfile.ZipInfo(file.name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    except OSError as error:
        raise ChallengeError(f"{path}: cannot be written: {error.strerror}; choose another file") from error


def _benchmark(folder: Path, names: Iterable[str]) -> Benchmark:
    known = Counter(benchmark for name in names if (benchmark := benchmark_of([name])))
    if not known:
        raise ChallengeError(f"{folder}: holds no result of a benchmark's sequence; choose with --benchmark")
    return known.most_common(1)[0][0]


def _faults(path: Path, rows: MotRows, length: int) -> list[str]:
    """What the reader lets pass, but not the server."""
    faults = []
    if not len(rows):
        return ["holds no row; nobody was found in the whole sequence"]
    with path.open(encoding="utf-8-sig") as file:
        columns = next(line for line in file if line.strip()).count(",") + 1
    if columns != _COLUMNS:
        faults.append(f"has {columns} columns, the server wants {_COLUMNS}; end each line with -1,-1,-1")
    if (last := int(rows.frames.max())) > length:
        faults.append(f"has frame {last}, but the sequence has {length} frames")
    if (rows.ids < 1).any():
        faults.append(f"has id {rows.ids.min()} in frame {rows.frames[rows.ids.argmin()]}; ids count from 1")
    if (largest := int(rows.ids.max())) > _LARGEST_ID:
        faults.append(f"has id {largest}; TrackEval's tables have a place for each id below it, so number from 1")
    return faults


def _record_faults(folder: Path, name: str, length: int) -> list[str]:
    """What the record of `mot challenge track`, if there is one, tells of a result."""
    if Record.read(folder, name, done=False):
        return [f"{record_path(folder, name, done=False)}: the run did not finish; run `mot challenge track` again"]
    record = Record.read(folder, name)
    if record is None:
        return []
    path = record_path(folder, name)
    match record.settings:
        case {"frames": [1, last], "length": whole} if last == whole == length:
            return []
        case {"frames": [first, last], "length": whole}:
            return [f"{path}: frames {first} to {last} of {whole} were tracked, the server has {length}"]
    return [f"{path}: does not say which frames were tracked; run `mot challenge track` again"]
