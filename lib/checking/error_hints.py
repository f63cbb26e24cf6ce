"""Hints on errors of student code, from the rules in `errors.toml`: the meaning, if it is certain, and what to try."""

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
"""The prefix of a student's line, as `student_code.write_line` writes it."""

SHAPE = re.compile(r"\((\d+),(\d+)\)")
"""The shape of a matrix in NumPy's messages."""
FLATTENED = "\na square of all entries"
"""A third line for the rules, if an error involves a matrix with a row and a column for each entry of another one."""


class Meaning(NamedTuple):
    """The meaning of an error, or an empty text if it isn't certain, and what to try."""

    text: str
    hint: str


def hint_for(failure: Failure) -> str:
    """Return what to try after a failure of student code; nothing for an open blank, whose message has a hint."""
    if failure.kind == "time":
        ending = "Restart Kernel…" if sys.platform == "emscripten" else "Interrupt Kernel"  # browsers can't interrupt
        return f"Look for a loop that never ends. If the kernel stays busy, choose Kernel, then {ending}."
    return failure.hint or explain(failure).hint


def explain(failure: Failure) -> Meaning:
    """Look up what an error means and what to try. Both are empty for failures without an error."""
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
    # In order: the last rule matches any error.
    topics = tomllib.loads(RULES.read_text(encoding="utf-8")).values()
    return [
        (re.compile(pattern), ("", texts) if isinstance(texts, str) else tuple(texts))
        for rules in topics
        for pattern, texts in rules.items()
    ]
