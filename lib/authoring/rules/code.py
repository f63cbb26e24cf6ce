"""Laws of a unit's code: right code is right on every draw, and a mistake costs points, once, and has a name."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice, pairwise
from time import process_time
from typing import Any

import numpy as np

from lib.authoring.make_fingerprints import of_part
from lib.authoring.trial import DESK, Drawn, Faults, Trial
from lib.checking.chance import Chance
from lib.checking.findings import Finding, find
from lib.checking.help import BAD_EXAMPLE, EXAMPLES, work_example
from lib.checking.looks import look_at_ours, of_case
from lib.checking.spies import namespace_of
from lib.checking.student_code import Budget, Failure
from lib.grading import unit_registry
from lib.grading.errors import Fault, file_line
from lib.mistakes import Mistake
from lib.unit import Look, Part, Statement

MANY, FEWEST, FEW = 30, 6, 2
"""Draws on which right code is tried, the fewest of them, and the fewest for each mistake."""
SECONDS = 0.5
"""Seconds of a processor after which the fewest draws are enough: once for right code of a part, and once for its
mistakes."""
OFTEN = 0.2
"""On this share of them at most may be right what is right on the one before. A single truth value is so on half."""
ENOUGH = 10
"""Mistakes of one part with which another part is tried: a part that harms by one harms by most."""
LONG = 30.0
"""Seconds that the worked example of a part may take."""


# Words


def has_hints(trial: Trial) -> Faults:
    """Each statement with points has a hint: one thing to try where it is wrong."""
    for part in trial.parts:
        for statement in part.statements:
            if statement.points and not statement.hint:
                attempt = 'add a line such as  hint="Compute two samples by hand."'
                yield Fault(where(statement), f"{statement.name}: a statement without a hint", attempt)


def is_worth_something(trial: Trial) -> Faults:
    """A part with mistakes has points, which each of them costs. A part for practice alone has none."""
    for part in trial.parts:
        if not part.points and any(mistake.part == part.id for mistake in trial.key.mistakes):
            attempt = "give one of its statements some: points=1"
            yield Fault(where(part), f"the part {part.id!r} is worth nothing", attempt, found="0 points")


def asks_what_has_an_answer(trial: Trial) -> Faults:
    """A question has an id of its own, and `right` is the number of a choice, counted from 0."""
    ids = Counter(question.id for question in trial.key.unit.questions)
    for question in trial.key.unit.questions:
        place, what = _find_line(trial, question.id, "*.py"), f"the question {question.id!r}"
        if ids[question.id] > 1:
            found = f"{ids[question.id]} of them"
            yield Fault(place, f"{what}: several questions with one name", "give the others their own", found=found)
        if question.right not in range(len(question.choices)):
            found = f"right = {question.right!r}, with {len(question.choices)} choices"
            yield Fault(place, f"{what}: no choice is the one that is so", "correct `right`", found=found)


# Right code


def draws_the_same_again(trial: Trial) -> Faults:
    """A part draws the same inputs from one seed: the student's kernel and the judge both draw."""
    for part in trial.parts:
        try:
            once, again = (repr([*map(_text_of, part.secret_inputs(0).items())]) for _ in range(2))
        except Exception:  # of what fails another law tells
            continue
        if once != again:
            code = getattr(part.draw, "__code__", None)
            at = file_line(code.co_filename, code.co_firstlineno) if code else where(part)
            what = f"the draw of {part.id!r} gives other inputs each time"
            yield Fault(at, what, "draw from the rng that it is given")


def _text_of(item: tuple[str, object]) -> str:
    name, value = item
    return f"{name}: {'' if callable(value) else value!r}"


