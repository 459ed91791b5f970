"""Options that several commands have go together: a dataclass, whose fields are the options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of such a group as options, in the place of each parameter that is one.

    Typer makes an option of each parameter, and knows no groups of them.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    options: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name in groups:
            types = get_type_hints(groups[name], include_extras=True)
            members = [(each.name, each.default, types[each.name]) for each in fields(groups[name])]
        else:
            members = [(name, parameter.default, hints[name])]
        options += [
            Parameter(one, Parameter.KEYWORD_ONLY, default=value, annotation=kind) for one, value, kind in members
        ]

    @wraps(command)
    def called(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{each.name: values.pop(each.name) for each in fields(group)})
        command(**values)

    called.__signature__ = Signature(options)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in options}
    return called
