"""Judging one part: read the results of student code, compare them, name the mistakes, and return a verdict.

Points come from the secret draw, by the same comparison as in a check at the desk. The mistake's name comes from the
desk's draw, by the shipped fingerprints. Students can forge those results, but that changes only their own hint.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lib.answer_key import AnswerKey
from lib.checking import fingerprints
from lib.checking.challenges import DESK, SECRET, read_shown
from lib.checking.findings import Diagnosis, Finding, Known, find
from lib.checking.fingerprints import DeskData, find_failed, groups_of, name_mistakes
from lib.checking.looks import Outcome, look_at_ours, places_of
from lib.checking.student_code import Failure, silence
from lib.grading import unit_registry
from lib.grading.errors import ConfigError, end_sentence, with_line
from lib.grading.judge import words
from lib.grading.judge.verdict import PartVerdict
from lib.grading.safe_names import visible
from lib.grading.unit_registry import describe
from lib.unit import Inputs, Part

Answers = Mapping[str, Any]
"""The output of a check at grading: for each draw a record for each place. It is untrusted, and may be any JSON."""
# Python's own message. A kernel sends errors as text, so there is no exception whose `name` could be read.
NAME_ERROR = re.compile(r"NameError: name '(\w+)' is not defined")


def judge(
    key: AnswerKey,
    part: Part,
    seed: int,
    answers: Answers | None,
    problem: str = "",
    missing: Mapping[str, Failure] = {},
) -> PartVerdict:
    """Return the verdict on one part's answer from the student's kernel: any JSON, or None if there was none.

    `missing` maps undefined names to the failures of the cells that should have defined them. An answer that can't be
    read as results is wrong, and never raises an error. Raises ConfigError if the unit's own code fails.
    """
    inputs, known = draw_and_run(key, part, seed)
    shown = {} if answers is None else _read(part, inputs, answers.get(SECRET), missing)
    findings = [each for each in find(part, inputs, shown, known) if each.max_points or not part.points]
    if answers is None:
        problem, cause = problem or "The check gave no answer.", _cause_of(problem, missing)
        unjudged = tuple(replace(each, state="not checked", why=None) for each in findings)
        problem = visible(f"{end_sentence(problem)} {cause}" if cause else problem)
        return PartVerdict(part.id, part.title, unjudged, problem=problem)
    if all(each.state == "right" for each in findings):
        return PartVerdict(part.id, part.title, tuple(findings))
    mistakes = _mistakes_of(key, part, read_shown(answers.get(DESK)))
    wrong = [each.name for each in findings if each.state == "wrong"]
    if wrong and mistakes and not any(name in mistakes for name in wrong):
        # One error in all results is shown once, at the first statement: so is its cause.
        mistakes = {wrong[0]: next(iter(mistakes.values()))}
    statements = tuple(_explain(each, mistakes, missing) for each in findings)
    first = next((each.mistake for each in statements if each.mistake), None)
    return PartVerdict(part.id, part.title, statements, first)


def draw_and_run(key: AnswerKey, part: Part, seed: int) -> tuple[Inputs, Known]:
    """Draw the inputs, and run right code on them if some right results can't be computed from the inputs.

    Raises ConfigError if either fails, or if the judge finds right code wrong, since it would reject every answer.
    """
    try:
        inputs = part.secret_inputs(seed)
        if all(statement.right for statement in part.statements):
            return inputs, {}
        with silence():  # right code may print
            shown = look_at_ours(part, inputs, key.subjects(part))
    except Exception as error:  # whatever a unit's own code may raise
        raise _unit_fails(part, describe(error)) from error
    for finding in find(part, inputs, shown, shown):
        if finding.why and finding.max_points:
            raise _unit_fails(part, with_line(words.why(finding), finding.why.line))
    return inputs, shown


def _unit_fails(part: Part, why: str) -> ConfigError:
    failing = f"the unit's own code fails on the inputs drawn for it, in {part.id}: {why}"
    return ConfigError(f"{failing}. Fix the unit, and grade again")


def _read(part: Part, inputs: Inputs, record: object, missing: Mapping[str, Failure]) -> dict[str, Outcome]:
    """Read the results on the secret draw. A record without a place is a failure of the whole check."""
    shown = read_shown(record)
    if isinstance(whole := shown.get(""), Failure) and not any(shown.keys() - {""}):
        if whole.kind == "undefined":
            whole = next((missing[name] for name in part.subjects if name in missing), whole)
        return {place: whole for each in part.statements for place, *_ in places_of(each, inputs)}
    return shown


def _explain(finding: Finding, mistakes: Mapping[str, Diagnosis], missing: Mapping[str, Failure]) -> Finding:
    """Add the mistake, and the cause if a name is missing because of another cell."""
    mistake, why = mistakes.get(finding.name) if finding.state == "wrong" else None, finding.why
    if why and why.is_of_code:
        why = replace(why, cause=_cause_of(why.text, missing))
    return replace(finding, why=why, mistake=mistake)


def _cause_of(text: str, missing: Mapping[str, Failure]) -> str:
    return missing[found[1]].text if (found := NAME_ERROR.search(text)) and found[1] in missing else ""


def _mistakes_of(key: AnswerKey, part: Part, at_desk: Mapping[str, Outcome]) -> dict[str, Diagnosis]:
    """Return the mistakes by the names of the statements that they make fail, from the results on the desk's draw."""
    data, inputs = shipped(key), part.at_desk
    failed = find_failed(part, inputs, at_desk, data.right.get(part.id, {}))
    return {
        each.name: Diagnosis(mistake.name, mistake.hint)
        for mistake in name_mistakes(part, inputs, at_desk, data, failed)
        for group in mistake.seals
        for each in groups_of(part)[group]
    }


def shipped(key: AnswerKey) -> DeskData:
    """Read what ships with the unit of an answer key: fingerprints, and right results on the desk's inputs."""
    place = unit_registry.find_by_key(key)
    return fingerprints.read(place.module) if place else DeskData({}, {})
