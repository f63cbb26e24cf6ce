"""A part: one graded thing, as a call in the notebook. What the call does depends on who is asking.

At the desk it tests its statements and shows a report. Under nbgrader's `validate` a report with something wrong
raises. At grading, with a challenge laid beside the notebook, it runs student code on the challenge and gives back
arrays.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.answers import Answer, answer, laid_challenge
from lib.desk import CheckFailed, Report, Undefined, examine
from lib.statements import Drawn, Statement


@dataclass(frozen=True)
class Part:
    """One graded thing: its cell's id, its statements, and how its inputs are drawn.

    `subjects` are the names under which the notebook defines what is checked, and `settings` those that a call may add.
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

    def __call__(self, *subjects: Any) -> Report | Answer | None:
        """Check the student's objects, given in the order of `subjects`, under whatever names they have.

        Under nbgrader's `validate`, or a grading that laid no challenge, a right check says nothing and another raises
        `CheckFailed`: nbgrader would try to read the report as a number of points.
        """
        challenge = laid_challenge(self.id)
        if challenge is not None:
            return Answer(self.id, answer(self, challenge, subjects))
        report = examine(self, subjects)
        if "NBGRADER_EXECUTION" not in os.environ:
            return report
        if not report.right:
            raise CheckFailed(report)
        return None

    def misses(self, subjects: tuple[Any, ...]) -> str:
        """Say what is missing from a call with `subjects`, or what it has too much; nothing if it is complete."""
        names = (*self.subjects, *self.settings)
        if not len(self.subjects) <= len(subjects) <= len(names):
            takes = " and, if you like, ".join(", ".join(some) for some in (self.subjects, self.settings) if some)
            return f"This check takes {takes}, but was called with {len(subjects) or 'nothing'}."
        for name, subject in zip(names, subjects, strict=False):
            if isinstance(subject, Undefined):
                return f"{subject.name} is not defined yet. Run the cell that defines {name} first."
        return ""
