"""Wrong answers without a name, in groups that are alike: an instructor can make mistakes of the catalogue of them.

Each student has another challenge, so the numbers of two students can't be compared. What can be compared is how an
answer relates to the right one: 7 times as much, the transpose, right but for the last row. Answers are alike if the
same statements fail, and the numbers of each relate to the right ones in the same way.
"""

import ast
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import Outcome, decode, read_record
from lib.checking.statements import SHAPE
from lib.checking.student_code import Failure
from lib.checking.values import text_of, what_is_wrong
from lib.grading.judge.comparison import agree
from lib.grading.judge.python_cells import parse
from lib.grading.judge.verdict import DIFFERENT_CALLS, DIFFERENT_SIDES, PartVerdict
from lib.grading.names import quote
from lib.grading.pages.classroom import Classroom, StudentWork
from lib.grading.pages.item_analysis import outcome
from lib.unit import Array

NONE = "no simple relation to the right numbers"
LARGEST_FACTOR = 100
MOST_READ = 10
"""Works of one group whose code is looked at."""


@dataclass
class Group:
    """Works whose answers to one part are alike: for each failing statement, what it says and how its numbers relate.

    `numbers` tells whether there are any: the catalogue can name those only.
    """

    part_id: str
    part: str
    failing: tuple[tuple[str, str], ...]
    numbers: bool
    works: list[StudentWork] = field(default_factory=list)


def groups_of_unknown(classroom: Classroom) -> list[Group]:
    """Group all wrong answers that no mistake explains: those with numbers first, and the largest groups."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], Group] = {}
    for work, light in classroom.graded:
        if any(is_unknown(part) for part in light.parts):
            for part in filter(is_unknown, work.whole_verdict().parts):
                failing, numbers = compare(part)
                group = Group(part.id, part.title, failing, numbers)
                groups.setdefault((part.id, failing), group).works.append(work)
    return sorted(groups.values(), key=lambda group: (not group.numbers, -len(group.works)))


def is_unknown(part: PartVerdict) -> bool:
    """Tell whether a part was answered, and wrong in a way that has no name; an open blank is no answer."""
    was_answered = outcome(part) in ("some points", "no points")
    return was_answered and part.mistake is None and any(one.state == "wrong" for one in part.statements)


def compare(part: PartVerdict) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Give what each failing statement says and how its answers are related, and whether any answer has numbers."""
    given = {name: decode(data) for name, data in part.challenge.items()}
    failing, numbers = [], False
    for statement in part.statements:
        if statement.state == "wrong":
            found = list(_outcomes(part, statement.name))
            numbers |= any(not isinstance(answer, Failure) for answer, _ in found)
            has_shape = part.expected.get(statement.name, {}).keys() == {SHAPE}
            tell = _tell_shapes if has_shape else TELL.get(statement.why)
            related = dict.fromkeys(
                (tell and not isinstance(answer, Failure) and tell(answer, right)) or relation(answer, right, given)
                for answer, right in found
            )
            related.pop("right", None)
            failing.append((statement.text, "; ".join(related)))
    return tuple(failing), numbers


def _outcomes(part: PartVerdict, statement: str) -> Iterator[tuple[Outcome, Array]]:
    """Give each probe's answer and what was expected."""
    answers: Mapping[str, Any] = part.answer.get(statement, {})
    for probe, expected in part.expected.get(statement, {}).items():
        if not isinstance(right := read_record(expected), Failure):
            yield read_record(answers.get(probe)), right


def relation(answer: Outcome, right: Array, given: Mapping[str, Array]) -> str:
    """Say how an answer is related to the right one, in words that fit the same mistake on any challenge.

    `given` are the challenge's arrays by name: an answer may be one of them, handed back.
    """
    if isinstance(answer, Failure):
        return quote(re.sub(r"\d+", "…", what_is_wrong(answer.text)).removesuffix("."))
    # A student's numbers may be anything: nan, infinite, or so small that 1 over them is infinite.
    with np.errstate(all="ignore"), suppress(ArithmeticError, ValueError):
        return _related(answer, right, given)
    return NONE  # a number so large or small that no other can be computed from it


