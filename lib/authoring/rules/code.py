"""Rules of a unit's code: right code is right on every draw, and each mistake costs points once and has a name."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from itertools import chain, islice, pairwise
from time import process_time
from unittest.mock import patch

from lib.authoring.make_fingerprints import of_part
from lib.authoring.trial import DESK, Draw, Faults, Trial
from lib.checking.findings import Finding, find
from lib.checking.looks import of_case
from lib.checking.right import Chance
from lib.checking.spies import namespace_of
from lib.grading import unit_registry
from lib.grading.errors import Fault, file_line
from lib.mistakes import Location, Mistake
from lib.unit import Part, Statement

MANY, FEWEST, FEW = 30, 6, 2
"""The largest and the smallest number of draws for right code, and the smallest number for each mistake."""
SECONDS = 0.5
"""The processor time in seconds after which the smallest number of draws is enough: for a part's right code, and again
for its mistakes."""
OFTEN = 0.2
"""The largest share of draws on which the results of the draw before may be right. For one truth value it is half."""
ENOUGH = 10
"""The number of mistakes of one part that are tried on another part: usually either none or most cost points there."""


# Right code


def draws_the_same_again(trial: Trial) -> Faults:
    """A part draws the same inputs from the same seed: the student's kernel and the judge both draw."""
    for part in trial.parts:
        try:
            draws = (part.secret_inputs(0).items() for _ in range(2))
            once, again = (repr([(name, each) for name, each in draw if not callable(each)]) for draw in draws)
        except Exception:  # another rule reports this
            continue
        if once != again:
            code = getattr(part.draw, "__code__", None)
            at = file_line(code.co_filename, code.co_firstlineno) if code else where(part)
            what = f"the draw of {part.id!r} returns other inputs each time"
            yield Fault(at, what, "use only the rng that it gets as its argument")


def right_code_is_right(trial: Trial) -> Faults:
    """Right code is right on every draw, and has the same results in each run."""
    for part in trial.parts:
        for seed in _draws((DESK, *range(MANY)), FEWEST):
            draw = "on the inputs of the local check" if seed == DESK else f"drawn from seed {seed}"
            drawn = f"of {part.id!r}, {draw}"
            try:
                wrong = next((each for each in _findings(part, trial.draw(part, seed)) if each.state != "right"), None)
                lost = part.statement(wrong.name) if wrong else None
                if lost and wrong and wrong.why and wrong.why.is_of_code:  # again, for an exception with a traceback
                    for case in lost.cases:
                        inputs = of_case(trial.draw(part, seed).inputs, case)
                        lost.look(inputs, *trial.key.subjects(part))
            except Exception as error:  # a unit's code may raise anything
                yield Fault(
                    unit_registry.line_of(error) or where(part),
                    f"the unit's own code fails, {drawn}",
                    f"correct it. {_see_draw(trial, part, seed)}",
                    found=f"{type(error).__name__}: {error}",
                    expected="inputs, and right code that runs on them",
                )
                break
            if wrong and lost:
                yield Fault(
                    where(lost),
                    f"{lost.name}: right code is wrong, {drawn}",
                    f"correct the statement, its examples, the draw or the right code. {_see_draw(trial, part, seed)}",
                    found=describe(wrong),
                )
                break


def _draws(seeds: Iterable[int], fewest: int) -> Iterator[int]:
    begin = process_time()
    for number, seed in enumerate(seeds):
        if number >= fewest and process_time() - begin > SECONDS:
            return
        yield seed


def _see_draw(trial: Trial, part: Part, seed: int) -> str:
    call = "desk_inputs()" if seed == DESK else f"secret_inputs({seed})"
    shown = f"UNIT.parts[{trial.key.parts.index(part)}].{call}"
    module = trial.place.module if trial.place else f"lib.units.{trial.name}"
    return f'To see the draw: python -c "from {module} import UNIT; print({shown})"'


def _findings(part: Part, drawn: Draw) -> list[Finding]:
    return find(part, drawn.inputs, drawn.shown, drawn.known)


def asks_for_other_results(trial: Trial) -> Faults:
    """Results that are right on one draw are wrong on most others, so that constants don't earn points."""
    for part in trial.parts:
        draws = trial.draws(part)
        again = [now._replace(shown=before.shown) for before, now in pairwise(draws)]
        fitting = sum(_earns_all(part, _findings(part, each)) for each in again)
        if part.points and fitting > OFTEN * len(again):
            yield Fault(
                where(part),
                f"the part {part.id!r} has the same right results on many draws",
                "draw inputs and sizes with different results, or return several results in one list",
                found=f"in {fitting} of {len(again)} draws the right results of another draw earn all points",
            )


def _earns_all(part: Part, findings: Iterable[Finding]) -> bool:
    # Statements on overflow don't count, because finite numbers are right on every draw. Statements on random numbers,
    # such as a mean of about 0, may be right on every draw as well: alone they aren't enough for a fault.
    pairs = zip(part.reported, findings, strict=True)
    with_points = [(one, found) for one, found in pairs if one.points and "nan" not in one.hint_also_for]
    is_certain = any(not isinstance(one.right, Chance) for one, _ in with_points)
    return is_certain and all(found.state == "right" for _, found in with_points)


