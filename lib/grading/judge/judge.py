"""Judging one part: read the results of student code, compare them, name the mistakes, and return a verdict.

Points come from the secret draw, by the same comparison as in a check at the desk. The mistake's name comes from the
desk's draw, by the shipped fingerprints. Students can forge those results, but that changes only their own hint.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lib.answer_key import AnswerKey
from lib.checking import fingerprints
from lib.checking.challenges import DESK, SECRET, read_shown, write_record
from lib.checking.error_hints import explain, hint_for
from lib.checking.findings import Finding, Known, find, sides
from lib.checking.fingerprints import DeskData, Measurement, Seal, find_failed, groups_of, name_mistakes
from lib.checking.looks import Outcome, Shown, look_at_ours, places_of
from lib.checking.results import Wrong, read, to_json
from lib.checking.student_code import Failure, attempt, silence
from lib.grading import unit_registry
from lib.grading.errors import UnitFailsError, end_sentence, with_line
from lib.grading.judge.verdict import Diagnosis, PartVerdict, StatementVerdict
from lib.grading.safe_names import visible
from lib.grading.unit_registry import describe
from lib.unit import Inputs, Part, Statement

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
    read as results is wrong, and never raises an error. Raises UnitFailsError if the unit's own code fails.
    """
    inputs, known = draw_and_run(key, part, seed)
    shown = {} if answers is None else _read(part, inputs, answers.get(SECRET), missing)
    findings = [each for each in find(part, inputs, shown, known) if each.statement.points]
    evidence = dict(_evidence([each for each in findings if each.state != "right"], inputs, shown, known))
    verdict = PartVerdict(
        part.id,
        part.title,
        tuple(_verdict(each, missing) for each in findings),
        challenge={name: _readable(value) for name, value in inputs.items()},
        answer={name: found for name, (found, _) in evidence.items()},
        expected={name: expected for name, (_, expected) in evidence.items()},
    )
    if answers is None:
        unjudged = tuple(replace(each, state="not checked", why="", hint="") for each in verdict.statements)
        problem = visible(_explain(problem or "The check gave no answer.", missing))
        return replace(verdict, statements=unjudged, problem=problem, answer={})
    if all(each.state == "right" for each in verdict.statements):
        return verdict
    return _name(key, part, verdict, read_shown(answers.get(DESK)))


def draw_and_run(key: AnswerKey, part: Part, seed: int) -> tuple[Inputs, Known]:
    """Draw the inputs, and run right code on them if some right results can't be computed from the inputs.

    Raises UnitFailsError if either fails, or if the judge finds right code wrong, since it would reject every answer.
    """
    try:
        inputs = part.secret_inputs(seed)
        if all(statement.right for statement in part.statements):
            return inputs, {}
        with silence():  # right code may print
            shown = look_at_ours(part, inputs, key.subjects(part))
    except Exception as error:  # whatever a unit's own code may raise
        raise UnitFailsError(part.id, describe(error)) from error
    known = known_of(part, inputs, shown)
    for finding in find(part, inputs, shown, known):
        if finding.state != "right" and finding.statement.points:
            why = finding.why
            raise UnitFailsError(part.id, with_line(_sentence(why), why.line if isinstance(why, Failure) else ""))
    return inputs, known


def known_of(part: Part, inputs: Inputs, shown: Shown) -> Known:
    """Return the right results by place, as at the desk: those of right code, or a digest for a sealed statement."""
    sealed = {place for each in part.statements if each.sealed for place, *_ in places_of(each, inputs)}
    return {**shown, **{place: Seal.of(Measurement({"": shown[place]})) for place in sealed}}


def _read(part: Part, inputs: Inputs, record: object, missing: Mapping[str, Failure]) -> dict[str, Outcome]:
    """Read the results on the secret draw. A record without a place is a failure of the whole check."""
    shown = read_shown(record)
    if isinstance(whole := shown.get(""), Failure) and not any(shown.keys() - {""}):
        if whole.kind == "undefined":
            whole = next((missing[name] for name in part.subjects if name in missing), whole)
        return {place: whole for each in part.statements for place, *_ in places_of(each, inputs)}
    return shown


