"""The judge: draws challenges, computes the right answers and the known wrong ones, and compares.

It runs apart from student code and believes nothing but numbers. The right answers are what a part's own probes give on
the reference; a mistake's are what they give on the mistaken code. A unit is content alone: its parts, the right
objects and the mistakes. What is to be judged as which unit is configured by an import string for each assignment
(`Judging.units`).
"""

import hashlib
import hmac
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from lib.answers import Copy, Outcome, encoded, packed, recalled, record, route_of
from lib.grading.mistakes import Mistake
from lib.grading.verdicts import Named, PartVerdict, State, StatementVerdict
from lib.guard import Trouble, attempted
from lib.parts import Part
from lib.statements import Array, Drawn, Statement, numbers

Answers = Mapping[str, Any]
"""What a check put out at grading: for each statement's name a record for each probe. It may be any JSON, though."""
Outcomes = Mapping[str, Mapping[str, Outcome]]
"""For each statement's name, what came of each probe."""

RTOL, ATOL = 1e-4, 1e-6
"""float32 code is right; a mistake differs in the second or third digit at the latest."""
DIGITS = 9
"""Behind the point of what is drawn: enough for any comparison, and half as long in a verdict as all of them."""
NOTHING = Trouble("value", "It gave no numbers.")


@dataclass(frozen=True)
class Unit:
    """What there is to judge in one assignment: its parts, right objects by name, and the mistakes that have names."""

    parts: tuple[Part, ...]
    right: Mapping[str, object]
    mistakes: tuple[Mistake, ...]

    def part(self, id: str) -> Part | None:
        """Find a part by its cell's id."""
        return next((part for part in self.parts if part.id == id), None)

    def subjects(self, part: Part, mistake: Mistake | None = None) -> tuple[object, ...]:
        """Give what a part's check is called with: the right objects, or a mistake's in their place."""
        objects = {**self.right, **(mistake.code if mistake else {})}
        return tuple(objects[name] for name in part.subjects)


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed: the same for a regrade, not to be guessed without the course's secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


@lru_cache(1000)
def drawn_for(part: Part, seed: int) -> Drawn:
    """Draw the inputs of one part, to nine digits; parts draw apart, so that none holds what another asks for.

    They are drawn to pose a challenge and looked at again to judge it, so they are kept for a while, for reading only.
    """
    drawn = part.draw(np.random.default_rng([seed, zlib.crc32(part.id.encode())]))
    rounded = {name: np.array(np.round(value, DIGITS), dtype=np.float64) for name, value in drawn.items()}
    for array in rounded.values():
        array.setflags(write=False)
    return rounded


def challenge(unit: Unit, seed: int) -> dict[str, Any]:
    """Write all parts' inputs as the plain data that is laid beside the notebook."""
    laid = {part.id: drawn_for(part, seed) for part in unit.parts}
    return {"parts": {id: {name: packed(array) for name, array in drawn.items()} for id, drawn in laid.items()}}


def judge(unit: Unit, part: Part, seed: int, given: Answers | None, problem: str = "") -> PartVerdict:
    """Judge one part's answer, as it came out of the student's kernel: any JSON, or None where there was none.

    Never raises on what is in `given`: what doesn't read as the arrays asked for is wrong.
    """
    drawn = drawn_for(part, seed)
    right = outcomes(part, drawn, unit.subjects(part))
    found = _read(given, right)
    states: dict[type[Statement], StatementVerdict] = {}
    for statement in part.statements:
        if statement.points:
            states[type(statement)] = (
                _not_run(statement) if given is None else _judged(statement, drawn, found, right, states)
            )
    lost = any(verdict.state != "right" for verdict in states.values())
    return PartVerdict(
        part.id,
        part.title,
        tuple(states.values()),
        mistake=_named(unit, part, drawn, found, right) if lost and given is not None else None,
        problem="" if given is not None else problem or "The check gave no answer.",
        challenge={name: encoded(array) for name, array in drawn.items()},
        answer=_recorded(found) if given is not None else {},
        expected=_recorded(right),
    )


def outcomes(part: Part, drawn: Drawn, subjects: tuple[object, ...]) -> Outcomes:
    """Run every probe of `part` on our own code, which is known to end."""
    found: dict[str, dict[str, Outcome]] = {statement.name: {} for statement in part.statements}
    for statement, probe, outcome in _run(part.statements, drawn, subjects):
        found[statement.name][probe] = outcome
    return found


def _run(
    statements: Iterable[Statement], drawn: Drawn, subjects: tuple[object, ...], route: str | None = None
) -> Iterator[tuple[Statement, str, Outcome]]:
    """Run the probes on our own code one after the other: the statement, the probe's name, and what came of it.

    With `route` only the probes on that route and on none.
    """
    for statement in statements:
        for name, probe in statement.probes(Copy(drawn), *subjects).items():
            if route is None or route_of(name) in ("", route):
                yield statement, name, attempted(partial(_ask, probe))


def _ask(probe: Callable[[], object]) -> Array:
    return numbers(probe())


def _read(given: object, asked: Outcomes) -> Outcomes:
    """Read from an answer what was asked for, and nothing else. A record without a probe's name stands for them all."""
    found: dict[str, dict[str, Outcome]] = {}
    for statement, probes in asked.items():
        records = given.get(statement) if isinstance(given, Mapping) else None
        records = records if isinstance(records, Mapping) else {}
        whole = recalled(records[""]) if "" in records else NOTHING
        found[statement] = {probe: recalled(records[probe]) if probe in records else whole for probe in probes}
    return found