def right_code_is_right(trial: Trial) -> Faults:
    """Right code is right on every draw, and the same each time it runs."""
    for part in trial.parts:
        for seed in _draws((DESK, *range(MANY)), FEWEST):
            drawn = f"of {part.id!r}, {'on the inputs of the desk' if seed == DESK else f'drawn from seed {seed}'}"
            try:
                wrong = next((each for each in _findings(part, trial.draw(part, seed)) if each.state != "right"), None)
                if wrong and isinstance(wrong.why, Failure):
                    _raise_again(trial, part, wrong.statement, seed)
            except Exception as error:  # whatever a unit's own code may raise
                yield Fault(
                    unit_registry.line_of(error) or where(part),
                    f"the unit's own code fails, {drawn}",
                    f"correct it. {_see_draw(trial, part, seed)}",
                    found=f"{type(error).__name__}: {error}",
                    expected="inputs, and right code that runs on them",
                )
                break
            if wrong:
                yield Fault(
                    where(wrong.statement),
                    f"{wrong.statement.name}: right code is wrong, {drawn}",
                    f"correct the statement, its examples, the draw or the right code. {_see_draw(trial, part, seed)}",
                    found=told(wrong),
                )
                break


def _draws(seeds: Iterable[int], fewest: int) -> Iterator[int]:
    """Yield seeds until the time for them is spent."""
    begin = process_time()
    for number, seed in enumerate(seeds):
        if number >= fewest and process_time() - begin > SECONDS:
            return
        yield seed


def _raise_again(trial: Trial, part: Part, statement: Statement, seed: int) -> None:
    for case in statement.cases:
        statement.look(of_case(trial.draw(part, seed).inputs, case), *trial.key.subjects(part))


def _see_draw(trial: Trial, part: Part, seed: int) -> str:
    call = "desk_inputs()" if seed == DESK else f"secret_inputs({seed})"
    shown = f"UNIT.parts[{trial.key.parts.index(part)}].{call}"
    module = trial.place.module if trial.place else f"lib.units.{trial.name}"
    return f'To see the draw: python -c "from {module} import UNIT; print({shown})"'


def _findings(part: Part, drawn: Drawn) -> list[Finding]:
    return find(part, drawn.inputs, drawn.shown, drawn.known)


def examples_agree(trial: Trial) -> Faults:
    """Each step of a worked example is what right code gives."""
    if trial.place is None:
        return
    file = file_line(trial.place.folder / EXAMPLES)
    for part in trial.parts:
        what = f"the worked example of {part.id!r}"
        try:
            example = work_example(part, trial.key.subjects(part), trial.place.module, Budget(LONG))
        except BAD_EXAMPLE as error:
            attempt = "compare it with lib/units/softmax_classifier/examples.toml"
            expected = "TOML with `given` and `steps`, each with `text`, `by_hand` and `code`"
            yield Fault(file, f"{what} can't be read", attempt, found=unit_registry.describe(error), expected=expected)
            return
        for step in (step for step in (example.steps if example else ()) if not step.agrees):
            gives = f"{what}, step {step.text!r}: right code gives something else"
            attempt = "work it out again by hand, or correct the step's code"
            yield Fault(file, gives, attempt, found=step.found, expected=step.by_hand)


def asks_for_other_results(trial: Trial) -> Faults:
    """What is right on one draw is wrong on most others: else it can be written down without code."""
    for part in trial.parts:
        draws = trial.drawn(part)
        again = [now._replace(shown=before.shown) for before, now in pairwise(draws)]
        fitting = sum(_earns_all(_findings(part, each)) for each in again)
        if part.points and fitting > OFTEN * len(again):
            yield Fault(
                where(part),
                f"the part {part.id!r} asks for the same on many draws",
                "draw inputs, and sizes, for which the results differ, or ask for several results in one list",
                found=f"in {fitting} of {len(again)} draws what right code shows on another one earns all points",
            )


def _earns_all(findings: Iterable[Finding]) -> bool:
    """True if all points are earned, but for statements on overflow: finite numbers are right on every draw.

    What is right of random code, such as a mean about 0, may be so on every draw, too: that alone is no fault.
    """
    asked = [each for each in findings if each.statement.points and not each.statement.is_about_overflow]
    is_certain = any(not isinstance(each.statement.right, Chance) for each in asked)
    return is_certain and all(each.state == "right" for each in asked)


