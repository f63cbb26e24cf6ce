"""The arguments of a check, and names that do not exist yet."""

from collections.abc import Mapping
from typing import Any

from lib.checking.cell_runs import why_undefined
from lib.unit import Part


class Undefined:
    """Stands for a name that the notebook hasn't defined yet."""

    def __init__(self, name: str):
        self.name = name


def argument_error(part: Part, given: tuple[Any, ...], named: Mapping[str, Any] = {}, at_desk: bool = True) -> str:
    """Say which argument of a call is missing or not expected; return nothing if the call is complete.

    A student `at_desk` can run another cell first; at grading all have run.
    """
    names = part.subjects
    message = f"This check takes {', '.join(names)}. It was called"
    if unknown := [name for name in named if name not in names]:
        return f"{message} with {', '.join(f'{name}=' for name in unknown)}."
    if twice := [name for name in names[: len(given)] if name in named]:
        return f"{message} with {twice[0]} twice."
    arguments = dict(zip(names, given, strict=False)) | dict(named)
    missing = [name for name in part.subjects if name not in arguments]
    if missing and named:
        return f"{message} without {missing[0]}."
    if missing or len(given) > len(names):
        count = len(given) + len(named)
        return f"{message} with {count or 'no'} argument{'s' * (count > 1)}."
    for name, argument in arguments.items():
        if type(argument) is Undefined:  # `isinstance` would run a `__class__` that a student wrote
            if not at_desk:
                return f"{argument.name} is not defined."
            if why := why_undefined(argument.name):
                return f"{argument.name} is not defined: {why} Correct that cell, and run it."
            return f"{argument.name} is not defined yet. Run the cell that defines {name} first."
    return ""


def order_arguments(part: Part, given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """Put the arguments of a complete call into the order of the part's subjects."""
    arguments = dict(zip(part.subjects, given, strict=False)) | dict(named)
    return tuple(arguments[name] for name in part.subjects)
