"""A finished job's results as the page and its downloads need them: rows, places, counts, files made on demand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # loaded when somebody counts: half of the page's memory
    from client.analysis.counting import Counts
    from client.analysis.footsteps import Footsteps
    from client.analysis.places import Places
    from client.analysis.texts import Language
    from mot.sequence import MotRows

PLACES = "lines.json"
SUMMARY, ROWS, SCENE = "summary.json", "rows.npz", "scene.jpg"
_HELD = 2  # results in memory: 30 MB each for ten minutes of a crowd


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an attempt has left in its folder."""

    folder: Path  # of the attempt
    places_path: Path  # beside all attempts
    title: str
    summary: Mapping[str, Any]

    @classmethod
    def of(cls, job_folder: Path, published: int, title: str) -> Result:
        """A job's results.

        Raises:
            OSError: they are not there.
        """
        folder = job_folder / str(published)
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return cls(folder=folder, places_path=job_folder / PLACES, title=title, summary=summary)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, pixels."""
        return self.summary["width"], self.summary["height"]

    def places(self) -> Places:
        """The lines and zones that its owner has drawn."""
        from client.analysis.places import Places, read_places

        width, height = self.size
        if not self.places_path.exists():
            return Places(width=width, height=height)
        return read_places(self.places_path)

    def counts(self, places: Places | None = None) -> Counts:
        """Of ``places``, by default those that are kept. Nothing is tracked again.

        Raises:
            PlacesError: they are not of this picture.
        """
        from client.analysis.counting import count

        rows, steps = _loaded(self.folder)
        summary = self.summary
        return count(
            rows,
            (places or self.places()).scaled(*self.size),
            frame_rate=summary["frame_rate"],
            length=summary["start"] - 1 + summary["frames"],
            steps=steps,
        )

    def tracks_csv(self) -> str:
        from client.analysis.export import tracks_csv
        from client.analysis.track_table import track_table

        rows, _ = _loaded(self.folder)
        return tracks_csv({self.title: track_table(rows, self.summary["frame_rate"])})

    def counts_csv(self) -> str:
        from client.analysis.export import counts_csv

        return counts_csv({self.title: self.counts()})

    def events_csv(self) -> str:
        from client.analysis.export import events_csv

        return events_csv({self.title: self.counts()})

    def document(self) -> str:
        """Counts and tracks as JSON."""
        from client.analysis.export import counts_json
        from client.analysis.track_table import track_table

        rows, _ = _loaded(self.folder)
        return counts_json({self.title: self.counts()}, {self.title: track_table(rows, self.summary["frame_rate"])})

    def report(self, settings: Mapping[str, str], language: Language) -> str:
        """One HTML file that prints well."""
        import cv2
        import numpy as np

        from client.analysis.counting import CountConfig
        from client.analysis.report import ReportInput, report_html

        rows, _ = _loaded(self.folder)
        scene = cv2.imread(str(self.folder / SCENE))
        places = self.places().scaled(*self.size)
        return report_html(
            ReportInput(
                name=self.title,
                rows=rows,
                places=places,
                counts=self.counts(places),
                config=CountConfig(),
                frame=None if scene is None else np.asarray(cv2.cvtColor(scene, cv2.COLOR_BGR2RGB), np.uint8),
                settings=settings,
            ),
            language,
        )


@lru_cache(maxsize=_HELD)
def _loaded(folder: Path) -> tuple[MotRows, Footsteps]:
    """Rows and footsteps; an attempt's folder never changes."""
    from client.analysis.counting import CountConfig
    from client.analysis.footsteps import footsteps
    from client.ui.rows import read_rows

    rows = read_rows(folder / ROWS)
    return rows, footsteps(rows, CountConfig().max_gap)
