"""Help after a failed check, in the order in which a student opens it: each step tells more than the one before.

1. A hint: the name of the mistake that fits all that was seen, or what the failed statements suggest.
2. The lines of the student's own code that a failed statement is about, and those that raised an error.
3. A worked example: two samples by hand, beside the student's own numbers.
"""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

from lib.checking import fingerprints
from lib.checking.findings import Finding
from lib.checking.fingerprints import Fingerprint, name_mistakes
from lib.checking.looks import Shown
from lib.checking.student_code import Failure, cell_of, write_line
from lib.checking.values import Wrong
from lib.unit import Part, Statement

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
    """What a failed check can say beyond its findings; the mistakes are the catalogue's that fit what was seen."""

    mistakes: tuple[Fingerprint, ...]
    place: Place | None
    example: WorkedExample | None


def find_help(part: Part, subjects: tuple[Any, ...], findings: Sequence[Finding], shown: Shown, package: str) -> Help:
    """Look for help with code of which a part's check found something wrong. `package` is the unit's."""
    failed = {finding.statement: finding.why for finding in findings if finding.state == "wrong"}
    return Help(
        tuple(name_mistakes(part, part.desk_inputs(), shown, fingerprints.read(package)) if package else ()),
        find_lines(part, subjects, failed),
        work_example(part, subjects, monotonic() + TIME_FOR_HELP),
    )


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
    return None
