"""client.evaluation.benchmark: which files belong together, seqmaps, halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.evaluation.benchmark import find_pairs, read_seqmap, take_half
from client.evaluation.pair import EvaluationError, SequencePair
from mot.sequence import SeqInfo, SequenceError, write_seqinfo
from mot.splits import Convention
from tests.client.evaluation.scenes import save, synthetic


def lay_out(folder: Path, labels: list[str], results: list[str]) -> tuple[Path, Path]:
    """A benchmark's folder and one of results; what the files hold does not matter here."""
    for name in labels:
        (folder / "gt" / name / "gt").mkdir(parents=True)
        (folder / "gt" / name / "gt" / "gt.txt").touch()
    (folder / "out").mkdir()
    for name in results:
        (folder / "out" / f"{name}.txt").touch()
    return folder / "gt", folder / "out"


def test_find_pairs_walks_a_benchmark(tmp_path: Path) -> None:
    for seed, name in enumerate(("A", "B")):
        save(tmp_path, name, *synthetic(seed))
    write_seqinfo(tmp_path / "A" / "seqinfo.ini", SeqInfo(name="A", frame_rate=30, length=77, width=9, height=9))
    pairs = find_pairs(tmp_path, tmp_path / "out")
    assert [(pair.name, pair.length) for pair in pairs] == [("A", 77), ("B", None)]
    gt, result = tmp_path / "B" / "gt" / "gt.txt", tmp_path / "out" / "B.txt"
    assert find_pairs(gt, result) == find_pairs(tmp_path / "B", tmp_path / "out") == [pairs[1]]


def test_find_pairs_takes_other_label_files(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(1))
    half = pair.ground_truth.rename(pair.ground_truth.with_name("gt_val_half.txt"))
    assert find_pairs(tmp_path, tmp_path / "out", ground_truth_name=half.name)[0].ground_truth == half
    with pytest.raises(EvaluationError, match=r"holds no SEQUENCE/gt/gt\.txt"):
        find_pairs(tmp_path, tmp_path / "out")


def test_find_pairs_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nowhere: no such file or folder"):
        find_pairs(tmp_path / "nowhere", tmp_path)
    for seed, name in enumerate(("A", "B")):
        pair = save(tmp_path, name, *synthetic(seed))
    with pytest.raises(EvaluationError, match="is no folder, but"):
        find_pairs(tmp_path, pair.result)
    pair.result.unlink()
    with pytest.raises(EvaluationError, match=r"B\.txt: no such file; expected the result for .*B/gt/gt\.txt"):
        find_pairs(tmp_path / "B", tmp_path / "out")


def test_a_benchmark_may_hold_its_sequences_in_train(tmp_path: Path) -> None:
    gt, out = lay_out(tmp_path, ["A", "B"], ["A", "B"])
    gt.rename(tmp_path / "train")
    assert [pair.name for pair in find_pairs(tmp_path, out)] == ["A", "B"]


DETECTORS = ["MOT17-02-DPM", "MOT17-02-FRCNN", "MOT17-02-SDP"]


@pytest.mark.parametrize(
    ("labels", "results"),
    [
        (DETECTORS, ["MOT17-02-FRCNN"]),
        (DETECTORS, ["MOT17-02"]),
        (["MOT17-02-FRCNN"], ["MOT17-02-SDP"]),
        (DETECTORS, DETECTORS),
    ],
    ids=["one of three", "no detector's", "another's", "all three"],
)
def test_each_result_of_a_video_is_counted_once(tmp_path: Path, labels: list[str], results: list[str]) -> None:
    pairs = find_pairs(*lay_out(tmp_path, [*labels, "MOT17-04-SDP"], [*results, "MOT17-04-SDP"]))
    assert [pair.name for pair in pairs] == [*results, "MOT17-04-SDP"]
    for pair in pairs:
        assert pair.result.stem == pair.name
        named = pair.ground_truth.parents[1].name
        assert named == pair.name if pair.name in labels else named.startswith(pair.name[:8])


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    gt, out = lay_out(tmp_path, ["A", "B", "C"], ["B", "D", "E"])
    with pytest.raises(EvaluationError, match=r"out: no result for A, C; complete the folder, or .* --seqmap"):
        find_pairs(gt, out)
    for name in "AC":
        (out / f"{name}.txt").touch()
    with pytest.raises(EvaluationError, match="gt: no ground truth for D, E; complete"):
        find_pairs(gt, out)


def test_a_seqmap_names_what_is_scored(tmp_path: Path) -> None:
    gt, out = lay_out(tmp_path, ["A", "B", "C"], ["C", "B", "D"])
    seqmap = tmp_path / "seqmap.txt"
    seqmap.write_text("name\nC\nB\n\n")
    assert [pair.name for pair in find_pairs(gt, out, seqmap=seqmap)] == ["C", "B"]
    seqmap.write_text("name\nA\nB\n")
    with pytest.raises(EvaluationError, match="out: no result for A;"):
        find_pairs(gt, out, seqmap=seqmap)
    seqmap.write_text("name\nB\nD\n")
    with pytest.raises(EvaluationError, match="gt: no ground truth for D;"):
        find_pairs(gt, out, seqmap=seqmap)


