"""client.tracking.compiled: what is kept on disk, and what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

TRACKING = Path(__file__).resolve().parents[3] / "client" / "tracking"
OUTER = "from compiled import compiled\nfrom inner import inner\n\n@compiled\ndef outer(x):\n    return 2 * inner(x)\n"
INNER = "from compiled import compiled\n\n@compiled\ndef inner(x):\n    return x + {}\n"


def package(folder: Path, added: int) -> None:
    """A folder with our decorator, and a function that calls one in another file."""
    shutil.copy(TRACKING / "compiled.py", folder)
    (folder / "outer.py").write_text(OUTER)
    (folder / "inner.py").write_text(INNER.format(added))


def outer(folder: Path, **environment: str) -> str:
    """What a new process computes."""
    command = [sys.executable, "-c", "import outer; print(outer.outer(20))"]
    environment = {**os.environ, "PYTHONPATH": str(folder), **environment}
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment).stdout


def test_code_is_kept_beside_the_source_until_any_file_changes(tmp_path: Path) -> None:
    package(tmp_path, 1)
    assert outer(tmp_path) == "42\n"
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert len(kept) >= 2
    assert outer(tmp_path) == "42\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == kept
    (tmp_path / "inner.py").write_text(INNER.format(2))
    assert outer(tmp_path) == "44\n"


def test_whoever_waits_for_the_compiler_is_told_once(tmp_path: Path) -> None:
    package(tmp_path, 1)
    told = [said(tmp_path, patience) for patience in (1000, 1000)]
    for cached in tmp_path.rglob("*.nb?"):
        cached.unlink()
    told += [said(tmp_path, patience) for patience in (0, 0)]
    assert told == ["", "", "compiling the tracker for this machine, once: this takes some seconds\n", ""]


def said(folder: Path, patience: float) -> str:
    """What a new process logs, cached code or not."""
    code = f"import compiled; compiled.PATIENCE_S = {patience}; import outer; outer.outer(20)"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment).stderr


def test_works_where_nothing_can_be_kept(tmp_path: Path) -> None:
    package(tmp_path, 1)
    # The one place that Numba may then use is one for notebooks, which this is none of.
    assert outer(tmp_path, NUMBA_CACHE_LOCATOR_CLASSES="IPythonCacheLocator") == "42\n"
    assert not list(tmp_path.rglob("*.nb?"))


def test_no_step_is_compiled_again_for_other_settings() -> None:
    """Whole numbers among the settings would cost seconds of compilation, and do not."""
    code = (
        "from client.tracking import lifecycle, matching, costs, TRACKERS\n"
        "from tests.client.tracking.scenes import random_scene\n"
        "steps = matching.match, lifecycle.finish, costs.overlap_cost, costs.embedding_cost, costs.course_cost\n"
        "for settings in ({}, {'coast': 1, 'min_box_area': 1.5}, {'conf_thres': 1, 'duplicate_thres': 0.5}):\n"
        "    for config in TRACKERS.values():\n"
        "        tracker = config(**settings).tracker(30)\n"
        "        [tracker.update(frame) for frame in random_scene(0, 30, 10)]\n"
        "    print([len(step.signatures) for step in steps])\n"
    )
    root = TRACKING.parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    first, *others = done.stdout.splitlines()
    assert "0" not in first and others == [first, first]
