"""Errors of student code: what one means where it leaves no doubt, and what to try, by the rules of `errors.toml`."""

import re
import sys
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lib.checking.student_code import Failure

RULES = Path(__file__).with_name("errors.toml")
RAISED = re.compile(r"It raised (\w+)(?:: |\.$)(.*)", re.DOTALL)
NUMBER = re.compile(r"^line \d+: ")
"""Before a line of the student's, as `student_code.write_line` writes it."""

SHAPE = re.compile(r"\((\d+),(\d+)\)")
"""How NumPy writes the shape of a matrix."""
FLATTENED = "\na square of all entries"
"""A third line, where an error is about a matrix that has a row and a column for each entry of another one."""


class Meaning(NamedTuple):
    """What an error means, or nothing where that is not known for certain, and what to try."""

    says: str
    hint: str


def hint_for(failure: Failure) -> str:
    """Return what to try after a failure of student code; nothing for an open blank, which says so itself."""
    if failure.kind == "time":
        ending = "Restart Kernel…" if sys.platform == "emscripten" else "Interrupt Kernel"  # browsers can't interrupt
        return f"Look for a loop that never ends. If the kernel stays busy, choose Kernel, then {ending}."
    return failure.hint or explain(failure).hint


def explain(failure: Failure) -> Meaning:
    """Look up what an error means and what to try; both are empty for what is no error."""
    raised = RAISED.match(failure.text) if failure.kind == "error" else None
    if raised is None:
        return Meaning("", "")
    function, line = (failure.own.function, failure.own.code) if failure.own else ("", NUMBER.sub("", failure.line))
    seen = f"{raised[1]}: {raised[2]}\n{function}: {line}{FLATTENED if _has_square_of_all(raised[2]) else ''}"
    return next(Meaning(*map(found.expand, texts)) for pattern, texts in _rules() if (found := pattern.match(seen)))


def _has_square_of_all(message: str) -> bool:
    shapes = {(int(rows), int(columns)) for rows, columns in SHAPE.findall(message)}
    entries = {rows * columns for rows, columns in shapes if rows > 1 and columns > 1}
    return any(rows == columns and rows in entries for rows, columns in shapes)


@lru_cache
def _rules() -> Sequence[tuple[re.Pattern[str], tuple[str, str]]]:
    """Read the rules in order: the last one fits any error."""
    topics = tomllib.loads(RULES.read_text(encoding="utf-8")).values()
    return [
        (re.compile(pattern), ("", texts) if isinstance(texts, str) else tuple(texts))
        for rules in topics
        for pattern, texts in rules.items()
    ]
