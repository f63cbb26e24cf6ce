"""Judging one part: its answer is read, compared and diagnosed, and becomes a verdict."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import Outcome, Outcomes, encode, read_record, record, route_of
from lib.checking.error_hints import hint_for
from lib.checking.render import NOT_TESTED
from lib.checking.statements import HasShape, Invariant, Loop
from lib.checking.student_code import Failure, Kind
from lib.checking.values import FIND_NAN, FIND_SHAPE, Wrong, read_answer, several_of, text_of
from lib.grading.errors import UnitFailsError, end_sentence, with_line
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import WrongProbes, right_outcomes, wrong_probes
from lib.grading.judge.diagnosis import diagnose
from lib.grading.judge.verdict import (
    DIFFERENT,
    DIFFERENT_CALLS,
    DIFFERENT_SHAPE,
    DIFFERENT_SIDES,
    DIFFERENT_TEXT,
    NEEDLESS_TEXT,
    NO_TEXT,
    NOT_FINITE,
    PartVerdict,
    State,
    StatementVerdict,
)
from lib.grading.names import visible
from lib.unit import Array, Inputs, Part, Statement

Answers = Mapping[str, Any]
"""What a check put out at grading: for each statement's name a record for each probe. It may be any JSON, though."""
Verdicts = dict[type[Statement], StatementVerdict]
NOTHING = Failure("value", "It gave no numbers.")
NOT_DEFINED = re.compile(r"^(\w+) is not defined\b")
NAME_ERROR = re.compile(r"NameError: name '(\w+)' is not defined")
STATES: dict[Kind, State] = {"blank": "open", "undefined": "not checked"}
"""What a statement is without an answer: there is nothing that could be wrong."""


def judge(
    key: AnswerKey, part: Part, seed: int, given: Answers | None, problem: str = "", missing: Mapping[str, Failure] = {}
) -> PartVerdict:
    """Judge one part's answer, as it came out of the student's kernel: any JSON, or None where there was none.

    `missing` has for names that aren't defined how the cells ended that were to define them. Never raises on what is in
    `given`: what doesn't read as the arrays asked for is wrong. Raises UnitFailsError where right code fails.
    """
    drawn = drawn_for(part, seed)
    right = right_outcomes(key, part, drawn)
    graded = [statement for statement in part.statements if statement.points]
    verdict = PartVerdict(
        part.id,
        part.title,
        tuple(_verdict(each, "not checked") for each in graded),
        challenge={name: encode(_readable(value)) for name, value in drawn.items()},
        expected=_record_all(right),
    )
    if given is None:
        return replace(verdict, problem=visible(_explain(problem or "The check gave no answer.", missing)))
    found = _read_answers(given, right, missing)
    wrong = wrong_probes(part.statements, drawn, found, right)
    judged = judge_statements(graded, found, right, wrong)
    judged = [replace(each, why=visible(_explain(each.why, missing), keep="\n")) for each in judged]
    verdict = replace(verdict, statements=tuple(judged), answer=_record_all(found))
    if all(each.state == "right" for each in judged):
        return verdict
    _require_right(part, drawn, right)
    if mistake := diagnose(key, part, drawn, found, right, wrong):
        return replace(verdict, mistake=mistake)
    hinted = (
        replace(one, hint=_hint(part, statement, found[statement.name], one.why, missing))
        if one.state == "wrong"
        else one
        for statement, one in zip(graded, judged, strict=True)
    )
    return replace(verdict, statements=tuple(hinted))


def _hint(
    part: Part, statement: Statement, answers: Mapping[str, Outcome], why: str, missing: Mapping[str, Failure]
) -> str:
    """Say what to try where nothing has a name: the statement's own hint, or what fits an exception, a shape, or nan.

    What is said of a result where the code runs stands alone: the statement's hint might not fit it.
    """
    failure = _failure_in(answers)
    if failure is None:
        if why == DIFFERENT_SHAPE and not statement.hint_fits_shapes:
            return FIND_SHAPE
        return FIND_NAN if why == NOT_FINITE and not statement.is_about_overflow else statement.hint
    if failure.kind == "time" or _cause_of(failure.text, missing):  # which say what to try themselves
        return ""
    return visible(hint_for(failure, part.error_hints))


def _require_right(part: Part, drawn: Inputs, right: Outcomes) -> None:
    """Raise UnitFailsError where right code itself fails on these inputs: then no answer could have been right."""
    if any(isinstance(outcome, Failure) for probes in right.values() for outcome in probes.values()):
        for verdict in judge_part(part, drawn, right, right):
            if verdict.state != "right":
                raise UnitFailsError(part.id, verdict.why)


def judge_part(part: Part, drawn: Inputs, found: Outcomes, right: Outcomes) -> list[StatementVerdict]:
    """Judge what came of a part's probes, without looking for the mistake."""
    graded = [each for each in part.statements if each.points]
    return judge_statements(graded, found, right, wrong_probes(graded, drawn, found, right))


