"""What is wrong with an answer key, and with what its unit says of right code. `build` and `check` ask for the same.

| law | or else |
|---|---|
| right code is right, at the desk and on many draws | students lose points without a fault of theirs |
| what is right on one draw is not right on others | it can be written down without code |
| each step of a worked example is what right code gives | students follow a wrong one |
| each mistake loses points in its own part, on each draw that is tried | wrong code earns points |
| and in no part that looks at other code | one mistake costs twice |
| each has a fingerprint of its own, or says that it hasn't | its name is never told, or another one's is |
"""

import __future__

import inspect
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.findings import Finding, find
from lib.checking.help import BAD_EXAMPLE, EXAMPLES, work_example
from lib.checking.looks import look_at_ours
from lib.checking.student_code import Failure, silence
from lib.grading import units
from lib.grading.commands.fingerprints import build
from lib.grading.errors import CannotBuild
from lib.grading.judge.judge import draw_and_run
from lib.mistakes import Mistake
from lib.unit import Part, Question, Statement

LATE_ANNOTATIONS = __future__.annotations.compiler_flag
MANY = 30
"""Draws on which right code is tried."""
OFTEN = 6
"""On so many of these at most may be right what is right on the one before. A single truth value is so on half."""
RUNS = 2000
"""Ways to make a mistake are run so often in all, but on `FEWEST` draws at least: then a unit of a few hundred is tried
in half a minute, and one of a few on many draws."""
ENOUGH = 10
"""Mistakes of one part with which another part is tried: a part that harms by one harms by most."""
FEWEST = 2
LONG = 30.0
"""Seconds that the worked example of a part may take."""


