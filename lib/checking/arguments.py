"""The arguments of a check, and names that do not exist yet."""

from collections.abc import Mapping
from inspect import BoundArguments, Parameter, Signature
from typing import Any

from lib.checking.cell_runs import why_undefined
from lib.unit import Part


class Undefined:
    """Stands for a name that the notebook hasn't defined yet."""

    def __init__(self, name: str):
        self.name = name


def argument_error(part: Part, given: tuple[Any, ...], named: Mapping[str, Any] = {}, at_desk: bool = True) -> str:
    """Return which argument of a call is missing or not expected; return nothing if the call is complete.

    A student `at_desk` can run another cell first; at grading all have run.
    """
    try:
        arguments = _bind(part, given, named).arguments
    except TypeError as error:
        return f"This check takes {', '.join(part.subjects)}. Its call doesn't fit: {error}."
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
    return _bind(part, given, named).args


def _bind(part: Part, given: tuple[Any, ...], named: Mapping[str, Any]) -> BoundArguments:
    return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in part.subjects]).bind(*given, **named)
