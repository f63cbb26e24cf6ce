"""Help after a failed check, in the order in which a student opens it: each step tells more than the one before.

1. A hint: the name of the mistake that fits all that was seen, or what the failed statements suggest.
2. The lines of the student's own code that a failed statement is about, and those that raised an error.
3. A worked example: two samples by hand, beside the student's own numbers.
"""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator, Mapping
from functools import partial
from time import monotonic
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from lib.checking.answers import run_probes
from lib.checking.student_code import Failure, cell_of, run_each, write_line
from lib.checking.values import Wrong, numbers, show
from lib.unit import Example, ExampleStep, Part, Statement

if TYPE_CHECKING:
    from lib.checking.fingerprints import Fingerprint

Reason: TypeAlias = Wrong | Failure | str
"""Why a statement failed."""
TIME_FOR_HELP = 1.0
"""Seconds that student code may run for all the help together. A check that failed has run most of it before."""
MAX_LINES = 8
"""The most lines of a student's code that are shown."""


class Place(NamedTuple):
    """Lines of a student's function: its name and its cell, and the lines with their numbers."""

    function: str
    lines: tuple[tuple[int, str], ...]


class WorkedStep(NamedTuple):
    """One step of a worked example, with the student's result beside the one by hand."""

    text: str
    by_hand: str
    found: str
    agrees: bool


class WorkedExample(NamedTuple):
    """A worked example on the student's own code."""

    given: str
    steps: tuple[WorkedStep, ...]


class Help(NamedTuple):
    """What a failed check can say beyond its findings; the mistake is the catalogue's that fits all that was seen."""

    mistake: Fingerprint | None
    place: Place | None
    example: WorkedExample | None


def find_help(part: Part, subjects: tuple[Any, ...], failed: Mapping[Statement, Reason], package: str) -> Help:
    """Look for help with code of which a part's check found something wrong. `package` is the unit's."""
    until = monotonic() + TIME_FOR_HELP
    return Help(
        name_mistake(part, subjects, package, until),
        find_lines(part, subjects, failed),
        work_example(part, subjects, until),
    )


# ---- The mistake's name


def name_mistake(part: Part, subjects: tuple[Any, ...], package: str, until: float | None = None) -> Fingerprint | None:
    """Name the mistake that fits what a part's probes give on this code, if the catalogue has one that fits it all."""
    from lib.checking import fingerprints  # only after a check has failed

    known = fingerprints.read(package).get(part.id, ()) if package else ()
    if not known:
        return None
    end = monotonic() + TIME_FOR_HELP if until is None else until
    measured = fingerprints.measure(part, lambda inputs: run_probes(part, inputs, subjects, end - monotonic()))
    return fingerprints.find_mistake(measured, part, known)


# ---- The student's own lines


def find_lines(part: Part, subjects: tuple[Any, ...], failed: Mapping[Statement, Reason]) -> Place | None:
    """Find the lines of the student's code that failed statements are about, or where an error was raised.

    Returns None where there is no source.
    """
    path = part.code or part.subjects[0]
    named = dict(zip(part.subjects, subjects, strict=False))
    function = _find_function(named.get(path.partition(".")[0]), path.partition(".")[2])
    if function is None:
        return None
    code = [*_code_lines(function)]
    pattern = "|".join(statement.lines for statement in failed if statement.lines)
    raised = {_raising_line(why) for why in failed.values()}
    chosen = [line for line in code if re.search(pattern, line[1]) or write_line(*line) in raised] if pattern else code
    shown = tuple((chosen or code)[:MAX_LINES])
    name, cell = function.__qualname__.rpartition("<locals>.")[2], cell_of(function.__code__.co_filename)
    return Place(f"{name} in {cell.removesuffix(', ')}" if cell else name, shown) if shown else None


def _raising_line(why: Reason) -> str:
    """Give the line of the student's that raised, as `write_line` does; where none did, it equals no line."""
    return why.where if isinstance(why, Wrong) else why.line if isinstance(why, Failure) else ""


def _find_function(subject: object, method: str) -> FunctionType | None:
    """Find the function behind a subject, or behind a method of it; nothing that a student wrote is run."""
    found: Any = inspect.getattr_static(subject, method, None) if method else subject
    if issubclass(type(found), staticmethod | classmethod):
        found = found.__func__
    return found if type(found) is FunctionType else None  # `isinstance` would run a `__class__` that a student wrote


def _code_lines(function: FunctionType) -> Iterator[tuple[int, str]]:
    """Give a function's lines of code below the one with `def`, each with its number in the cell or file."""
    first = function.__code__.co_firstlineno
    numbers_of_code = {line for _, _, line in function.__code__.co_lines() if line is not None and line > first}
    for number in sorted(numbers_of_code):
        line = linecache.getline(function.__code__.co_filename, number).rstrip()
        if line.strip() and not line.lstrip().startswith(("#", '"""', "'''")):
            yield number, line


# ---- A worked example


def work_example(part: Part, subjects: tuple[Any, ...], until: float) -> WorkedExample | None:
    """Run the part's worked example on student code; None where there is none, or no time is left for it."""
    if part.example is None:
        return None
    made = run_each([partial(part.example, *subjects)], until - monotonic())[0]
    if not isinstance(made, Example):
        return None
    ran = run_each([partial(_read, step) for step in made.steps], max(until - monotonic(), 0.01), until)
    late = Failure("time", "did not end in time")
    outcomes = [*ran, *[late] * (len(made.steps) - len(ran))]
    return WorkedExample(made.given, tuple(map(_compare, made.steps, outcomes)))


def _read(step: ExampleStep) -> Any:
    """Read what student code gives for a step; what can't be read is shown as the sentence that says so."""
    try:
        return numbers(step.run())
    except Wrong as wrong:
        return wrong.sentence


def _compare(step: ExampleStep, found: Any) -> WorkedStep:
    right = np.asarray(step.by_hand, dtype=float)
    if isinstance(found, Failure | str):
        return WorkedStep(step.text, _show(right), found if isinstance(found, str) else found.text, agrees=False)
    found = found.reshape(right.shape) if found.size == right.size == 1 else found
    agrees = found.shape == right.shape and np.allclose(found, right, rtol=1e-3, atol=1e-4)
    return WorkedStep(step.text, _show(right), _show(found), bool(agrees))


def _show(array: Any) -> str:
    """Write an array on one line: four digits a number, a column or a row of a matrix in its own brackets."""
    array = np.asarray(array, dtype=float)
    if np.isfinite(array).all() and (array == array.round()).all() and (abs(array) < 1e6).all():
        array = array.astype(int)
    if array.ndim == 0:
        return show(array.item())
    with np.errstate(over="ignore"):  # near 1e308, as np.nan_to_num makes them of infinities
        array = np.where(abs(array) < 1e300, array.round(4) + 0, array)
    text = np.array2string(array, precision=4, separator=", ", suppress_small=True, threshold=24)
    return " ".join(text.split())
