"""Evidence for an appeal: a part's inputs, the results of the student's code, and the expected results, as tables.

Inputs and expected results are drawn again from the verdict's seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.challenges import read_record
from lib.checking.findings import Known, sides
from lib.checking.fingerprints import Seal
from lib.checking.looks import Outcome, places_of
from lib.checking.results import Plain, are_near, leaves, read
from lib.checking.student_code import Failure, attempt
from lib.grading.errors import UnitFailsError, end_sentence, with_line
from lib.grading.judge.judge import draw_and_run
from lib.grading.judge.verdict import PartVerdict
from lib.grading.safe_names import quote
from lib.unit import Array, Inputs, Statement

MOST_SHOWN = 400
"""Numbers of an array that are shown."""

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


@dataclass(frozen=True)
class Evidence:
    """A part's challenge, and the results of each statement that is not right; `fault` is why it can't be drawn."""

    challenge: list[ArrayTable]
    results: dict[str, list[Result]]
    fault: str = ""


def draw_again(key: AnswerKey | None, verdict: PartVerdict, seed: int) -> Evidence:
    """Return the evidence of a part, from the unit as it is now."""
    part = key.part(verdict.id) if key else None
    if key is None or part is None:
        return Evidence([], {}, "The unit doesn't have this part any more.")
    try:
        inputs, known = draw_and_run(key, part, seed)
    except UnitFailsError as error:
        return Evidence([], {}, end_sentence(str(error)))
    lost = {each.name for each in verdict.statements if each.state != "right"}
    return Evidence(
        [_table(place, leaf) for name, value in inputs.items() for place, leaf in _leaves(name, _plain(value)).items()],
        {each.name: [*_results(each, verdict, inputs, known)] for each in part.statements if each.name in lost},
    )


def _plain(value: object) -> Outcome:
    plain = attempt(lambda: read(value))
    return repr(value)[:80] if isinstance(plain, Failure) else plain


def _results(statement: Statement, verdict: PartVerdict, inputs: Inputs, known: Known) -> Iterator[Result]:
    for place, own_inputs, name, by_hand in places_of(statement, inputs):
        missing = Failure("value", "It gave no result.")
        outcome = read_record(verdict.answer[place]) if place in verdict.answer else missing
        found, right = _both(statement, outcome, own_inputs, name, by_hand, known.get(place))
        expected = _leaves(place, right)
        answer = {} if verdict.problem else _leaves(place, found)
        for at in {**expected, **answer}:
            yield Result(at, _table("answer", answer.get(at), expected.get(at)), _table("expected", expected.get(at)))


def _both(
    statement: Statement, outcome: Outcome, own_inputs: Inputs, name: str, by_hand: object, known: object
) -> tuple[Outcome, Outcome]:
    if isinstance(known, Seal):
        known = f"a result with the digest {known.digest}"
    if isinstance(outcome, Failure):
        return outcome, known
    pair = attempt(lambda: sides(statement, outcome, own_inputs, name, by_hand, known))
    return (outcome, pair) if isinstance(pair, Failure) else pair


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
    more = f"and {left:,} more numbers" if left > 0 else ""
    return ArrayTable(caption, rows, more if found.size else "no numbers")


def _sizes(array: Array) -> str:
    return " × ".join(map(str, array.shape)) or "one number"