def test_seqmap_as_written_on_windows(tmp_path: Path) -> None:
    (tmp_path / "seqmap").write_bytes(b"\xef\xbb\xbfname\r\nMOT17-02-SDP\r\nMOT17-04-SDP,extra\r\n")
    assert read_seqmap(tmp_path / "seqmap") == ["MOT17-02-SDP", "MOT17-04-SDP"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the first line is ''; a seqmap begins with the header 'name'"),
        (b"MOT17-02\nMOT17-04\n", "the first line is 'MOT17-02'"),
        (b"name\n\n", "names no sequence"),
        (b"name\nA\nB\nA\n", "names A twice"),
        (b"\xff\xd8", "not a text file"),
        (None, "cannot be read: No such file"),
    ],
)
def test_seqmap_that_is_none(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "seqmap.txt").write_bytes(content)
    with pytest.raises((EvaluationError, SequenceError), match=f"seqmap.txt: {complaint}"):
        read_seqmap(tmp_path / "seqmap.txt")


def pair_of(folder: Path, name: str = "A", labels: str = "gt.txt", length: int | None = None) -> SequencePair:
    return SequencePair(
        name=name, ground_truth=folder / name / "gt" / labels, result=folder / f"{name}.txt", length=length
    )


@pytest.mark.parametrize(
    ("split", "convention", "frames"),
    [
        ("train-half", "bytetrack", (1, 263)),
        ("val-half", "bytetrack", (264, 525)),
        ("train-half", "fairmot", (1, 262)),
        ("val-half", "fairmot", (263, 525)),
    ],
)
def test_halves_of_both_conventions(
    tmp_path: Path, split: str, convention: Convention, frames: tuple[int, int]
) -> None:
    taken = take_half(pair_of(tmp_path, length=525), split, convention, "original")
    assert (taken.first, taken.last, taken.length) == (*frames, 525)
    assert (taken.ground_truth_numbering, taken.result_numbering) == ("auto", "original")


def test_the_length_of_a_halved_sequence(tmp_path: Path) -> None:
    assert take_half(pair_of(tmp_path, "MOT17-09-SDP"), "val-half").last == 525  # published
    images = tmp_path / "MOT17-09-SDP" / "img1"
    images.mkdir(parents=True)
    for number in range(1, 11):
        (images / f"{number:06}.jpg").touch()
    (images / "Thumbs.db").touch()
    assert take_half(pair_of(tmp_path, "MOT17-09-SDP"), "val-half").last == 10
    assert take_half(pair_of(tmp_path, "MOT17-09-SDP", length=20), "val-half").last == 20
    with pytest.raises(EvaluationError, match=r"mine/gt/gt\.txt: cannot be halved, .* how many frames mine has"):
        take_half(pair_of(tmp_path, "mine"), "val-half")


def test_labels_of_the_other_half_are_refused(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, labels="gt_val_half.txt", length=10)
    assert take_half(pair, "val-half").first == 7
    with pytest.raises(EvaluationError, match=r"gt_val_half\.txt: holds labels of val-half"):
        take_half(pair, "train-half")


def test_hidden_files_are_nobody_s(tmp_path: Path) -> None:
    """qView issue 651 and many others: macOS leaves ._A beside A; and a run under way has a hidden file, too."""
    gt, out = lay_out(tmp_path, ["A", "B", "._A"], ["A", "B", "._B", ".A.123.partial"])
    assert [pair.name for pair in find_pairs(gt, out)] == ["A", "B"]


def test_what_lies_beside_results_is_none(tmp_path: Path) -> None:
    gt, out = lay_out(tmp_path, ["A", "B"], ["A", "B", "A.partial", "pedestrian_summary"])
    assert [pair.name for pair in find_pairs(gt, out)] == ["A", "B"]


def test_results_may_lie_as_trackeval_has_them(tmp_path: Path) -> None:
    """mikel-brostrom/boxmot issue 1100, xingyizhou/GTR issue 48: TRACKER/data/SEQUENCE.txt, or without data/."""
    gt, out = lay_out(tmp_path, ["A", "B"], ["A", "B"])
    (tmp_path / "tracker").mkdir()
    moved = out.rename(tmp_path / "tracker" / "data")
    (tmp_path / "tracker" / "pedestrian_summary.txt").touch()
    assert [pair.result for pair in find_pairs(gt, tmp_path / "tracker")] == [moved / "A.txt", moved / "B.txt"]
    assert find_pairs(gt / "A", tmp_path / "tracker")[0].result == moved / "A.txt"
