"""What a tracker's setting means and may be, kept beside its default in the field's metadata."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from client.tracking.tracker import TrackerError
from mot.errors import shown

_KEY = "setting"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a tracker, as a list of them shows it."""

    name: str
    kind: Any  # its type: float, int, bool, or one of these or None
    default: Any
    meaning: str  # in one line
    least: float
    most: float  # may be infinite, which is then not allowed itself
    whole: bool

    @property
    def allowed(self) -> str:
        """The values it may have, in words."""
        if self.kind is bool:
            return "true or false"
        kind = "a whole number " if self.whole else ""
        if self.most == float("inf"):
            return f"{kind}from {self.least:g}" if self.whole else f"at least {self.least:g}"
        return (
            f"{kind}from {self.least:g} to {self.most:g}" if self.whole else f"between {self.least:g} and {self.most:g}"
        )

    def check(self, value: object) -> None:
        """Raise :class:`TrackerError` where it may not have this value."""
        if value is None and type(None) in typing.get_args(self.kind):
            return
        if self.kind is bool or isinstance(value, bool):
            good = self.kind is bool and isinstance(value, bool)
        else:
            good = (
                isinstance(value, int | float)
                and self.least <= value <= self.most
                and value < float("inf")
                and (not self.whole or value == int(value))
            )
        if not good:
            raise TrackerError(f"{self.name} is {shown(value)}, but must be {self.allowed}")


def setting(
    default: float | None, meaning: str, *, least: float = 0, most: float = 1, whole: bool = False
) -> Any:  # as dataclasses.field: the annotation beside it is its type
    """The field of a setting. A subclass that changes the default alone writes just that: the rest is inherited."""
    return field(default=default, metadata={_KEY: {"meaning": meaning, "least": least, "most": most, "whole": whole}})


def settings_of(config: type) -> Iterator[Setting]:
    """All settings of a tracker's configuration, the inherited ones first."""
    kinds = typing.get_type_hints(config)
    described = {
        one.name: one.metadata[_KEY]
        for parent in reversed(config.__mro__)
        for one in getattr(parent, "__dataclass_fields__", {}).values()
        if _KEY in one.metadata
    }
    for one in fields(config):
        assert one.default is not MISSING, one.name
        yield Setting(name=one.name, kind=kinds[one.name], default=one.default, **described[one.name])
