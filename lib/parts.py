"""A part: one graded thing, as a call in the notebook. What the call does depends on who is asking.

At the desk it tests its statements and shows a report. Under nbgrader's `validate` a report with something wrong
raises. At grading, with a challenge laid beside the notebook, it runs student code on the challenge and gives back
arrays.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.answers import Answer, answer, laid_challenge
from lib.desk import CheckFailed, Report, Undefined, examine
from lib.statements import Drawn, Statement


@dataclass(frozen=True)
class Part:
    """One graded thing: its cell's id, its statements, and how its inputs are drawn.

    `subjects` are the names under which the notebook defines what is checked, and `settings` those that a call may add;
    a call may give either by keyword.
    `rests_on` are parts without which this one can't be tested at the desk (at grading every part is judged apart).
    """

    id: str
    title: str
    subjects: tuple[str, ...]
    statements: tuple[Statement, ...]
    draw: Callable[[np.random.Generator], Drawn]
    rests_on: tuple[Part, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """What the part is worth: the sum over its statements."""
        return sum(statement.points for statement in self.statements)

    def __call__(self, /, *given: Any, **named: Any) -> Report | Answer | None:
        """Check the student's objects, given in the order of `subjects` or by keyword, under whatever names they have.

        Under nbgrader's `validate`, or a grading that laid no challenge, a right check says nothing and another raises
        `CheckFailed`: nbgrader would try to read the report as a number of points.
        """
        challenge = laid_challenge(self.id)
        if challenge is not None:
            return Answer(self.id, answer(self, challenge, given, named))
        report = examine(self, given, named)
        if "NBGRADER_EXECUTION" not in os.environ:
            return report
        if not report.right:
            raise CheckFailed(report)
        return None

    def misses(self, given: tuple[Any, ...], named: Mapping[str, Any] = {}) -> str:
        """Say what is missing from a call with these arguments, or what is too much; nothing if it is complete."""
        names = (*self.subjects, *self.settings)
        takes = " and, if you like, ".join(", ".join(some) for some in (self.subjects, self.settings) if some)
        unknown = [name for name in named if name not in names]
        if unknown:
            return f"This check takes {takes}, but was called with {', '.join(f'{name}=' for name in unknown)}."
        twice = [name for name in names[: len(given)] if name in named]
        if twice:
            return f"This check takes {takes}, but was called with {twice[0]} twice."
        arguments = dict(zip(names, given, strict=False)) | dict(named)
        missing = [name for name in self.subjects if name not in arguments]
        if missing and named:
            return f"This check takes {takes}, but was called without {missing[0]}."
        if missing or len(given) > len(names):
            return f"This check takes {takes}, but was called with {len(given) + len(named) or 'nothing'}."
        for name, argument in arguments.items():
            if type(argument) is Undefined:  # `isinstance` would run a `__class__` that a student wrote
                return f"{argument.name} is not defined yet. Run the cell that defines {name} first."
        return ""

    def arguments(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Put the arguments of a complete call into the order of `subjects`, then `settings`; None for one left out."""
        names = (*self.subjects, *self.settings)
        arguments = dict(zip(names, given, strict=False)) | dict(named)
        return tuple(arguments.get(name) for name in names)