def faults_of_key(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say what is wrong first; `answers` is the answer key's import string. What would only follow is left out."""
    yield from [*faults_of_parts(key, answers)] or faults_of_mistakes(key, answers)


def faults_of_parts(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say what is wrong of the unit's questions, its statements, and its right code."""
    yield from faults_of_questions(key.unit.questions, f"the unit {key.unit.name}")
    for part in key.parts:
        yield from _faults_of_words(key, part)
        yield from faults_of_right(key, part, answers)
    place = units.place_of_key(key)
    yield from faults_of_examples(key, place.module) if place else ()


def faults_of_examples(key: AnswerKey, module: str) -> Iterator[CannotBuild]:
    """Say which step of a worked example right code doesn't give, in the unit whose open half is `module`."""
    for part in key.parts:
        where = f"{module.replace('.', '/')}/{EXAMPLES}, the part {part.id!r}"
        try:
            example = work_example(part, key.subjects(part), module, monotonic() + LONG)
        except BAD_EXAMPLE as error:
            yield CannotBuild(
                f"{where}: a worked example that can't be read",
                found=units.describe(error),
                expected="TOML with `given` and `steps`, each with `text`, `by_hand` and `code`",
                attempt="compare it with lib/units/softmax_classifier/examples.toml",
            )
            return
        for step in (step for step in (example.steps if example else ()) if not step.agrees):
            yield CannotBuild(
                f"{where}, the step {step.text!r}: right code gives something else",
                found=step.found,
                expected=step.by_hand,
                attempt="work it out again by hand, or correct the step's code",
            )


def faults_of_mistakes(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say what is wrong of the mistakes, where right code is right."""
    with silence(), np.errstate(all="ignore"):
        found = [*_faults_of_points(key, answers)]
    yield from found or _faults_of_names(key, answers)


def place_of(statement: Statement) -> str:
    """Say in which file and line a statement's look stands, and the statement's name."""
    code = inspect.unwrap(statement.look).__code__
    return f"{code.co_filename}:{code.co_firstlineno}, {statement.name}"


def _faults_of_words(key: AnswerKey, part: Part) -> Iterator[CannotBuild]:
    """Say which statement has no hint, and which part with mistakes is worth nothing: none could cost points."""
    for statement in part.statements:
        if statement.points and not statement.hint:
            yield CannotBuild(
                f"{place_of(statement)}: a statement without a hint",
                found="no hint",
                expected="one thing to try where the statement is wrong",
                attempt='add a line such as  hint="Compute two samples by hand."',
            )
    if not part.points and any(mistake.part == part.id for mistake in key.mistakes):
        yield CannotBuild(
            f"the unit {key.unit.name}, the part {part.id!r}: a part that is worth nothing",
            found="0 points",
            expected="more: each of its mistakes has to cost points",
            attempt="give one of its statements some: points=1. A part for practice alone has no mistakes",
        )


def faults_of_questions(questions: Iterable[Question], where: str) -> Iterator[CannotBuild]:
    """Say which questions can't be answered as they are put."""
    ids = Counter(each.id for each in questions)
    for question in questions:
        place = f"{where}, the question {question.id!r}"
        if ids[question.id] > 1:
            yield CannotBuild(
                f"{place}: several questions with one name",
                found=f"{ids[question.id]} of them",
                expected="one",
                attempt="give the others names of their own",
            )
        if question.right not in range(len(question.choices)):
            yield CannotBuild(
                f"{place}: no choice is the one that is so",
                found=f"right = {question.right!r}, with {len(question.choices)} choices",
                expected="the number of a choice, counted from 0",
                attempt="correct `right`",
            )


# ---- Right code


def faults_of_right(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say on which draw first right code isn't right, or the unit's own code fails; and what is on others, too."""
    draws = {"on the inputs of the desk": part.desk_inputs}
    draws |= {f"drawn from seed {seed}": partial(part.secret_inputs, seed) for seed in range(MANY)}
    told_by_key = [each for each in part.statements if each.right is None]
    before, fitting = None, 0
    for drawn, draw in draws.items():
        try:
            inputs = draw()
            # What the answer key has to tell ships from one run, and is compared with another.
            first = look_at_ours(part, inputs, key.subjects(part)) if told_by_key else {}
            shown = look_at_ours(part, inputs, key.subjects(part))
            findings = find(part, inputs, shown, first)
            fitting += before is not None and _earns_all(find(part, inputs, before, first))
        except Exception as error:  # whatever a unit's own code may raise
            yield CannotBuild(
                f"{answers}, the part {part.id!r}, {drawn}: a unit whose own code fails",
                found=units.describe(error),
                expected="inputs, and right code that runs on them",
                attempt="run the part's `draw`, and its statements on right code, by hand",
            )
            return
        if wrong := next((each for each in findings if each.state != "right"), None):
            yield CannotBuild(
                f"{place_of(wrong.statement)}: right code is wrong, {drawn}",
                found=told(wrong),
                expected="right code that is right on every draw, and the same each time it runs",
                attempt=f"correct the statement, its examples, the draw or the right code of {part.id!r}",
            )
            return
        before = shown
    if part.points and fitting > OFTEN:
        yield CannotBuild(
            f"{answers}, the part {part.id!r}: a part that asks for the same on many draws",
            found=f"in {fitting} of {MANY} draws what right code shows on another one earns all points",
            expected="other results on most draws: this one can be written down without code",
            attempt="draw inputs, and sizes, for which the results differ, or ask for several results in one list",
        )


def _earns_all(findings: Iterable[Finding]) -> bool:
    """Tell whether all points are earned, but for statements on overflow: finite numbers are right on every draw."""
    asked = [each for each in findings if each.statement.points and not each.statement.is_about_overflow]
    return bool(asked) and all(each.state == "right" for each in asked)


def told(finding: Finding) -> str:
    """Say what was found of a statement, for an author: also what was expected."""
    why = finding.why
    return why.text if isinstance(why, Failure) else str(getattr(why, "sentence", why))


# ---- Mistakes


def _faults_of_points(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say which mistake earns all points on some draw, can't be run, or costs points in another part, too."""
    written = sum(len(mistake.sources) for mistake in key.mistakes)
    drawn = _Draws(key, max(FEWEST, min(MANY, RUNS // max(1, written))))
    harmed, tried = set[str](), Counter[tuple[str, str]]()
    for mistake in key.mistakes:
        where = f"{place_of_mistake(key, mistake)}, the mistake {mistake.name!r} of {mistake.part!r}"
        try:
            ways = [*mistake.objects(key.right)]
        except Exception as error:  # whatever changed code may raise
            yield _not_run(where, f"{type(error).__name__}: {error}")
            continue
        for number, objects in enumerate(ways):
            if fault := _fault_of_way(key, mistake, objects, where, drawn):
                yield fault
                break
            for part in _others(key, mistake) if number == 0 else ():
                tried[mistake.part, part.id] += 1
                if tried[mistake.part, part.id] > ENOUGH or part.id in harmed:
                    continue
                if lost := _lost_elsewhere(key, part, objects, drawn):
                    harmed.add(part.id)
                    yield CannotBuild(
                        f"{answers}, the part {part.id!r}, with the mistake {mistake.name!r} of {mistake.part!r}: a"
                        " part that loses points by a mistake in another",
                        found=told(lost),
                        expected="all points: that mistake costs some already",
                        attempt="let the look call functions of its own in place of the student's, by"
                        " Calls().within(f, g=…), or give what a method needs, by lib.checking.layers.prepare",
                    )


def _others(key: AnswerKey, mistake: Mistake) -> list[Part]:
    """Give the parts that look at other code than a mistake's."""
    return [part for part in key.parts if _code_of(part) != _code_of(key.part(mistake.part))]


def _code_of(part: Part | None) -> str:
    return part.code or part.subjects[0] if part else ""


class _Draws:
    """The inputs on which the mistakes of a key are tried, with what the judge knows of them."""

    def __init__(self, key: AnswerKey, count: int):
        self.count = count
        self._of = {part.id: [draw_and_run(key, part, seed) for seed in range(count)] for part in key.parts}

    def lost(self, part: Part, subjects: tuple[object, ...], seed: int) -> Finding | None:
        """Give the first statement with points that isn't right of these objects, as the judge sees them."""
        inputs, known = self._of[part.id][seed]
        found = find(part, inputs, look_at_ours(part, inputs, subjects), known)
        return next((each for each in found if each.statement.points and each.state != "right"), None)


def _fault_of_way(
    key: AnswerKey, mistake: Mistake, objects: Mapping[str, object], where: str, drawn: _Draws
) -> CannotBuild | None:
    """Say that one way to make a mistake earns all points on some draws; a change of any result may."""
    part = key.part(mistake.part)
    if part is None or mistake.is_generic:
        return None
    subjects = tuple(objects[name] for name in part.subjects)
    lost = [drawn.lost(part, subjects, seed) for seed in range(drawn.count)]
    if isinstance(lost[0], Finding) and "NameError" in (said := told(lost[0])):
        return _not_run(where, said)
    if earning := [seed for seed, each in enumerate(lost) if each is None]:
        return CannotBuild(
            f"{where}: a mistake that earns all points{'' if len(earning) == len(lost) else ' in some draws'}",
            found=f"all {part.points:g} points in {len(earning)} of {len(lost)} draws, such as from seed {earning[0]}",
            expected="fewer in each",
            attempt=f"draw inputs on which it always shows: try the part's secret_inputs({earning[0]}). Or add a"
            " statement that tells it from right code, or take it out",
        )
    return None


def _not_run(where: str, why: str) -> CannotBuild:
    return CannotBuild(
        f"{where}: changed code that can't be run",
        found=why,
        expected="right code with a change in it, and names of NumPy, of right code, or of `names`",
        attempt="correct the change",
    )


def _lost_elsewhere(key: AnswerKey, part: Part, objects: Mapping[str, object], drawn: _Draws) -> Finding | None:
    """Give what a part loses by wrong code of another one that it is given, or that its right code calls by name."""
    wrong = {name: each for name, each in objects.items() if key.right[name] is not each}
    subjects = tuple(wrong.get(name) or _define_among(key.right[name], wrong) for name in part.subjects)
    is_touched = any(one is not other for one, other in zip(subjects, key.subjects(part), strict=True))
    return drawn.lost(part, subjects, 0) if is_touched else None


def _define_among(right: Any, wrong: Mapping[str, object]) -> Any:
    """Define right code anew, so that it calls wrong code by its name as a student's would; or give it as it is."""
    try:
        source = textwrap.dedent(inspect.getsource(right))
        code = compile(source, "<right code>", "exec", LATE_ANNOTATIONS)
    except (OSError, TypeError, SyntaxError):  # it has no source, or none that stands by itself
        return right
    if not any(re.search(rf"\b{name}\b", source) for name in wrong):
        return right
    space = {**vars(sys.modules[right.__module__]), **wrong}
    exec(code, space)
    return space.get(right.__name__, right)


def place_of_mistake(key: AnswerKey, mistake: Mistake) -> str:
    """Say in which file and line of its unit a mistake stands, if it is found there."""
    place = units.places().get(key.unit.name)
    for file in sorted(place.closed.rglob("*.toml")) if place else ():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if mistake.name in line:
                return f"{file}:{number}"
    return f"the unit {key.unit.name}"


def _faults_of_names(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say which mistakes can't be told, or not from each other, without saying so."""
    for note in dict.fromkeys(build(key).notes):
        yield CannotBuild(
            f"{answers}: a mistake without numbers of its own",
            found=note,
            expected="a fingerprint that no other code has",
            attempt="draw other inputs, or say so in its group: same = { 'this' = 'that' }, or untold = ['this']",
        )
