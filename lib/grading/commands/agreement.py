"""Agreement of desk and judge: both find right code right, see the same in each mistake, and call it by its name."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial

from lib.answer_key import AnswerKey, Mistake
from lib.checking.answers import Copy, Outcomes
from lib.checking.help import name_mistake
from lib.checking.local_checks import examine
from lib.checking.rebinding import namespace_in, rebind
from lib.checking.statements import HasShape, Invariant
from lib.checking.student_code import Failure, attempt
from lib.checking.values import show
from lib.grading import units
from lib.grading.commands.build import CannotBuild
from lib.grading.commands.proof import SEEDS, lost_points, try_objects
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import outcomes, right_outcomes, wrong_probes
from lib.grading.judge.diagnosis import diagnose
from lib.grading.judge.judge import judge_part
from lib.grading.units import Place
from lib.unit import Inputs, Part, Question

MANY = 100
"""Draws on which right code must neither raise nor give another number of results."""
OFTEN = 20
"""In so many of these at most the right answer may be the same. A single truth value is the same in half of them."""
RUNS = 2000
"""How often mistakes are run to find one that some draws hide: one or two seconds, and all draws for 20 mistakes."""


def faults_of_worth(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say which part with mistakes is worth nothing: none could cost points. Without any, it is for practice."""
    if not part.points and any(mistake.part == part.id for mistake in key.mistakes):
        yield CannotBuild(
            f"{answers}, the part {part.id!r}: a part that is worth nothing",
            found="0 points",
            expected="more: each of its mistakes has to cost points",
            attempt="give one of its statements some: points = 1. A part for practice alone has no mistakes",
        )