def can_fail(trial: Trial) -> Faults:
    """A statement with points fails for some code."""
    for part in trial.parts:
        never = [statement for statement in part.statements if statement.points]
        for subjects in _wrong_codes(trial, part):
            if not never:
                break
            right = {each.statement for each in trial.judge(part, subjects, 0) if each.state == "right"}
            never = [statement for statement in never if statement in right]
        for statement in never:
            yield Fault(
                where(statement),
                f"{statement.name}: a statement that never fails",
                "give what student code has computed, and look at what it is compared with",
                found="all mistakes, code that gives None and code that gives random numbers are right",
            )


def _wrong_codes(trial: Trial, part: Part) -> Iterator[tuple[object, ...]]:
    for _, own, ways in _written(trial):
        yield from (_subjects(part, objects) for objects in ways if own is part)
    rng = np.random.default_rng(0)
    for give in (lambda *given, **named: None), (lambda *given, **named: rng.normal()):
        yield tuple(_stand_in(subject, give) for subject in trial.key.subjects(part))


def _stand_in(right: object, give: Callable[..., Any]) -> object:
    if not isinstance(right, type):
        return give
    methods = {name: give for name, each in vars(right).items() if callable(each)}
    return type(right.__name__, (), {**methods, "__init__": lambda self, *given, **named: None})


# Mistakes


def mistakes_can_be_run(trial: Trial) -> Faults:
    """A mistake is right code with a change in it, and has names of NumPy, of right code, or of `names`."""
    for mistake, part, ways in _written(trial):
        lost = [trial.lost(part, _subjects(part, objects), 0) for objects in ways] if not mistake.is_generic else []
        said = [text for each in lost if each and "NameError" in (text := told(each))]
        said += [trial.undefined[mistake]] if mistake in trial.undefined and not mistake.is_generic else []
        if said:
            what = _of(mistake, "changed code that can't be run")
            yield Fault(_place_of(trial, mistake), what, "correct the change", found=said[0])


def mistakes_cost_points(trial: Trial) -> Faults:
    """A mistake costs points on every draw, in whatever way it is made."""
    for part in trial.parts:
        # Not each change of any result is a mistake everywhere, and a part worth nothing is told of by another law.
        written = [(mistake, ways) for mistake, own, ways in _written(trial) if own is part and not mistake.is_generic]
        found, draws = dict[Mistake, list[int]](), 0
        for seed in _draws(range(MANY), FEW) if part.points and written else ():
            draws += 1
            for mistake, ways in written:
                if any(_earns(trial, part, _subjects(part, objects), seed) for objects in ways):
                    found.setdefault(mistake, []).append(seed)
        for mistake, earning in found.items():
            what = f"a mistake that earns all points{'' if len(earning) == draws else ' in some draws'}"
            advice = "draw inputs on which it always shows, add a statement that tells it from right code, or take it"
            attempt = f"{advice} out. {_see_draw(trial, part, earning[0])}"
            count = f"{part.points:g} points in {len(earning)} of {draws} draws, such as from seed {earning[0]}"
            yield Fault(_place_of(trial, mistake), _of(mistake, what), attempt, found=f"all {count}")


def _earns(trial: Trial, part: Part, subjects: tuple[object, ...], seed: int) -> bool:
    """True if code earns all points on a draw. Where it lost some on the first, it mostly does by the same look."""
    first = trial.lost(part, subjects, 0) if seed else None
    if first and trial.lost(_look_alone(part, first.statement.look), subjects, seed):
        return False
    return trial.lost(part, subjects, seed) is None


@lru_cache(maxsize=256)
def _look_alone(part: Part, look: Look) -> Part:
    return replace(part, statements=tuple(each for each in part.statements if each.look is look))


