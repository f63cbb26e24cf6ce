"""Analysis of a class: scores, figures of each part, and mistakes with their students.

Wrong answers without a known mistake are grouped, so that an author can add mistakes to the catalogue. Each student has
another challenge, so their numbers can't be compared: answers form a group if the same statements fail for the same
reasons. Within a group, answers with the same code are counted together.
"""

import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from statistics import mean
from typing import Literal, TypeVar, get_args

from lib.answer_key import AnswerKey
from lib.checking.findings import Finding
from lib.grading.judge import words
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.pages.class_data import Classroom, StudentWork
from lib.grading.safe_names import quote

Item = TypeVar("Item", bound=Hashable)
PartOutcome = Literal["all points", "some points", "no points", "left blank", "no answer"]
OUTCOMES: tuple[PartOutcome, ...] = get_args(PartOutcome)
MOST_BINS = 25


@dataclass(frozen=True)
class PartFigures:
    """A class's results in one part: the number of each outcome, and of right answers to each statement.

    `success` is the mean share of the part's points.
    """

    id: str
    title: str
    max_points: float
    outcomes: Counter[PartOutcome]
    success: float
    statements: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Scores:
    """All scores and the best possible one; if `judged`, only parts count, because written answers are not marked."""

    values: tuple[float, ...]
    best: float
    judged: bool


def part_figures(classroom: Classroom) -> list[PartFigures]:
    """Return the figures of each part over all graded submissions, in the notebook's order."""
    verdicts = [verdict for _, verdict in classroom.graded]
    longest = max((verdict.parts for verdict in verdicts), key=len, default=())
    return [_figures(part, verdicts) for part in longest]


def _figures(model: PartVerdict, verdicts: list[Verdict]) -> PartFigures:
    parts = [part for verdict in verdicts for part in verdict.parts if part.id == model.id]
    right = Counter(statement.name for part in parts for statement in part.statements if statement.state == "right")
    return PartFigures(
        model.id,
        model.title,
        model.max_points,
        Counter(outcome(part) for part in parts),
        mean(part.points for part in parts) / model.max_points if model.max_points else 0.0,
        tuple((statement.text, right[statement.name]) for statement in model.statements),
    )


def outcome(part: PartVerdict) -> PartOutcome:
    """Return a part's outcome."""
    points = part.points
    if points == part.max_points:
        return "all points"
    if part.problem or all(statement.state == "not checked" for statement in part.statements):
        return "no answer"
    if any(statement.state == "open" for statement in part.statements):
        return "left blank"
    return "some points" if points else "no points"


def scores(classroom: Classroom) -> Scores:
    """Return the scores of all cells less late penalties, or of parts alone while written answers are not marked."""
    if any(work.to_mark for work, _ in classroom.graded):
        best = max((verdict.max_points for _, verdict in classroom.graded), default=0.0)
        return Scores(tuple(verdict.points for _, verdict in classroom.graded), best, judged=True)
    final = tuple(work.total.points for work, _ in classroom.graded)
    return Scores(final, classroom.max_score, judged=False)


def distribution(found: Scores) -> list[tuple[int, int]]:
    """Count scores in bins of equal, whole width: the lowest score of each, and how many. The last has all above it."""
    width = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if found.best / step < MOST_BINS)
    counts = Counter(int(min(value, found.best) // width) for value in found.values)
    return [(at * width, counts[at]) for at in range(int(found.best // width) + 1)]


@dataclass(frozen=True)
class ClassMistake:
    """A mistake in a part, the hint that students got, and a sentence on what to teach again."""

    part_id: str
    part: str
    name: str
    hint: str
    teach: str


def mistakes(classroom: Classroom, unit: AnswerKey | None) -> list[tuple[ClassMistake, list[StudentWork]]]:
    """Return the verdicts' mistakes; the sentence on teaching comes from the current catalogue, if it has them."""
    teach = {(one.part, one.name): one.teach for one in (unit.mistakes if unit else ())}
    return group(
        (ClassMistake(part.id, part.title, found.name, found.hint, teach.get((part.id, found.name), "")), work)
        for work, verdict in classroom.graded
        for part in verdict.parts
        for found in part.mistakes
    )


def predictions(classroom: Classroom) -> list[tuple[str, str, int, list[tuple[str, int]]]]:
    """Return for each prediction its title, what comes out, how many predicted it, and how many predicted otherwise."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for _, verdict in classroom.graded:
        for part in verdict.predictions:
            for guess in part.statements:
                said = words.brief(guess) if guess.state in ("right", "wrong") else "No prediction."
                found.setdefault((part.title, guess.text), Counter())[said] += 1
    return [(*about, counts.pop("", 0), sorted(counts.items())) for about, counts in found.items()]


def group(found: Iterable[tuple[Item, StudentWork]]) -> list[tuple[Item, list[StudentWork]]]:
    """Return each finding with its students, without duplicates, the most frequent first."""
    groups: dict[Item, dict[str, StudentWork]] = {}
    for finding, work in found:
        groups.setdefault(finding, {})[work.student] = work
    pairs = [(finding, list(works.values())) for finding, works in groups.items()]
    return sorted(pairs, key=lambda pair: -len(pair[1]))


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer without a known mistake: the part, and the text of each failing statement with the reason.

    An author can add a mistake for it if it `has_numbers`, and not only errors.
    """

    part_id: str
    part: str
    failing: tuple[tuple[str, str], ...]
    has_numbers: bool


def unknown(classroom: Classroom) -> list[tuple[WrongAnswer, list[StudentWork]]]:
    """Return all wrong answers that no mistake explains, those with numbers and the most frequent first."""
    found = list[tuple[WrongAnswer, StudentWork]]()
    for work, verdict in classroom.graded:
        for part in filter(is_unknown, verdict.parts):
            failing = tuple((each.text, general_reason(each)) for each in _without_name(part))
            has_numbers = not all(each.why and each.why.is_of_code for each in _without_name(part))
            found.append((WrongAnswer(part.id, part.title, failing, has_numbers), work))
    return sorted(group(found), key=lambda pair: not pair[0].has_numbers)


def is_unknown(part: PartVerdict) -> bool:
    """True if a part has a wrong answer that no mistake explains; an open blank isn't an answer."""
    return outcome(part) in ("some points", "no points") and bool(_without_name(part))


def _without_name(part: PartVerdict) -> list[Finding]:
    return [statement for statement in part.statements if statement.state == "wrong" and not statement.mistake]


def general_reason(statement: Finding) -> str:
    """Return the reason why a statement failed, without details of one challenge or of one student's code."""
    reason = words.brief(statement)
    is_of_code = statement.why and statement.why.is_of_code
    return quote(re.sub(r"\d+", "…", reason.removesuffix("."))) if is_of_code else reason


def codes_of(part: str, works: Iterable[StudentWork]) -> list[tuple[str, list[StudentWork]]]:
    """Return the code of answers to a part, the most frequent first; spaces and line breaks don't count."""
    codes: dict[str, tuple[str, list[StudentWork]]] = {}
    for work in works:
        path = work.folder / f"{work.verdict.notebook}.ipynb" if work.verdict else None
        # We wrote the graded notebook, so it needs no validation by nbformat, which would be slow.
        cells = json.loads(path.read_bytes())["cells"] if path and path.is_file() else []
        named = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in cells}
        if source := "".join(named.get(work.code.get(part, ""), {}).get("source", "")):
            codes.setdefault("".join(source.split()), (source, []))[1].append(work)
    return sorted(codes.values(), key=lambda code: -len(code[1]))