def faults_of_names(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say which mistakes have no hint, or name one that is not there as having the same numbers."""
    known = {each.name for each in key.mistakes}
    for mistake in key.mistakes:
        where = f"{answers}, the mistake {mistake.name!r} of {mistake.part!r}"
        if not mistake.hint:
            yield CannotBuild(
                f"{where}: a mistake without a hint",
                found="no hint",
                expected="one thing to try, which students read below the name",
                attempt="write it behind the name",
            )
        for name in mistake.same_as:
            if name not in known:
                yield CannotBuild(
                    f"{where}: it is said to have the numbers of a mistake that is not there",
                    found=f"same_as=({name!r},)",
                    expected="the name of another mistake, as it is written there",
                    attempt="copy that name, or take it out",
                )


def faults_of_questions(questions: Collection[Question], module: str) -> Iterator[CannotBuild]:
    """Say which questions can't be answered as they are put."""
    ids = Counter(each.id for each in questions)
    for question in questions:
        where = f"{module}, the question {question.id!r}"
        if ids[question.id] > 1:
            yield CannotBuild(
                f"{where}: several questions with one name",
                found=f"{ids[question.id]} of them",
                expected="one",
                attempt="give the others names of their own",
            )
        if question.right not in range(len(question.choices)):
            yield CannotBuild(
                f"{where}: no choice is the one that is so",
                found=f"right = {question.right!r}, with {len(question.choices)} choices",
                expected="the number of a choice, counted from 0",
                attempt="correct `right`",
            )


def faults_of_draws(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say on which of many draws right code raises, or the draw itself does, and which answer comes too often."""
    compared = [each for each in part.statements if each.points and not isinstance(each, HasShape | Invariant)]
    shown: dict[str, str] = {}
    answered = Counter[str]()
    expected, first = f"{part.points:g} points in every draw", "run right code by hand on"
    for seed in range(MANY):
        drawn = None
        try:
            drawn = drawn_for(part, seed)
            right = outcomes(part, drawn, key.subjects(part))
        except Exception as error:  # whatever a unit's own code may raise
            found = units.describe(error)
            if drawn is None:
                expected, first = "a dict of numbers, arrays, text, and lists of them", "correct its `draw`, and try"
        else:
            found = lost_points(judge_part(part, drawn, right, right_outcomes(key, part, drawn)))
            answer = {each.name: right[each.name] for each in compared}
            given = [one for each in answer.values() for one in each.values()]
            numbers = repr([one.text if isinstance(one, Failure) else one.tolist() for one in given])
            shown.setdefault(numbers, _show_all(answer))
            answered[numbers] += 1
        if found:
            yield CannotBuild(
                f"{answers}, the part {part.id!r}, drawn from seed {seed}: a draw on which right code fails",
                found=found,
                expected=expected,
                attempt=f"{first} drawn_for({part.name}, {seed}), from lib.grading.judge.challenge",
            )
            return
    [(most, times)] = answered.most_common(1)
    if compared and times > OFTEN:
        yield CannotBuild(
            f"{answers}, the part {part.id!r}: a part whose right answer is often the same",
            found=f"in {times} of {MANY} draws {shown[most]}",
            expected="other answers in most draws: code that always gives this one earns all points there",
            attempt="draw inputs, and sizes, for which the results differ, or ask for several results in one list",
        )


def faults_of_luck(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say which mistakes cost points on the inputs that `build` draws, and earn all on others."""
    ways = [way for each in key.mistakes if each.part == part.id for way in each.ways]
    lucky: dict[str, set[int]] = {}
    draws = [seed for seed in range(min(MANY, RUNS // max(1, len(key.mistakes)))) if seed not in SEEDS]
    for seed in draws:
        drawn = drawn_for(part, seed)
        right = right_outcomes(key, part, drawn)
        for way in ways:
            if not lost_points(judge_part(part, drawn, outcomes(part, drawn, key.subjects(part, way)), right)):
                lucky.setdefault(way.name, set()).add(seed)
    for name, seeds in lucky.items():
        yield CannotBuild(
            f"{answers}, the mistake {name!r} of {part.id!r}: a mistake that earns all points in some draws",
            found=f"all {part.points:g} points in {len(seeds)} of {len(draws)} draws, such as from seed {min(seeds)}",
            expected="fewer in each",
            attempt=f"draw inputs on which it always shows: run it on drawn_for({part.name}, {min(seeds)}), from "
            "lib.grading.judge.challenge",
        )


def faults_of_checks(key: AnswerKey, part: Part, place: Place) -> Iterator[CannotBuild]:
    """Say where desk and judge differ on the right code or on a mistake, and which mistakes they don't name."""
    for statement in part.statements:
        if statement.points and not statement.hint:
            yield CannotBuild(
                f"{place.module}, {statement.name}: a statement without a hint",
                found="no hint",
                expected="one thing to try where the statement is wrong",
                attempt='add a line such as  hint = "Compute two samples by hand."',
            )
    report = examine(part, key.subjects(part))
    if not report.right:
        yield CannotBuild(
            f"{place.module}, check.{part.name}: a check that calls the right answer wrong",
            found=str(report),
            expected="every statement right",
            attempt="correct the statement, its examples, or the right answer",
        )
        return
    yield from _faults_of_returns(key, part, place)
    drawn = drawn_for(part, SEEDS[0])
    right = outcomes(part, drawn, key.subjects(part))
    for mistake in (mistake for mistake in key.mistakes if mistake.part == part.id):
        yield from _faults_of_mistake(key, part, mistake, place, drawn, right)


def _faults_of_returns(key: AnswerKey, part: Part, place: Place) -> Iterator[CannotBuild]:
    """Say which statements return something at the desk, such as False: only an error says there that one fails."""
    for statement in part.statements:
        returned = attempt(partial(statement.holds, Copy(part.desk_inputs()), *key.subjects(part)))
        if returned is not None and not isinstance(returned, Failure):
            yield CannotBuild(
                f"{place.module}, {statement.name}.holds: a statement that returns something at the desk, where nobody"
                " looks at it",
                found=repr(returned),
                expected="nothing, or an error",
                attempt="raise lib.checking.values.Wrong where the statement fails",
            )


def _faults_of_mistake(
    key: AnswerKey, part: Part, mistake: Mistake, place: Place, drawn: Inputs, right: Outcomes
) -> Iterator[CannotBuild]:
    """Say what desk and judge see differently in a mistake, and who does not call it by its name."""
    where = f"{place.answers}, the mistake {mistake.name!r} of {part.id!r}"
    subjects = key.subjects(part, mistake)
    found = try_objects(key, part, mistake, drawn, where)
    judged = {verdict.name: verdict.state == "right" for verdict in judge_part(part, drawn, found, right)}
    at_desk = {each.statement.name: each.state == "right" for each in examine(part, subjects).findings}
    for name in (name for name, is_right in judged.items() if at_desk.get(name, is_right) != is_right):
        desk, judge = ("right", "wrong") if at_desk[name] else ("wrong", "right")
        yield CannotBuild(
            f"{where}: a statement that desk and judge see differently",
            found=f"{name} is {desk} at the desk, and {judge} for the judge",
            expected="the same",
            attempt="let `holds` and `probes` look at the same things, and draw inputs on which it shows",
        )
    names = {mistake.name, *mistake.same_as}
    named = name_mistake(part, subjects, place.module)
    if named is None or named.name not in names:
        yield _unnamed(where, "the desk", named.name if named else "", names, found)
    diagnosis = diagnose(key, part, drawn, found, right, wrong_probes(part.statements, drawn, found, right))
    if diagnosis is None or diagnosis.name not in names:
        yield _unnamed(where, "grading", diagnosis.name if diagnosis else "", names, found)


def _unnamed(where: str, who: str, found: str, names: set[str], gives: Outcomes) -> CannotBuild:
    return CannotBuild(
        f"{where}: a mistake that {who} does not call by its name",
        found=f"the name {found!r}" if found else "no name",
        expected=" or ".join(map(repr, sorted(names))),
        attempt="say same_as=(the other's name,), or add a probe in which the two differ"
        if found
        else "correct its code or the inputs, so that its answer is no error and not empty, or take it out: nothing"
        f" tells it from other code. What came of it: {_show_all(gives)}",
    )


def _show_all(found: Outcomes) -> str:
    told = (each for probes in found.values() for each in probes.values())
    return ", ".join(dict.fromkeys(each.text if isinstance(each, Failure) else show(each) for each in told))


def faults_of_consequences(key: AnswerKey, part: Part, answers: str) -> Iterator[CannotBuild]:
    """Say where a mistake in other code costs points in a part that is given that code, or whose own code calls it."""
    drawn, reached = drawn_for(part, SEEDS[0]), {*part.subjects[1:], *names_called(key, part)}
    right = right_outcomes(key, part, drawn)
    for mistake in (mistake for mistake in key.mistakes if mistake.part != part.id and reached & mistake.code.keys()):
        misled = call_mistake(key, part, mistake)
        found = try_objects(misled, part, mistake, drawn, f"{answers}, the part {part.id!r}")
        if lost := lost_points(judge_part(part, drawn, found, right)):
            name = ", ".join(sorted(reached & mistake.code.keys()))
            yield CannotBuild(
                f"{answers}, the part {part.id!r}, with the mistake {mistake.name!r} of {mistake.part!r}: a part that"
                " loses points by a mistake in another",
                found=lost,
                expected="all points: that mistake costs some already",
                attempt=f"let the statement call a {name} of its own in place of the student's, as "
                f"spies.within({part.subjects[0]}, {name}=…) does in a Loop, and Spies().within elsewhere",
            )
            return


def names_called(key: AnswerKey, part: Part) -> set[str]:
    """Name the other right objects that the right code of a part may call by their names, as a student's does."""
    own = part.subjects[0]
    namespace = namespace_in(key.right[own]) or {}
    return {name for name, right in key.right.items() if name != own and namespace.get(name) is right}


def call_mistake(key: AnswerKey, part: Part, mistake: Mistake) -> AnswerKey:
    """Have the right code of a part call a mistake's code where it calls right code by its name."""
    called = {name: mistake.code[name] for name in names_called(key, part) & mistake.code.keys()}
    if not called:
        return key
    own = part.subjects[0]
    return replace(key, right={**key.right, own: rebind(key.right[own], called)})
