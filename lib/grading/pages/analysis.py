"""What a class has in common: scores, figures of each part, mistakes, remarks, each with its students.

Wrong answers without a name stand in groups: an instructor can make mistakes of the catalogue of them. Each student has
another challenge, so the numbers of two students can't be compared: answers to a part are one group where the same
statements fail and the same was found of each. Within a group, those of the same code stand together.

A part *discriminates* if those who do well in the rest also do well in it. Its measure is the corrected item-total
correlation: Pearson's r between a part's points and the points of all other parts, the point-biserial correlation where
a part earns all or nothing (S. Henrysson, Correction of item-total correlations in item analysis, Psychometrika 28,
1963). About 0.3 and more is good; near 0 or below, the part's text or its check deserves a look.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import StatisticsError, correlation, mean
from typing import Literal, TypeVar, get_args

from lib.answer_key import AnswerKey
from lib.grading.judge.python_cells import parse
from lib.grading.judge.verdict import PartVerdict, StatementVerdict, Verdict
from lib.grading.names import quote
from lib.grading.pages.classroom import Classroom, StudentWork

Item = TypeVar("Item", bound=Hashable)
PartOutcome = Literal["all points", "some points", "no points", "left blank", "no answer"]
OUTCOMES: tuple[PartOutcome, ...] = get_args(PartOutcome)
FEWEST = 10
"""Students below which a correlation is noise, and not shown."""
MOST_BINS = 25


@dataclass(frozen=True)
class PartFigures:
    """What a class made of one part: how many had which outcome, and how many found each statement right.

    `success` is the mean share of the part's points; `discrimination` is None where it says nothing.
    """

    id: str
    title: str
    max_points: float
    outcomes: Counter[PartOutcome]
    success: float
    discrimination: float | None
    statements: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Bin:
    """How many students have a score of `low` or more and less than `high`, or just `low` if it is one point wide.

    Without an end it has those with more than `low`.
    """

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Scores:
    """Everyone's score and the best there is; `judged` where written answers wait, and only parts are counted."""

    values: tuple[float, ...]
    best: float
    judged: bool


def part_figures(classroom: Classroom) -> list[PartFigures]:
    """Give the figures of each part over all graded submissions, in the notebook's order."""
    verdicts = [verdict for _, verdict in classroom.graded]
    longest = max(verdicts, key=lambda verdict: len(verdict.parts), default=None)
    ran = [verdict for work, verdict in classroom.graded if work.ran]
    earned = [{part.id: part.points for part in verdict.parts} for verdict in ran]
    return [_figures(part, verdicts, earned) for part in longest.parts] if longest else []


def _figures(model: PartVerdict, verdicts: list[Verdict], earned: list[dict[str, float]]) -> PartFigures:
    """Give the figures of one part; `earned` has the points of every part, a row for each submission that ran."""
    parts = [part for verdict in verdicts for part in verdict.parts if part.id == model.id]
    rows = [row for row in earned if model.id in row]
    right = Counter(statement.name for part in parts for statement in part.statements if statement.state == "right")
    return PartFigures(
        model.id,
        model.title,
        model.max_points,
        Counter(outcome(part) for part in parts),
        mean(part.points for part in parts) / model.max_points if model.max_points else 0.0,
        discrimination([row[model.id] for row in rows], [sum(row.values()) for row in rows]),
        tuple((statement.text, right[statement.name]) for statement in model.statements),
    )


def outcome(part: PartVerdict) -> PartOutcome:
    """Say in a word or two what became of a part."""
    points = part.points
    if points == part.max_points:
        return "all points"
    if part.problem or all(statement.state == "not checked" for statement in part.statements):
        return "no answer"
    if any(statement.state == "open" for statement in part.statements):
        return "left blank"
    return "some points" if points else "no points"


def discrimination(points: Sequence[float], totals: Sequence[float]) -> float | None:
    """Correlate a part's points with the other parts'; None for too few students, or where all have the same."""
    if len(points) < FEWEST:
        return None
    try:
        # Less the part itself, with which even a part that is unrelated to the others would correlate.
        return correlation(points, [total - own for total, own in zip(totals, points, strict=True)])
    except StatisticsError:
        return None


def scores(classroom: Classroom) -> Scores:
    """Give the scores to show: the gradebook's, late penalties taken off, once no written answer waits for a person."""
    if any(work.to_mark for work, _ in classroom.graded):
        best = max((verdict.max_points for _, verdict in classroom.graded), default=0.0)
        return Scores(tuple(verdict.points for _, verdict in classroom.graded), best, judged=True)
    final = tuple(work.total.points for work, _ in classroom.graded)
    return Scores(final, classroom.max_score, judged=False)