def _judged(
    statement: Statement,
    drawn: Drawn,
    found: Outcomes,
    right: Outcomes,
    earlier: Mapping[type[Statement], StatementVerdict],
) -> StatementVerdict:
    """Give a statement its points where all probes of any one route agree, and the statements it rests on are right."""
    answers = found[statement.name]
    wanted = right[statement.name]
    failing = {route_of(name) for name, given in answers.items() if not _fits(statement, name, given, wanted, drawn)}
    if not {*map(route_of, answers)} <= failing:
        for number, (foundation, verdict) in enumerate(earlier.items(), 1):
            if foundation in statement.rests_on and verdict.state != "right":
                return _verdict(statement, "not checked", f"It rests on statement {number}, which isn't right.")
        return _verdict(statement, "right")
    trouble = next((outcome for outcome in answers.values() if isinstance(outcome, Trouble)), None)
    if trouble is None:
        return _verdict(statement, "wrong", "The numbers differ from the right ones.")
    line = f" Your {trouble.line}" if trouble.line else ""
    return _verdict(statement, "open" if trouble.kind == "blank" else "wrong", trouble.says + line)


def _not_run(statement: Statement) -> StatementVerdict:
    return _verdict(statement, "not checked")


def _verdict(statement: Statement, state: State, why: str = "") -> StatementVerdict:
    return StatementVerdict(statement.name, statement.says, statement.points, state, why)


def _named(unit: Unit, part: Part, drawn: Drawn, found: Outcomes, right: Outcomes) -> Named | None:
    """Name the mistake that explains most of an answer; of those that explain as much, the first in the catalogue."""
    routes = {route_of(probe) for probes in right.values() for probe in probes}
    routes = routes - {""} or {""}

    good = {statement for statement in part.statements if _is_right(statement, drawn, found, right)}
    given = (found[statement.name].values() for statement in part.statements if statement not in good)
    if all(isinstance(outcome, Trouble) for outcomes in given for outcome in outcomes):
        return None  # all errors look alike
    order = sorted(part.statements, key=good.__contains__)
    every = max(
        sum(route_of(probe) in ("", route) for probes in right.values() for probe in probes) for route in routes
    )
    best, most = None, 0
    for mistake in unit.mistakes:
        if mistake.part == part.id and most < every:  # more than every probe can't be explained
            subjects = unit.subjects(part, mistake)
            runs = (_run(order, drawn, subjects, route) for route in sorted(routes))
            explains = max(_explains(run, good, drawn, found, right) for run in runs)
            if explains > most:
                best, most = mistake, explains
    return Named(best.name, best.hint) if best else None


def _is_right(statement: Statement, drawn: Drawn, found: Outcomes, right: Outcomes) -> bool:
    """Tell whether all of an answer's probes for a statement are right."""
    probes, wanted = found[statement.name].items(), right[statement.name]
    return all(_fits(statement, probe, given, wanted, drawn) for probe, given in probes)


def _explains(
    mistaken: Iterator[tuple[Statement, str, Outcome]],
    good: Container[Statement],
    drawn: Drawn,
    found: Outcomes,
    right: Outcomes,
) -> int:
    """Count the probes on which an answer and a mistake agree; 0 unless they agree wherever the mistake isn't right.

    At least one of these must be numbers: all errors look alike. Stops at the first that tells the two apart, and where
    only statements are left that are `good` in the answer: what tells must be among the others, which come first.
    """
    count, telling = 0, False
    for statement, probe, outcome in mistaken:
        if not telling and statement in good:
            return 0
        is_right = _fits(statement, probe, outcome, right[statement.name], drawn)
        alike = agree(found[statement.name][probe], outcome, alike=True)
        if not alike and not is_right:
            return 0
        count += alike
        telling |= alike and not is_right and not isinstance(outcome, Trouble)
    return count if telling else 0


def _fits(statement: Statement, probe: str, given: Outcome, right: Mapping[str, Outcome], drawn: Drawn) -> bool:
    """Tell whether a probe's outcome is right in what the statement is about."""
    wanted = right[probe]
    if isinstance(given, Trouble) or isinstance(wanted, Trouble) or given.shape != wanted.shape:
        return False
    if (given == wanted).all():
        return True
    seen = attempted(partial(statement.seen, probe, given, drawn))
    return not isinstance(seen, Trouble) and agree(seen, statement.seen(probe, wanted, drawn))


def agree(one: Outcome, other: Outcome, alike: bool = False) -> bool:
    """Tell whether two arrays are equal but for rounding; if `alike`, nan equals nan, and trouble its own kind."""
    if isinstance(one, Trouble) or isinstance(other, Trouble):
        return alike and isinstance(one, Trouble) and isinstance(other, Trouble) and one.kind == other.kind
    if one.shape != other.shape:
        return False
    return bool((one == other).all()) or np.allclose(one, other, rtol=RTOL, atol=ATOL, equal_nan=alike)


def _recorded(found: Outcomes) -> dict[str, Any]:
    return {name: {probe: record(outcome) for probe, outcome in probes.items()} for name, probes in found.items()}