def mistakes_cost_once(trial: Trial) -> Faults:
    """A mistake costs no points in parts that look at other code: it has cost some already."""
    attempt = (
        "let the look call functions of its own in place of the student's, by Calls().within(f, g=…), or give what a"
        " method needs, by lib.checking.layers.prepare"
    )
    for part in trial.parts:
        others = [own for own in trial.key.parts if _code_of(own) != _code_of(part)]
        mistakes = chain.from_iterable(islice(_of_part(trial, own), ENOUGH) for own in others)
        for mistake, objects in mistakes:
            if lost := _lost_elsewhere(trial, part, objects):
                what = f"the part {part.id!r} loses points by a mistake in another, {_of(mistake)}"
                yield Fault(where(lost.statement), what, attempt, found=told(lost))
                break


def _of_part(trial: Trial, part: Part) -> Iterator[tuple[Mistake, Mapping[str, object]]]:
    for mistake in trial.key.mistakes:
        if mistake.part == part.id and (ways := trial.ways(mistake)):
            yield mistake, ways[0]


def mistakes_have_names(trial: Trial) -> Faults:
    """A mistake has numbers that no other code has, by which it is named."""
    attempt = (
        "draw other inputs, or say so in its group: same = { 'this' = 'that' }, untold = ['this'], or named = ['this']"
        " where it only raises, or gives nan or nothing"
    )
    for part in trial.parts:
        for mistake, found in dict.fromkeys(of_part(trial.key, part).notes):
            what = _of(mistake, "a mistake without numbers of its own")
            yield Fault(_place_of(trial, mistake), what, attempt, found=found)


def _written(trial: Trial) -> Iterator[tuple[Mistake, Part, list[Mapping[str, object]]]]:
    for mistake in trial.key.mistakes:
        if (part := trial.key.part(mistake.part)) in trial.parts and part:
            yield mistake, part, trial.ways(mistake)


def _subjects(part: Part, objects: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(objects[name] for name in part.subjects)


def _code_of(part: Part) -> str:
    return part.code or part.subjects[0]


def _lost_elsewhere(trial: Trial, part: Part, objects: Mapping[str, object]) -> Finding | None:
    """Return what a part loses by wrong code of another one that it is given, or that its right code calls by name."""
    wrong = {name: each for name, each in objects.items() if trial.key.right[name] is not each}
    sources = " ".join(map(_source_of, trial.key.subjects(part)))
    if not any(name in part.subjects or re.search(rf"\b{name}\b", sources) for name in wrong):
        return None
    inputs, known, _ = trial.draw(part, 0)
    called = [({**home}, home) for right in trial.key.subjects(part) if (home := namespace_of(right))]
    try:
        for before, home in called:
            home.update({name: each for name, each in wrong.items() if name in before})
        found = find(part, inputs, look_at_ours(part, inputs, _subjects(part, objects)), known)
    finally:
        for before, home in called:
            home.update(before)
    return next((each for each in found if each.statement.points and each.state != "right"), None)


def _source_of(right: Any) -> str:
    with suppress(OSError, TypeError):  # it has none
        return inspect.getsource(right)
    return ""


# What is said


def where(about: Part | Statement) -> str:
    """Return in which file and line a statement's look stands; of a part, that of its first one."""
    statement = about if isinstance(about, Statement) else about.statements[0]
    code = inspect.unwrap(statement.look).__code__
    return file_line(code.co_filename, code.co_firstlineno)


def told(finding: Finding) -> str:
    """Return what was found of a statement, for an author: also what was expected."""
    why = finding.why
    return why.text if isinstance(why, Failure) else str(getattr(why, "sentence", why))


def _of(mistake: Mistake, what: str = "") -> str:
    return f"the mistake {mistake.name!r} of {mistake.part!r}{what and ': '}{what}"


def _place_of(trial: Trial, mistake: Mistake) -> str:
    return _find_line(trial, mistake.name, f"{unit_registry.CLOSED}/**/*.toml")


def _find_line(trial: Trial, text: str, pattern: str) -> str:
    for file in sorted(trial.place.folder.glob(pattern)) if trial.place else ():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if text in line:
                return file_line(file, number)
    return trial.answers
