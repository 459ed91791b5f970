"""Figures of a report as SVG: sharp in print, in the page's own letters, and coloured by its style sheet."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape

import cv2
import numpy as np
import numpy.typing as npt

from client.analysis.counting import Clock
from client.analysis.places import Places
from client.analysis.trajectories import Trajectory
from client.outputs.render import color_of

Image = npt.NDArray[np.uint8]

_WIDTH, _HEIGHT = 960, 220  # of a chart, in the units of its view box
_LEFT, _BOTTOM, _TOP = 44, 26, 10  # its margins
_MOST_POINTS = 1200  # of a curve: more than one a pixel shows nothing new
_WIDEST = 1600  # pixels of a picture in a report
_QUALITY = 85  # of its JPEG


def curve(values: npt.NDArray[np.int64], clock: Clock, label: str) -> str:
    """Numbers by frame, (length,), as a filled curve over time; of long videos the greatest in each piece."""
    pieces = max(1, math.ceil(len(values) / _MOST_POINTS))
    begins = np.arange(0, len(values), pieces)
    shown = np.maximum.reduceat(values, begins) if len(values) else values
    top = max(1, int(shown.max(initial=0)))
    seconds = max(clock.length / clock.frame_rate, 1e-9)
    x = _LEFT + (_WIDTH - _LEFT - 10) * (begins / clock.frame_rate) / seconds
    y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - shown / top)
    floor = _HEIGHT - _BOTTOM
    steps = "".join(f"H{left:.1f}V{level:.1f}" for left, level in zip(x.tolist(), y.tolist(), strict=True))
    path = f"M{_LEFT} {floor}{steps}H{_WIDTH - 10}V{floor}Z" if len(shown) else ""
    grid = "".join(_level(value, _TOP + (floor - _TOP) * (1 - value / top)) for value in _ticks(top, 5))
    marks = "".join(
        f'<text class="tick" x="{_LEFT + (_WIDTH - _LEFT - 10) * at / seconds:.1f}" y="{_HEIGHT - 8}" '
        f'text-anchor="middle">{clock_text(at)}</text>'
        for at in _time_ticks(seconds)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{grid}'
        f'<path class="area" d="{path}"/>{marks}</svg>'
    )


def picture(image: Image, label: str, over: Iterable[str] = ()) -> str:
    """An image, (H, W, 3) RGB, with SVG elements in its pixels over it."""
    height, width = image.shape[:2]
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
        f'<image width="{width}" height="{height}" href="{_data_url(image)}"/>{"".join(over)}</svg>'
    )


def ways(trajectories: Iterable[Trajectory], unit: float) -> Iterable[str]:
    """A line a person in the colour that the video has for the id; ``unit`` is its width, pixels."""
    for each in trajectories:
        colour = "rgb({},{},{})".format(*color_of(each.id))
        x, y = each.points[-1]
        yield (
            f'<polyline points="{_points(each.points)}" fill="none" stroke="{colour}" stroke-width="{unit:.1f}" '
            f'stroke-linejoin="round"><title>{each.id}</title></polyline>'
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{1.8 * unit:.1f}" fill="{colour}"/>'
        )


def drawn_places(places: Places, unit: float) -> Iterable[str]:
    """Lines, each with an arrow to the side that is *in*, and zones, with their names."""
    for zone in places.zones:
        yield f'<polygon class="zone" points="{_points(zone.array)}" stroke-width="{unit:.1f}"/>'
        yield _name(zone.name, zone.array.mean(axis=0), unit)
    for line in places.lines:
        points = line.array
        yield f'<polyline class="line" points="{_points(points)}" stroke-width="{1.5 * unit:.1f}"/>'
        start, end = points[(len(points) - 1) // 2], points[(len(points) - 1) // 2 + 1]
        along = (end - start) / np.hypot(*(end - start))
        inwards = np.array([-along[1], along[0]])  # the right hand, as y points down
        middle = (start + end) / 2
        head = [middle - 4 * unit * along, middle + 4 * unit * along, middle + 8 * unit * inwards]
        yield f'<polygon class="arrow" points="{_points(np.array(head))}"/>'
        yield _name(line.name, points[0], unit)


def clock_text(seconds: float) -> str:
    """0:07, 12:30, 1:02:03; a video's players write it so."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _data_url(image: Image) -> str:
    scale = min(1.0, _WIDEST / image.shape[1])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    good, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert good, image.shape
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _points(points: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in points.tolist())


def _name(name: str, at: npt.NDArray[np.float64], unit: float) -> str:
    x, y = at.tolist()
    size = 9 * unit
    return f'<text class="name" x="{x + unit:.0f}" y="{y - unit:.0f}" font-size="{size:.0f}">{escape(name)}</text>'


def _level(value: int, y: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    )


def _ticks(top: int, most: int) -> Sequence[int]:
    """Whole numbers from 0 to ``top``, at most ``most`` + 1 of them, in steps of 1, 2 or 5 times a power of ten."""
    step = next(s * 10**power for power in range(19) for s in (1, 2, 5) if top / (s * 10**power) <= most)
    return range(0, top + 1, step)


def _time_ticks(seconds: float) -> Sequence[float]:
    steps = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((step for step in steps if seconds / step <= 10), math.ceil(seconds / 864000) * 86400)
    return [float(at) for at in range(0, int(seconds) + 1, step)]