def _tell_calls(answer: Array, right: Array) -> str:
    """Say whether calls are fewer or more than the right ones: they are one row of numbers, the longer the more."""
    if answer.size == right.size:
        return ""
    return "fewer calls, or less in them" if answer.size < right.size else "more calls, or more in them"


def _tell_shapes(answer: Array, right: Array) -> str:
    """Say how a shape, which is a few numbers here, differs from the right one: sizes differ from draw to draw."""
    if agree(answer, right):
        return ""
    if answer.size != right.size:
        return f"{answer.size} {'axis' if answer.size == 1 else 'axes'} instead of {right.size}"
    return f"another size of axis {', '.join(map(str, np.flatnonzero(answer.ravel() != right)))}"


def _tell_sides(answer: Array, right: Array) -> str:
    """Say that two results differ that should agree: the numbers only tell by how much."""
    return "" if agree(answer, right) else "two results that differ"


TELL = {DIFFERENT_CALLS: _tell_calls, DIFFERENT_SIDES: _tell_sides}
"""What is said of answers whose numbers are no result, by what the judge says of them; nothing where it is as usual."""


def _related(answer: Array, right: Array, given: Mapping[str, Array]) -> str:
    if agree(answer, right):
        return "right"
    if text_of(right) is not None:
        return "another text" if text_of(answer) is not None else "no text"
    if text_of(answer) is not None:
        return "text in place of numbers"
    if not np.isfinite(answer).all():
        return f"nan or infinite in {'some' if np.isfinite(answer).any() else 'all'} places"
    for name, array in given.items():
        if array.size > 1 and agree(answer, array):
            return f"the challenge's own {name}"
    if answer.shape != right.shape:
        return _other_shape(answer, right)
    if right.size == 1:
        return _number(float(answer.flat[0]), float(right.flat[0]))
    # The first that fits is the simplest; later ones may fit by chance.
    return next((words for words in _same_shape(answer, right)), NONE + _features(answer))


def _other_shape(answer: Array, right: Array) -> str:
    if agree(answer, right.T):
        return "the transpose of the right numbers"
    for axis in range(right.ndim):
        for word, reduced in (("sum", right.sum(axis=axis)), ("mean", right.mean(axis=axis))):
            if agree(answer.ravel(), reduced.ravel()) and not agree(reduced, np.zeros_like(reduced)):
                return f"the {word} of the right numbers over axis {axis}"
    for word, number in (("sum", right.sum()), ("mean", right.mean())):
        if number and agree(answer.ravel(), np.array([number])):
            return f"the {word} of all right numbers"
    if agree(answer.ravel(), right.ravel()):
        return f"the right numbers in the shape {answer.shape} instead of {right.shape}"
    return f"shape {answer.shape} instead of {right.shape}"


def _number(answer: float, right: float) -> str:
    if right and (factor := _simple(answer / right)):
        return f"{factor} times the right number"
    off = answer - right
    if abs(off) <= LARGEST_FACTOR and abs(off - round(off)) < 1e-6:
        return f"the right number plus {round(off)}"
    size = "larger" if answer > right else "smaller"
    return f"{size} than the right number{', and below 0' if answer < 0 <= right else ''}"


def _same_shape(answer: Array, right: Array) -> Iterator[str]:
    """Say what is true of the two, the simplest first."""
    if agree(answer, np.zeros_like(answer)):
        yield "0 everywhere"
    if agree(answer, np.full_like(answer, answer.flat[0])):
        yield "the same number everywhere"
    if (factor := _factor(answer, right)) is not None:
        yield f"{_simple(factor) or 'some number'} times the right numbers"
    off = answer - right
    if agree(off, np.full_like(off, off.mean())):
        yield "the right numbers plus one number"
    if agree(np.abs(answer), np.abs(right)):
        yield "right but for some signs"
    if agree(answer, np.trunc(right)) or agree(answer, np.round(right)):
        yield "the right numbers as whole ones"
    if right.ndim == 2:
        yield from _by_lines(answer, right)
    if agree(np.sort(answer, axis=None), np.sort(right, axis=None)):
        yield "the right numbers in other places"


