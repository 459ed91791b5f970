"""``lines.json``: the lines and zones at which people are counted, as somebody has drawn them on a frame."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from client.validation import faults_of
from mot.errors import MotError
from mot.files import read_bytes, whole_file

_EXAMPLE = '{"width": 1920, "height": 1080, "lines": [{"name": "door", "points": [[100, 500], [700, 500]]}]}'
_WORDS = {"json_invalid": f"{{}}; expected JSON such as {_EXAMPLE}"}
_SAME_SHAPE = 0.01  # how far the sides of two pictures of one video may differ in their ratio

_FAR = 1e9  # pixels; with more, areas would be no numbers
_Number = Annotated[float, Field(ge=-_FAR, le=_FAR)]
Point = tuple[_Number, _Number]  # x, y, pixels


class PlacesError(MotError, ValueError):
    """A line or zone at which nobody can be counted; the message names the file, the key, the value and the remedy."""


class _Place(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(min_length=1, max_length=80)
    points: tuple[Point, ...]

    @property
    def array(self) -> npt.NDArray[np.float64]:
        """(P, 2) x, y, pixels of the picture that it was drawn on."""
        return np.array(self.points, np.float64).reshape(-1, 2)


class Line(_Place):
    """An open line of two or more points.

    *In* is from the left hand of somebody who walks along it, from its first point to its last, to their right hand.
    Of a line that is drawn from left to right, that is down the picture.
    """

    label_in: str = Field(default="in", alias="in", min_length=1, max_length=80)
    label_out: str = Field(default="out", alias="out", min_length=1, max_length=80)

    @field_validator("points")
    @classmethod
    def _has_length(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(points) < 2:
            raise ValueError(f"a line needs two points, this has {len(points)}")
        _refuse_repeated(points)
        return points


class Zone(_Place):
    """A polygon; its last point is joined to its first."""

    @field_validator("points")
    @classmethod
    def _has_area(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(points) > 1 and points[0] == points[-1]:
            points = points[:-1]  # closed by hand
        if len(points) < 3:
            raise ValueError(f"a zone needs three corners, this has {len(points)}; for two, draw a line")
        _refuse_repeated((*points, points[0]))
        _refuse_crossing_sides(points)
        if polygon_area(np.array(points)) == 0:
            raise ValueError("its corners lie on one line; give it an area")
        return points


class Places(BaseModel):
    """Lines and zones of one camera, with the size of the picture that they were drawn on. Frozen; JSON in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(ge=1, le=_FAR)  # pixels
    height: int = Field(ge=1, le=_FAR)
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()

    @model_validator(mode="after")
    def _countable(self) -> Self:
        names = [place.name for place in (*self.lines, *self.zones)]
        for place in (*self.lines, *self.zones):
            if names.count(place.name) > 1:
                raise ValueError(
                    f"the name {place.name!r} is given {names.count(place.name)} times; each needs its own"
                )
            (left, top), (right, bottom) = place.array.min(axis=0), place.array.max(axis=0)
            if right < 0 or bottom < 0 or left > self.width or top > self.height:
                raise ValueError(
                    f"{place.name!r} lies outside of the picture of {self.width}x{self.height} pixels, where nobody "
                    "is seen; points are x, y in pixels from the upper left corner"
                )
        return self

    @classmethod
    def parse(cls, values: str | bytes | dict[str, Any], source: str = "lines") -> Self:
        """Lines and zones from JSON text or plain values; ``source`` names them in messages.

        Raises:
            PlacesError: a key is unknown or missing, or a value cannot be.
        """
        try:
            return cls.model_validate(values) if isinstance(values, dict) else cls.model_validate_json(values)
        except ValidationError as error:
            raise PlacesError(f"{source}: {faults_of(error, most=3, words=_WORDS)}") from error

    def to_json(self) -> str:
        return self.model_dump_json(indent=2, by_alias=True) + "\n"

    def scaled(self, width: int, height: int) -> Self:
        """The same places in a picture of another size, such as the video of which the frame was a preview.

        Raises:
            PlacesError: that picture has another shape, so that it is not of this video.
        """
        if (width, height) == (self.width, self.height):
            return self
        if abs(width * self.height / (height * self.width) - 1) > _SAME_SHAPE:
            raise PlacesError(
                f"the lines were drawn on a picture of {self.width}x{self.height} pixels, but the video has "
                f"{width}x{height}, which is another shape; draw them on a frame of this video"
            )
        x, y = width / self.width, height / self.height

        def move(place: Any) -> Any:
            return place.model_copy(update={"points": tuple((px * x, py * y) for px, py in place.points)})

        lines, zones = tuple(map(move, self.lines)), tuple(map(move, self.zones))
        return self.model_copy(update={"width": width, "height": height, "lines": lines, "zones": zones})


def read_places(path: Path) -> Places:
    """Read ``lines.json``.

    Raises:
        PlacesError: it cannot be read, or holds something else; the message names the key and its value.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise PlacesError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    if not data.strip():
        raise PlacesError(f"{path}: is empty; expected lines and zones, such as {_EXAMPLE}")
    return Places.parse(data.removeprefix(b"\xef\xbb\xbf"), str(path))


def write_places(path: Path, places: Places) -> None:
    """Write ``lines.json``; it appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as temporary:
        temporary.write_text(places.to_json(), encoding="utf-8")


def polygon_area(corners: npt.NDArray[np.float64]) -> float:
    """Square pixels of a polygon, (P, 2) x, y, by the shoelace formula."""
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _refuse_repeated(points: tuple[Point, ...]) -> None:
    for number, (one, other) in enumerate(itertools.pairwise(points), start=1):
        if one == other:
            raise ValueError(f"point {number} and the next are the same, {list(one)}; leave one out")


def _refuse_crossing_sides(corners: tuple[Point, ...]) -> None:
    """A polygon that crosses itself has parts of which nobody could say whether they are in it."""
    sides = [(corners[i], corners[(i + 1) % len(corners)]) for i in range(len(corners))]
    for i, one in enumerate(sides):
        for k, other in enumerate(sides[i + 2 :], start=i + 2):
            if (k + 1) % len(sides) != i and _meet(*one, *other):
                raise ValueError(f"its sides {i + 1} and {k + 1} cross; put its corners in order around it")


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether segments ab and cd share a point."""

    def turn(p: Point, q: Point, r: Point) -> float:
        value = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        return math.copysign(1, value) if value else 0.0

    def within(p: Point, q: Point, r: Point) -> bool:
        return all(min(p[i], q[i]) <= r[i] <= max(p[i], q[i]) for i in (0, 1))

    turns = (turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(not turned and within(*three) for turned, three in zip(turns, ends, strict=True))
