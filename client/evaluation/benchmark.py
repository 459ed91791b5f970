"""Which files of a benchmark's folder and of a folder of results belong together, and which frames are scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from client.evaluation.pair import EvaluationError, Numbering, SequencePair
from client.video.images import EXTENSIONS, SEQINFO
from mot.files import lines_of
from mot.seqinfo import read_length
from mot.splits import VIDEOS, Convention, half, video_of
from mot.table import read_text

# What lies among results and is none: TrackEval's own tables, and what this program keeps of a run that was stopped.
_NO_RESULTS = ("*_summary.txt", "*.partial.txt")
_HALF_FILES = {"gt_train_half.txt": "train-half", "gt_val_half.txt": "val-half"}  # as ByteTrack's converter names them


def find_pairs(
    ground_truth: Path, result: Path, *, ground_truth_name: str = "gt.txt", seqmap: Path | None = None
) -> list[SequencePair]:
    """Two files; or a benchmark's folder ``SEQUENCE/gt/gt.txt`` and a folder with ``SEQUENCE.txt`` for each.

    A benchmark's folder may be one sequence, or hold them in ``train/``. Each result is scored against the labels of
    its own name or, in MOT17, of its video under another detector's name, because those labels are the same: results
    of one detector are counted once against the folders of three. Every video needs a result, and every result
    labels; ``seqmap`` names what is scored and leaves out the rest. Lengths come from ``seqinfo.ini`` where there is
    one. Results may lie as TrackEval has them, in ``data/`` of the folder; hidden files count nowhere.

    Raises:
        EvaluationError: a file is missing, or a folder holds no sequence; the message names all that is missing.
        SequenceError: a seqinfo.ini is malformed.
    """
    if not _results(result) and (result / "data").is_dir():
        result /= "data"
    if ground_truth.is_file():
        return [_only_pair(ground_truth, result)]
    if not ground_truth.is_dir():
        raise EvaluationError(f"{ground_truth}: no such file or folder; give a gt.txt or a folder of sequences")
    inside = Path("gt") / ground_truth_name
    if (ground_truth / inside).is_file():
        return [_only_pair(ground_truth / inside, result)]
    found = _seen(ground_truth, f"*/{inside}") or _seen(ground_truth, f"train/*/{inside}")
    if not found:
        raise EvaluationError(f"{ground_truth}: holds no SEQUENCE/{inside}")
    if len(found) == 1 and seqmap is None:
        return [_only_pair(found[0], result)]
    if not result.is_dir():
        raise EvaluationError(f"{result}: is no folder, but {ground_truth} holds {len(found)} sequences")
    labels = {_sequence_name(file): file for file in found}
    of_video = {video_of(name): file for name, file in reversed(labels.items())}
    if seqmap is not None:
        names = read_seqmap(seqmap)
        _refuse_missing(result, [name for name in names if not (result / f"{name}.txt").is_file()], "result")
    else:
        names = _results(result)
        done = {video_of(name) for name in names}
        _refuse_missing(result, [name for name in labels if video_of(name) not in done], "result")
    _refuse_missing(ground_truth, [name for name in names if video_of(name) not in of_video], "ground truth")
    return [_pair(name, labels.get(name, of_video[video_of(name)]), result / f"{name}.txt") for name in names]


def read_seqmap(path: Path) -> list[str]:
    """The sequences that TrackEval's list of them names: the header ``name``, then one a line.

    Raises:
        SequenceError: the file cannot be read.
        EvaluationError: it has another header (TrackEval drops whatever the first line is), names no sequence, or
            names one twice.
    """
    header, *names = [line.split(",")[0].strip() for line in lines_of(read_text(path))]
    if header != "name":
        raise EvaluationError(f"{path}: the first line is {header!r}; a seqmap begins with the header 'name'")
    names = [name for name in names if name]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or repeated:
        raise EvaluationError(
            f"{path}: names {', '.join(repeated)} twice" if repeated else f"{path}: names no sequence"
        )
    return names


def take_half(
    pair: SequencePair, split: str, convention: Convention = "bytetrack", numbering: Numbering = "auto"
) -> SequencePair:
    """The pair with the frames of one half, in its whole sequence's numbers; its labels may count from 1 there, too.

    The sequence's length is the pair's own, the number of its images, or what MOTChallenge publishes for its name.

    Args:
        split: ``train-half`` or ``val-half``.
        numbering: of the result.

    Raises:
        EvaluationError: nothing says how long the sequence is, or the labels are those of the other half.
        SplitError: there is no such half.
    """
    of_labels = _HALF_FILES.get(pair.ground_truth.name, split)
    if of_labels != split:
        raise EvaluationError(
            f"{pair.ground_truth}: holds labels of {of_labels}, not of {split}; choose the other half"
        )
    length = pair.length or _count_images(pair.ground_truth.absolute().parents[1] / "img1") or _published(pair.name)
    if length is None:
        raise EvaluationError(
            f"{pair.ground_truth}: cannot be halved, no seqinfo.ini and no img1 beside it says how many frames "
            f"{pair.name} has; give --length"
        )
    first, last = half(split, length, convention)
    return replace(
        pair, length=length, first=first, last=last, ground_truth_numbering="auto", result_numbering=numbering
    )


def _only_pair(ground_truth: Path, result: Path) -> SequencePair:
    """``result`` may be a folder with other results, too."""
    name = _sequence_name(ground_truth)
    if result.is_dir():
        result /= f"{name}.txt"
    if not result.is_file():
        raise EvaluationError(f"{result}: no such file; expected the result for {ground_truth}")
    return _pair(name, ground_truth, result)


def _pair(name: str, ground_truth: Path, result: Path) -> SequencePair:
    info = ground_truth.absolute().parents[1] / SEQINFO
    has_length = ground_truth.absolute().parent.name == "gt" and info.is_file()
    length = read_length(info) if has_length else None
    return SequencePair(name=name, ground_truth=ground_truth, result=result, length=length)


def _seen(folder: Path, pattern: str) -> list[Path]:
    """The files that match, without hidden ones: macOS puts a ``._A`` beside every ``A`` on foreign disks."""
    found = folder.glob(pattern)
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _results(folder: Path) -> list[str]:
    """The names of the sequences that a folder has results of."""
    return [file.stem for file in _seen(folder, "*.txt") if not any(map(file.match, _NO_RESULTS))]


def _sequence_name(ground_truth: Path) -> str:
    """That of its folder, if the file lies in ``SEQUENCE/gt``."""
    file = ground_truth.absolute()
    return file.parents[1].name if file.parent.name == "gt" else file.stem


def _refuse_missing(folder: Path, names: Iterable[str], what: str) -> None:
    if names := list(names):
        raise EvaluationError(
            f"{folder}: no {what} for {', '.join(names)}; complete the folder, or name the sequences to score in a "
            "file for --seqmap"
        )


def _count_images(folder: Path) -> int | None:
    count = sum(path.suffix.lower() in EXTENSIONS for path in folder.iterdir()) if folder.is_dir() else 0
    return count or None


def _published(name: str) -> int | None:
    for parts in VIDEOS.values():
        for videos in parts.values():
            if video_of(name) in videos:
                return videos[video_of(name)]
    return None