def _verdict(finding: Finding, missing: Mapping[str, Failure]) -> StatementVerdict:
    statement, why, hint = finding.statement, finding.why, ""
    if isinstance(why, Wrong):
        hint = why.hint or (statement.hint if finding.is_first else "")
    elif isinstance(why, Failure) and finding.state == "wrong":
        # No hint, since the messages on time limits and on names from failed cells already have one.
        hint = "" if why.kind == "time" or _cause_of(why.text, missing) else visible(hint_for(why))
    text = visible(_explain(_sentence(why), missing), keep="\n")
    code = visible(why.line) if isinstance(why, Failure) else ""
    brief = why.what if isinstance(why, Wrong) else text
    heading = "" if finding.text == statement.text else finding.text
    about = statement.name, statement.text, statement.points
    return StatementVerdict(*about, finding.state, text, hint, isinstance(why, Failure), None, heading, code, brief)


def _sentence(why: Wrong | Failure | None) -> str:
    if isinstance(why, Wrong):
        return Wrong(why.what, where=why.where, found=why.found).sentence
    if isinstance(why, Failure):
        return " ".join(filter(None, [explain(why).text, why.text]))
    return ""


def _name(key: AnswerKey, part: Part, verdict: PartVerdict, at_desk: Mapping[str, Outcome]) -> PartVerdict:
    data, inputs = shipped(key), part.at_desk
    failed = find_failed(part, inputs, at_desk, data.right.get(part.id, {}))
    found = name_mistakes(part, inputs, at_desk, data, failed)
    statements = list(verdict.statements)
    for mistake in found:
        touched = {each.name for group in mistake.seals for each in groups_of(part)[group]}
        for number, each in enumerate(statements):
            if each.state == "wrong" and each.name in touched:
                statements[number] = replace(each, mistake=Diagnosis(mistake.name, mistake.hint), hint="")
    first = next((each.mistake for each in statements if each.mistake), None)
    return replace(verdict, statements=tuple(statements), mistake=first)


def shipped(key: AnswerKey) -> DeskData:
    """Read what ships with the unit of an answer key: fingerprints, and right results on the desk's inputs."""
    place = unit_registry.find_by_key(key)
    return fingerprints.read(place.module) if place else DeskData({}, {})


def _explain(why: str, missing: Mapping[str, Failure]) -> str:
    cause = _cause_of(why, missing)
    return f"{end_sentence(why)} {cause.text}" if cause else why


def _cause_of(why: str, missing: Mapping[str, Failure]) -> Failure | None:
    return missing.get(found[1]) if (found := NAME_ERROR.search(why)) else None


# ---- Evidence for an appeal


def _evidence(
    findings: Sequence[Finding], inputs: Inputs, shown: Shown, known: Known
) -> Iterator[tuple[str, tuple[dict[str, Any], dict[str, Any]]]]:
    for statement in (finding.statement for finding in findings):
        found, expected = dict[str, Any](), dict[str, Any]()
        for place, own_inputs, name, by_hand in places_of(statement, inputs):
            outcome = shown.get(place, Failure("value", "It gave no result."))
            pair = _both(statement, outcome, own_inputs, name, by_hand, known.get(place))
            found[place], expected[place] = map(write_record, pair)
        yield statement.name, (found, expected)


def _both(
    statement: Statement, outcome: Outcome, own_inputs: Inputs, name: str, by_hand: object, known: object
) -> tuple[Outcome, Outcome]:
    if isinstance(known, Seal):
        known = f"a result with the digest {known.digest}"
    if isinstance(outcome, Failure):
        return outcome, known
    pair = attempt(lambda: sides(statement, outcome, own_inputs, name, by_hand, known))
    return (outcome, pair) if isinstance(pair, Failure) else pair


def _readable(value: object) -> Any:
    plain = attempt(lambda: to_json(read(value)))
    return repr(value)[:80] if isinstance(plain, Failure) else plain