def distribution(found: Scores) -> list[Bin]:
    """Count scores in bins of equal, whole width up to the best one; those above it, as with extra credit, apart."""
    width = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if found.best / step < MOST_BINS)
    within = [value for value in found.values if value <= found.best]
    counts = Counter(int(value // width) for value in within)
    bins = [Bin(at * width, (at + 1) * width, counts[at]) for at in range(int(found.best // width) + 1)]
    above = len(found.values) - len(within)
    return [*bins, Bin(found.best, inf, above)] if above else bins


@dataclass(frozen=True)
class ClassMistake:
    """One mistake, in which part, the hint that students got, and a sentence on what to teach again."""

    part_id: str
    part: str
    name: str
    hint: str
    teach: str


def mistakes(classroom: Classroom, unit: AnswerKey | None) -> list[tuple[ClassMistake, list[StudentWork]]]:
    """Collect named mistakes from the verdicts; what to teach comes from today's catalogue, if it still has them."""
    teach = {(one.part, one.name): one.teach for one in (unit.mistakes if unit else ())}
    return group(
        (ClassMistake(part.id, part.title, found.name, found.hint, teach.get((part.id, found.name), "")), work)
        for work, verdict in classroom.graded
        for part in verdict.parts
        for found in part.mistakes
    )


def remarks(classroom: Classroom) -> list[tuple[str, list[StudentWork]]]:
    """Collect the remarks on submissions and how their notebooks ran."""
    return group((remark.text, work) for work, verdict in classroom.graded for remark in verdict.remarks)


def group(found: Iterable[tuple[Item, StudentWork]]) -> list[tuple[Item, list[StudentWork]]]:
    """Collect findings, each with its students once, the most frequent first."""
    groups: dict[Item, dict[str, StudentWork]] = {}
    for finding, work in found:
        groups.setdefault(finding, {})[work.student] = work
    pairs = [(finding, list(works.values())) for finding, works in groups.items()]
    return sorted(pairs, key=lambda pair: -len(pair[1]))


@dataclass(frozen=True)
class WrongAnswer:
    """What was found of a wrong answer to a part that has no name: for each statement that fails its text, and why.

    The catalogue can name it if it `has_numbers`, which are more than an error.
    """

    part_id: str
    part: str
    failing: tuple[tuple[str, str], ...]
    has_numbers: bool


def unknown(classroom: Classroom) -> list[tuple[WrongAnswer, list[StudentWork]]]:
    """Group all wrong answers that no mistake explains: those with numbers first, and the largest groups."""
    found = group(
        (_wrong_answer(part), work) for work, verdict in classroom.graded for part in filter(is_unknown, verdict.parts)
    )
    return sorted(found, key=lambda pair: not pair[0].has_numbers)


def _wrong_answer(part: PartVerdict) -> WrongAnswer:
    nameless = _nameless_of(part)
    failing = tuple((each.text, found_in(each)) for each in nameless)
    return WrongAnswer(part.id, part.title, failing, not all(each.by_code for each in nameless))


def is_unknown(part: PartVerdict) -> bool:
    """Tell whether a part was answered, and wrong in a way that has no name; an open blank is no answer."""
    return outcome(part) in ("some points", "no points") and bool(_nameless_of(part))


def _nameless_of(part: PartVerdict) -> list[StatementVerdict]:
    return [statement for statement in part.statements if statement.state == "wrong" and not statement.mistake]


def found_in(statement: StatementVerdict) -> str:
    """Say what was found of a wrong statement, without what belongs to one draw, or to one student's code."""
    said = statement.brief
    return quote(re.sub(r"\d+", "…", said.removesuffix("."))) if statement.by_code else said


def codes_of(part: str, works: Iterable[StudentWork]) -> list[tuple[str, list[StudentWork]]]:
    """Give the code that answers to a part come from, the most frequent first; layout and comments don't count."""
    codes: dict[str, tuple[str, list[StudentWork]]] = {}
    for work in works:
        if source := _code_for(part, work):
            codes.setdefault(_regardless_of_layout(source), (source, []))[1].append(work)
    return sorted(codes.values(), key=lambda code: -len(code[1]))


def _code_for(part: str, work: StudentWork) -> str:
    """Read a student's code for a part from the graded notebook: our writing, which nbformat would check at length."""
    path = work.folder / f"{work.verdict.notebook}.ipynb" if work.verdict else None
    cells = json.loads(path.read_bytes())["cells"] if path and path.is_file() else []
    named = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in cells}
    return "".join(named.get(work.code.get(part, ""), {}).get("source", ""))


def _regardless_of_layout(source: str) -> str:
    """Write code so that it is the same for the same code, or as it is where it nests deeper than Python can go."""
    tree = parse(source)
    try:
        return ast.dump(tree) if tree else source
    except (RecursionError, MemoryError, ValueError):  # ValueError: an integer of too many digits to be written
        return source