# Mistakes


def mistakes_can_be_run(trial: Trial) -> Faults:
    """A mistake is changed right code. It uses only names of NumPy, of right code, or of `names`."""
    for part in trial.parts:
        for mistake in (each for each in trial.key.mistakes if each.part == part.id and not each.is_generic):
            try:
                lost = [trial.first_lost(part, objects, 0) for objects in mistake.objects(trial.key.right)]
                error = next((text for each in lost if each and "NameError" in (text := describe(each))), "")
            except Exception as raised:  # changed code may raise anything
                error = f"{type(raised).__name__}: {raised}"
            if error:
                what = _of(mistake, "changed code that can't be run")
                yield Fault(_place_of(trial, mistake), what, "correct the change", found=error)


def mistakes_cost_points(trial: Trial) -> Faults:
    """A mistake costs points on every draw, in each way to make it."""
    for part in trial.parts:
        # Changes of any result may be right in some parts. Another rule reports a part without points.
        own = [(mistake, ways) for mistake, ways in _mistakes_of(trial, part) if not mistake.is_generic]
        found, draws = dict[Mistake, list[int]](), 0
        for seed in _draws(range(MANY), FEW) if part.points and own else ():
            draws += 1
            for mistake, ways in own:
                if any(trial.first_lost(part, objects, seed) is None for objects in ways):
                    found.setdefault(mistake, []).append(seed)
        for mistake, earning in found.items():
            what = f"a mistake that earns all points{'' if len(earning) == draws else ' in some draws'}"
            advice = "draw inputs on which its result always differs, add a statement that fails for it, or delete it"
            attempt = f"{advice}. {_see_draw(trial, part, earning[0])}"
            count = f"{part.points:g} points in {len(earning)} of {draws} draws, such as from seed {earning[0]}"
            yield Fault(_place_of(trial, mistake), _of(mistake, what), attempt, found=f"all {count}")


def mistakes_cost_once(trial: Trial) -> Faults:
    """A mistake costs no points in parts that check other code, because it has cost points already."""
    attempt = (
        "replace the student's other functions in the look, with Calls().within(f, g=…), or set the attributes that a"
        " method needs, with lib.checking.spies.prepare"
    )
    for part in trial.parts:
        others = [own for own in trial.key.parts if _code_of(own) != _code_of(part)]
        tried = chain.from_iterable(islice(_mistakes_of(trial, own), ENOUGH) for own in others)
        for mistake, ways in tried:
            if ways and (lost := _lost_elsewhere(trial, part, ways[0])):
                what = f"the part {part.id!r} loses points for a mistake in another part, {_of(mistake)}"
                yield Fault(where(part.statement(lost.name)), what, attempt, found=describe(lost))
                break


def mistakes_have_names(trial: Trial) -> Faults:
    """A mistake has results that no other code has, so that checks can name it."""
    attempt = (
        "draw other inputs, or declare it in its group: untold = ['this'], or"
        " named = ['this'] if it only raises an error or returns nan or None"
    )
    for part in trial.parts:
        for mistake, found in dict.fromkeys(of_part(trial.key, part).notes):
            what = _of(mistake, "a mistake without results of its own")
            yield Fault(_place_of(trial, mistake), what, attempt, found=found)


def _mistakes_of(trial: Trial, part: Part) -> Iterator[tuple[Mistake, list[Mapping[str, object]]]]:
    for mistake in trial.key.mistakes:
        if mistake.part == part.id:
            ways = list[Mapping[str, object]]()
            with suppress(Exception):  # another rule reports what can't be run
                ways += mistake.objects(trial.key.right)
            yield mistake, ways


def _code_of(part: Part) -> str:
    return part.code or part.subjects[0]


def _lost_elsewhere(trial: Trial, part: Part, objects: Mapping[str, object]) -> Finding | None:
    # Wrong code of another part may be a subject here, or right code may call it by its name.
    wrong = {name: each for name, each in objects.items() if trial.key.right[name] is not each}
    with ExitStack() as replaced:
        for home in filter(None, map(namespace_of, trial.key.subjects(part))):
            replaced.enter_context(patch.dict(home, {name: wrong[name] for name in wrong.keys() & home.keys()}))
        return trial.first_lost(part, objects, 0)


# Messages


def where(subject: Part | Statement) -> str:
    """Return the file and line of a statement's look, or of the look of a part's first statement."""
    statement = subject if isinstance(subject, Statement) else subject.statements[0]
    code = inspect.unwrap(statement.look).__code__
    return file_line(code.co_filename, code.co_firstlineno)


def describe(finding: Finding) -> str:
    """Return the reason of a finding for an author, with the expected result."""
    return finding.why.sentence if finding.why else ""


def _of(mistake: Mistake, what: str = "") -> str:
    return f"the mistake {mistake.name!r} of {mistake.part!r}{what and ': '}{what}"


def _place_of(trial: Trial, mistake: Mistake) -> str:
    files = sorted(trial.place.closed.rglob("*.toml")) if trial.place else []
    found = ((file, Location(file, name=mistake.name).line) for file in files)
    return next((file_line(file, line) for file, line in found if line), trial.name)
