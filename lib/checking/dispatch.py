"""Dispatch: the effect of calling a check depends on where it runs.

In the student's notebook the check returns a report. Under nbgrader's `validate` it raises an exception if something is
wrong. During grading, with a challenge next to the notebook, it returns the results of student code on that challenge.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.checking import challenges
from lib.checking.challenges import Answer, answer, begin_grading, read_challenge
from lib.checking.findings import Finding, Known, find
from lib.checking.looks import look_at
from lib.checking.render import Report
from lib.checking.student_code import Budget, Failure, PrintRecorder, attempt, exclude_package, run_each
from lib.checking.subjects import as_graded, find_stale, find_subjects, watch
from lib.unit import Array, Part, Statement

if TYPE_CHECKING:
    from lib.checking.fingerprints import Fingerprint

MOST_SHOWN = 60
"""The largest input whose numbers are shown; of a larger one only the shape is shown."""


class CheckFailed(Exception):
    """Raised under `nbgrader validate` if something is wrong. It shows as the report, without a traceback."""

    def __init__(self, report: Report):
        super().__init__(f"{report.part.id}: not everything is right yet")
        self.report = report

    def _render_traceback_(self) -> list[str]:
        """Called by IPython instead of formatting a traceback."""
        return str(self.report).splitlines()


class CheckInputs(dict[str, Array]):
    """The arrays that a check passes to student code, by name: `inputs["y_batch"]`. Its representation lists them."""

    def __init__(self, part: Part):
        super().__init__(part.desk_inputs())
        self._part = part

    def __repr__(self) -> str:
        part = self._part
        lines = [f"The inputs of {part.id}, the same in every run:"]
        for name, value in self.items():
            if isinstance(value, np.ndarray):
                text = np.array2string(value, precision=4, suppress_small=True, max_line_width=76)
                lines.append(f"  [{name!r}], shape {value.shape}")
                lines += [f"    {line}" for line in text.splitlines() if value.size <= MOST_SHOWN]
            else:
                lines.append(f"  [{name!r}]: {value!r:.300}")
        return "\n".join(lines)


class Check:
    """The check of one part, which the notebook calls.

    `package` is the unit's package, with the fingerprints by which a check names mistakes.
    """

    def __init__(self, part: Part, package: str = ""):
        self.part, self.package = part, package
        self._mistake: Fingerprint | None = None
        """The mistake that this check has named last, until it is corrected."""

    def __call__(self, *args: Any) -> Report | Answer | None:
        """Check the arguments, or without arguments the notebook's objects with the names of the part's `subjects`.

        Under nbgrader's `validate`, or during grading without a challenge, return None if everything is right, and
        raise `CheckFailed` otherwise: nbgrader would try to read a returned report as a number of points.
        """
        nbgrader = os.environ.get("NBGRADER_EXECUTION")
        if nbgrader and (seed := read_challenge()) is not None:
            return Answer(self.part.id, answer(self.part, seed, args, draws=challenges.asked))
        with as_graded():
            report = self._examine(args)
        if nbgrader is None:
            return report
        if not report.right:
            raise CheckFailed(replace(report, printed=""))
        return None

    def _examine(self, args: tuple[Any, ...]) -> Report:
        part = self.part
        subjects, missing = find_subjects(part.subjects, args)
        note = missing or find_stale(part.subjects, subjects)
        inputs = {} if note else attempt(lambda: part.at_desk)
        if isinstance(inputs, Failure):
            note = f"The inputs of this check can't be drawn: {inputs.text}. Tell your instructor."
        if note or isinstance(inputs, Failure):
            listed = part.reported if part.points else ()  # a prediction's statement is what comes out
            return Report(part, tuple(map(_not_checked, listed)), note)
        if not part.repeated and not isinstance(others := attempt(lambda: part.other_inputs), Failure):
            look_at(part, others, subjects, Budget(1.0))  # then values that code stores between calls have an effect
        printed = PrintRecorder()
        shown = look_at(part, inputs, subjects, run=partial(run_each, out=printed))
        known: Known = {}
        if not all(statement.right for statement in part.statements):
            from lib.checking import fingerprints  # only if needed: importing checks should take no longer than NumPy

            known = fingerprints.read(self.package).right.get(part.id, {})
        report = Report(part, tuple(find(part, inputs, shown, known)), printed=str(printed))
        if any(finding.state == "wrong" and finding.max_points for finding in report.findings):
            from lib.checking.help import find_help  # only after a check has failed

            help = find_help(part, subjects, report.findings, shown, self.package)
            report, self._mistake = replace(report, help=help), next(iter(help.mistakes), self._mistake)
        elif report.right:
            report, self._mistake = replace(report, corrected=self._mistake), None
        return report

    def example(self) -> CheckInputs:
        """Return the inputs of this check as named arrays."""
        return CheckInputs(self.part)


def _not_checked(statement: Statement) -> Finding:
    return Finding(statement.name, statement.text, statement.points, "not checked")


UNITS_WITH_CHECKS: dict[str, None] = {}
"""The packages of the units whose checks were imported in this process, in order."""


class Checks:
    """A unit's checks by the names of their parts: `check.loss()`. `package` is the unit's package, if it has one."""

    def __init__(self, parts: Iterable[Part], package: str = ""):
        vars(self).update({part.name: Check(part, package) for part in parts})
        begin_grading(parts)
        if package:
            UNITS_WITH_CHECKS[package] = None
            exclude_package(package)
        watch()

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError with the names of the checks, which derive from the parts' ids."""
        known = f"There is no check called {name!r}. There are: {', '.join(vars(self))}."
        why = "If your notebook uses this check, a cell has imported another notebook's checks"
        raise AttributeError(f"{known} {why}: delete that cell, and run the first cell.")