def _by_lines(answer: Array, right: Array) -> Iterator[str]:
    if answer.shape[0] == answer.shape[1] and agree(answer, right.T):
        yield "the transpose of the right numbers"
    for word, a, r in (("column", answer.T, right.T), ("row", answer, right)):
        wrong = [at for at in range(len(a)) if not agree(a[at], r[at])]
        if len(a) > 2 and wrong in ([0], [len(a) - 1]):
            yield f"right but for the {'first' if wrong == [0] else 'last'} {word}"
        if a.shape[1] > 1:
            if all(_factor(one, other) is not None for one, other in zip(a, r, strict=True)):
                yield f"each {word} times a number of its own"
            if agree(a - r, np.repeat((a - r)[:, :1], a.shape[1], axis=1)):
                yield f"each {word} plus a number of its own"


def _features(answer: Array) -> str:
    """Say what tells answers apart that aren't related to the right ones in any simple way."""
    found = []
    if answer.ndim == 2:
        for word, sums in (("columns", answer.sum(axis=0)), ("rows", answer.sum(axis=1))):
            found += [f"{word} sum to {total}" for total in (0, 1) if agree(sums, np.full_like(sums, total))]
    return f" ({', '.join(found)})" if found else ""


def _factor(answer: Array, right: Array) -> float | None:
    """Find the one number by which `right` has to be multiplied, if there is one."""
    factor = float((answer * right).sum() / ((right * right).sum() or 1.0))
    return factor if agree(answer, factor * right) else None


def _simple(factor: float) -> str:
    """Write a factor that is a whole number, or one over a whole number; others depend on the challenge."""
    for shown, value in (("{:d}", factor), ("1/{:d}", 1 / factor if factor else 0.0)):
        if not math.isfinite(value):  # 1 over the smallest numbers there are, too
            continue
        whole = round(value)
        if 0 < abs(whole) <= LARGEST_FACTOR and abs(value - whole) < 1e-4 * abs(whole):
            return ("-" if whole < 0 else "") + shown.format(abs(whole))
    return ""


def codes_of(group: Group, unit: AnswerKey | None) -> list[tuple[str, list[StudentWork]]]:
    """Give the code that the group's answers come from, the most frequent first; layout and comments don't count.

    Code is what the cells hold that define a part's subjects. One group may have several: a simple relation can hide
    more than one mistake.
    """
    part = unit.part(group.part_id) if unit else None
    codes: dict[str, tuple[str, list[StudentWork]]] = {}
    # Reading a notebook takes as long as all else of a student's part in the report.
    for work in group.works[:MOST_READ] if part else ():
        if cells := [cell for cell in _cells(work) if part and defines(cell, part.subjects)]:
            source = "\n\n".join(cells)
            codes.setdefault(_regardless_of_layout(source), (source, []))[1].append(work)
    return sorted(codes.values(), key=lambda code: -len(code[1]))


def _regardless_of_layout(source: str) -> str:
    """Write code so that it is the same for the same code, or as it is where it nests deeper than Python can go."""
    tree = parse(source)
    try:
        return ast.dump(tree) if tree else source
    except (RecursionError, MemoryError, ValueError):  # ValueError: an integer of too many digits to be written
        return source


def defines(source: str, names: Iterable[str]) -> bool:
    """Tell whether a cell defines one of these functions or classes."""
    wanted = {name for name in names if name in source}
    tree = parse(source) if wanted else None
    return tree is not None and any(getattr(node, "name", "") in wanted for node in tree.body)


def _cells(work: StudentWork) -> list[str]:
    """Read the code cells of a graded notebook."""
    path = work.folder / f"{work.verdict.notebook}.ipynb" if work.verdict else None
    if path is None or not path.is_file():
        return []
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]  # our own writing: nbformat would check it at length
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
