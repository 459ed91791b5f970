"""client.evaluation.report: the files that --plots writes."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import pytest

from client.evaluation.comparison import compare
from client.evaluation.measures import MEASURES
from client.evaluation.report import write_report
from client.evaluation.scoring import score_pairs
from mot.errors import MotError
from tests.client.evaluation.scenes import people, save, synthetic
from tests.media import names

FIGURES = ("alpha", "sequences", "timeline")


def test_a_report_needs_no_other_file(tmp_path: Path) -> None:
    evaluation = score_pairs([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate("AB")])
    page = write_report(tmp_path / "new" / "plots", {"out": evaluation})
    assert page == tmp_path / "new/plots/report.html"
    assert names(page.parent) == {"report.html", *(f"{name}.png" for name in FIGURES)}
    text = page.read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(sources) == 3
    for name, source in zip(FIGURES, sources, strict=True):
        picture = (page.parent / f"{name}.png").read_bytes()
        assert source == "data:image/png;base64," + base64.b64encode(picture).decode()
        assert cv2.imread(str(page.parent / f"{name}.png")) is not None
    for measure in MEASURES:
        assert f"<th>{measure.name}</th>" in text
    assert f'<td class="">{evaluation.combined["HOTA"]:.1f}</td>' in text
    assert "Broke" not in text


def test_a_comparison_has_its_stretches_and_colours(tmp_path: Path) -> None:
    truth = people({1: list(range(1, 11))})
    a, b = (score_pairs([save(tmp_path / n, "S", truth, people({1: f}))]) for n, f in (("a", [1, 2, 3]), ("b", [3, 4])))
    text = write_report(tmp_path / "plots", {"a": a, "b": b}, compare(a, b, 5)).read_text(encoding="utf-8")
    assert "<h1>a against b</h1>" in text and "<h2>a − b</h2>" in text
    assert '<td class="better">+10.0</td>' in text and '<td class="better">−1</td>' in text  # MOTA, FN
    assert text.index("Broke") < text.index(">4–4<") < text.index("Mended") < text.index(">1–2<")


def test_names_are_text_and_not_markup(tmp_path: Path) -> None:
    truth = people({1: [1, 2]})
    evaluation = score_pairs([save(tmp_path, "<b>A&", truth, truth[:0])])
    text = write_report(tmp_path / "plots", {"<script>": evaluation}).read_text(encoding="utf-8")
    assert "<script>" not in text and "<b>A&" not in text
    assert "&lt;script&gt;" in text and "&lt;b&gt;A&amp;" in text
    assert "<p>warning: &lt;b&gt;A&amp;: " in text  # it has no rows


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    truth = people({1: [1]})
    evaluation = score_pairs([save(tmp_path, "A", truth, truth)])
    (tmp_path / "plots").write_text("a file")
    with pytest.raises(MotError, match=r"plots: plots cannot be written: .*; choose another folder"):
        write_report(tmp_path / "plots", {"out": evaluation})
