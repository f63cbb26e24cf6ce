"""Evidence for an appeal: each part's inputs, the student's answer, and the expected one, as tables of numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.checking.answers import decode, read_record
from lib.checking.student_code import Failure
from lib.checking.values import readable
from lib.grading.errors import with_line
from lib.grading.judge.comparison import ATOL, RTOL
from lib.grading.judge.verdict import PartVerdict
from lib.grading.names import quote
from lib.unit import Array

MOST_SHOWN = 400
"""Numbers of one array that are shown; all are in `verdict.json`."""

Cell = tuple[str, bool]
"""A number as it is shown, and whether it differs from the one it is compared with."""


@dataclass(frozen=True)
class ArrayTable:
    """An array as rows of cells under a caption, or the words that stand for it."""

    caption: str
    rows: list[list[Cell]]
    words: str = ""


@dataclass(frozen=True)
class Probe:
    """One call of the student's code: its name, the answer and what was expected, each as a table."""

    name: str
    answer: ArrayTable
    expected: ArrayTable


def challenge_arrays(part: PartVerdict) -> list[ArrayTable]:
    """Show the challenge's arrays."""
    return [_table(name, decode(data)) for name, data in part.challenge.items()]


def probes(part: PartVerdict, statement: str) -> Iterator[Probe]:
    """Show what each of a statement's probes gave beside what it should have."""
    answers: dict[str, Any] = part.answer.get(statement, {})
    for name, data in part.expected.get(statement, {}).items():
        right, given = read_record(data), read_record(answers.get(name))
        expected = ArrayTable("expected", [], right.text) if isinstance(right, Failure) else _table("expected", right)
        if isinstance(given, Failure):
            answer = ArrayTable("answer", [], quote(with_line(given.text, given.line)) if answers else "none")
        else:
            answer = _table("answer", given, None if isinstance(right, Failure) else right)
        yield Probe(name, answer, expected)


def _table(name: str, array: Array, right: Array | None = None) -> ArrayTable:
    """Lay an array out in rows, the last axis across; entries that differ from `right` are marked.

    Text stays text, and results of several shapes stand in a list.
    """
    if (text := readable(array)) is not None:
        return ArrayTable(name, [], text)
    caption = f"{name}, {_sizes(array)}"
    if right is None:
        differs = np.zeros(array.shape, bool)
    elif readable(right) is not None:  # a text has no shape that says anything
        differs = np.ones(array.shape, bool)
    elif array.shape != right.shape:
        differs, caption = np.ones(array.shape, bool), f"{caption} instead of {_sizes(right)}"
    else:
        differs = ~np.isclose(array, right, rtol=RTOL, atol=ATOL)
    across = array.shape[-1] if array.ndim else 1
    cells = [(f"{x + 0:.6g}", bool(wrong)) for x, wrong in zip(array.ravel(), differs.ravel(), strict=True)]
    rows = [cells[at : at + across] for at in range(0, min(len(cells), MOST_SHOWN), across)] if across else []
    left = len(cells) - sum(map(len, rows))
    more = f"and {left:,} more numbers, in verdict.json" if left > 0 else ""
    return ArrayTable(caption, rows, more if array.size else "no numbers")


def _sizes(array: Array) -> str:
    return " × ".join(map(str, array.shape)) or "one number"
