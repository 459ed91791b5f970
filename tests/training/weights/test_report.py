from __future__ import annotations

import torch

from training.weights.report import compare

OWN = {"a": torch.zeros(2), "b": torch.zeros(3, 1), "c": torch.zeros(())}


def test_all_match_and_the_rest_is_unused() -> None:
    report = compare("file", OWN, {**OWN, "head.weight": torch.zeros(1)}, ("head.",))
    assert report.complete
    assert report.matched == ["a", "b", "c"]
    assert str(report) == "file: 3 of 3 tensors match; 1 unused (head.weight)"


def test_every_kind_of_mismatch() -> None:
    given = {"a": torch.zeros(2), "b": torch.zeros(1, 3), "d": torch.zeros(1)}
    report = compare("file", OWN, given, ("head.",))
    assert not report.complete
    assert (report.matched, report.missing, report.unexpected) == (["a"], ["c"], ["d"])
    assert report.misshapen == ["b: (1, 3) in the file, (3, 1) here"]
    assert str(report) == (
        "file: 1 of 3 tensors match; 1 missing (c); 1 unexpected (d); 1 misshapen (b: (1, 3) in the file, (3, 1) here)"
    )


def test_nothing_on_either_side() -> None:
    assert not compare("file", OWN, {}, ()).complete
    assert not compare("file", {}, OWN, ()).complete
    assert compare("file", {}, {}, ()).complete


def test_one_line_lists_three_names_of_a_kind() -> None:
    report = compare("file", {str(i): torch.zeros(1) for i in range(5)}, {}, ())
    assert str(report) == "file: 0 of 5 tensors match; 5 missing (0, 1, 2, and 2 more)"