def judge_statements(
    statements: Iterable[Statement], found: Outcomes, right: Outcomes, wrong: WrongProbes
) -> list[StatementVerdict]:
    """Judge the statements of one part in their order: one that depends on a wrong one is not checked."""
    verdicts: Verdicts = {}
    for statement in statements:
        verdicts[type(statement)] = _judge_statement(statement, found, right, wrong, verdicts)
    return list(verdicts.values())


def _read_answers(given: object, asked: Outcomes, missing: Mapping[str, Failure]) -> Outcomes:
    """Read from an answer what was asked for, and nothing else. A record without a probe's name stands for them all."""
    found: dict[str, dict[str, Outcome]] = {}
    for statement, probes in asked.items():
        records = given.get(statement) if isinstance(given, Mapping) else None
        records = records if isinstance(records, Mapping) else {}
        whole = read_record(records[""]) if "" in records else NOTHING
        if isinstance(whole, Failure) and whole.kind == "undefined":
            whole = _cause_of(whole.text, missing, NOT_DEFINED) or whole
        found[statement] = {probe: read_record(records[probe]) if probe in records else whole for probe in probes}
    return found


def _explain(why: str, missing: Mapping[str, Failure]) -> str:
    """Add to a NameError how the cell of its name ended, where that is known."""
    cause = _cause_of(why, missing)
    return f"{end_sentence(why)} {cause.text}" if cause else why


def _cause_of(why: str, missing: Mapping[str, Failure], says: re.Pattern[str] = NAME_ERROR) -> Failure | None:
    """Give how the cell of a name ended that isn't defined, as `why` says, where that is known."""
    found = says.search(why)
    return missing.get(found[1]) if found else None


def _judge_statement(
    statement: Statement, found: Outcomes, right: Outcomes, wrong: WrongProbes, earlier: Verdicts
) -> StatementVerdict:
    """Give a statement its points where all probes of any one route agree, and the statements it rests on are right."""
    answers = found[statement.name]
    failing = {route_of(probe) for name, probe in wrong if name == statement.name}
    if not {*map(route_of, answers)} <= failing:
        for number, (foundation, verdict) in enumerate(earlier.items(), 1):
            if foundation in statement.depends_on and verdict.state != "right":
                return _verdict(statement, "not checked", NOT_TESTED.format(number))
        return _verdict(statement, "right")
    failure = _failure_in(answers)
    if failure is None:
        differing = {probe: right[name][probe] for name, probe in wrong if name == statement.name}
        return _verdict(statement, "wrong", _say_what_differs(statement, answers, differing))
    return _verdict(statement, STATES.get(failure.kind, "wrong"), with_line(failure.text, failure.line))


def _failure_in(answers: Mapping[str, Outcome]) -> Failure | None:
    return next((outcome for outcome in answers.values() if isinstance(outcome, Failure)), None)


def _say_what_differs(statement: Statement, answers: Mapping[str, Outcome], right: Mapping[str, Outcome]) -> str:
    """Say in which way results differ from the `right` ones of the same probes: their text, shape, or numbers."""
    if isinstance(statement, HasShape):  # which is a few numbers, too
        return DIFFERENT_SHAPE
    if isinstance(statement, Loop):  # all calls in one row of numbers, whose length depends on how many there are
        return DIFFERENT_CALLS
    arrays = [
        (given, wanted)
        for given, wanted in ((answers[probe], wanted) for probe, wanted in right.items())
        if not isinstance(given, Failure) and not isinstance(wanted, Failure)
    ]
    for given, wanted in arrays:
        if text_of(wanted) is not None:
            return DIFFERENT_TEXT if text_of(given) is not None else NO_TEXT
        if text_of(given) is not None:
            return NEEDLESS_TEXT
    if any(given.shape != wanted.shape for given, wanted in arrays if several_of(wanted) is None):
        return DIFFERENT_SHAPE
    if any(np.isfinite(wanted).all() and not np.isfinite(given).all() for given, wanted in arrays):
        return NOT_FINITE
    # Both sides of an invariant are the student's, and none of them is the right one.
    return DIFFERENT_SIDES if isinstance(statement, Invariant) else DIFFERENT


def _readable(value: Any) -> Array:
    """Write an input for a person who looks at a verdict: plain data of several kinds is text."""
    try:
        return read_answer(value)
    except Wrong:
        return read_answer(str(value))


def _verdict(statement: Statement, state: State, why: str = "") -> StatementVerdict:
    return StatementVerdict(statement.name, statement.text, statement.points, state, why)


def _record_all(found: Outcomes) -> dict[str, Any]:
    return {name: {probe: record(outcome) for probe, outcome in probes.items()} for name, probes in found.items()}
