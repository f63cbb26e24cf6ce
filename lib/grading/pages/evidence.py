"""Evidence for an appeal: a part's inputs, the results of the student's code, and the expected results, as tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.checking.challenges import read_record
from lib.checking.looks import Outcome
from lib.checking.results import Plain, are_near, leaves
from lib.checking.student_code import Failure
from lib.grading.errors import with_line
from lib.grading.judge.verdict import PartVerdict
from lib.grading.safe_names import quote
from lib.unit import Array

MOST_SHOWN = 400
"""Numbers of an array that are shown; `verdict.json` has all of them."""

Cell = tuple[str, bool]
"""A formatted number, and whether it differs from the expected one."""


@dataclass(frozen=True)
class ArrayTable:
    """An array as rows of cells with a caption, or a text in place of an array."""

    caption: str
    rows: list[list[Cell]]
    words: str = ""


@dataclass(frozen=True)
class Result:
    """A result of the student's code, or one array of it, at its place, and the expected result."""

    place: str
    answer: ArrayTable
    expected: ArrayTable


def challenge(part: PartVerdict) -> Iterator[ArrayTable]:
    """Yield a table for each input of a part's challenge."""
    for name, data in part.challenge.items():
        for place, leaf in _leaves(name, read_record(data)).items():
            yield _table(place, leaf)


def results_of(part: PartVerdict, statement: str) -> Iterator[Result]:
    """Yield the result and the expected result of each look of a statement."""
    answers = part.answer.get(statement, {})
    for place, data in part.expected.get(statement, {}).items():
        expected = _leaves(place, read_record(data))
        answer = _leaves(place, read_record(answers[place])) if place in answers else {}
        for at in {**expected, **answer}:
            right = expected.get(at)
            yield Result(at, _table("answer", answer.get(at), right), _table("expected", right))


def _leaves(place: str, outcome: Outcome) -> dict[str, Plain | Failure]:
    return {place: outcome} if isinstance(outcome, Failure) else dict(leaves(outcome, place))


def _table(name: str, found: Plain | Failure, right: Plain | Failure = None) -> ArrayTable:
    """Return an array's table, with the last axis as columns; entries that differ from `right` are marked."""
    if isinstance(found, Failure):
        message = with_line(found.text, found.line)
        return ArrayTable(name, [], message if name == "expected" else quote(message))  # student code may write a text
    if not isinstance(found, np.ndarray):
        return ArrayTable(name, [], "none" if found is None else found)
    caption = f"{name}, {_sizes(found)}"
    if not isinstance(right, np.ndarray):
        differs = np.full(found.shape, isinstance(right, str))
    elif found.shape != right.shape:
        differs, caption = np.ones(found.shape, bool), f"{caption} instead of {_sizes(right)}"
    else:
        differs = ~are_near(found, right, 1e-4, 1e-6)
    across = found.shape[-1] if found.ndim else 1
    cells = [(f"{x + 0:.6g}", bool(wrong)) for x, wrong in zip(found.ravel(), differs.ravel(), strict=True)]
    rows = [cells[at : at + across] for at in range(0, min(len(cells), MOST_SHOWN), across)] if across else []
    left = len(cells) - sum(map(len, rows))
    more = f"and {left:,} more numbers, in verdict.json" if left > 0 else ""
    return ArrayTable(caption, rows, more if found.size else "no numbers")


def _sizes(array: Array) -> str:
    return " × ".join(map(str, array.shape)) or "one number"
