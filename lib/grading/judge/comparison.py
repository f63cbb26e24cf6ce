"""Comparison: what student code gave for a challenge, held against what right code gives."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import partial

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import Copy, Outcome, Outcomes, copies_for, read_result, route_of
from lib.checking.student_code import Failure, attempt
from lib.checking.values import what_is_wrong
from lib.unit import Array, Inputs, Part, Probes, Statement

ROUNDING = 1e-12
"""What is as near as that, the same sums in another order, is right, whatever a statement looks at in it."""
WrongProbes = Set[tuple[str, str]]
RTOL, ATOL = 1e-4, 1e-6
"""float32 code is right; a mistake differs in the second or third digit at the latest."""


def outcomes(part: Part, drawn: Inputs, subjects: tuple[object, ...]) -> Outcomes:
    """Run every probe of `part` on our own code, which is known to end."""
    return _ask_all((each.name, each.probes(copied, *subjects)) for each, copied in copies_for(part.statements, drawn))


def right_outcomes(key: AnswerKey, part: Part, drawn: Inputs) -> Outcomes:
    """Give what comes of every probe of `part` on right code, which is run unless that is known without it."""
    known = key.known.get(part.id)
    return _ask_all(known(Copy(drawn)).items()) if known else outcomes(part, drawn, key.subjects(part))


def _ask_all(asked: Iterable[tuple[str, Probes]]) -> Outcomes:
    return {each: {name: attempt(partial(_ask, probe)) for name, probe in probes.items()} for each, probes in asked}


def run(
    statements: Iterable[Statement], drawn: Inputs, subjects: tuple[object, ...], route: str
) -> Iterator[tuple[Statement, str, Outcome]]:
    """Run the probes on a route, and on none, on our own code; give each one's statement, name, and outcome."""
    for statement, copied in copies_for(statements, drawn):
        for name, probe in statement.probes(copied, *subjects).items():
            if route_of(name) in ("", route):
                yield statement, name, attempt(partial(_ask, probe))


def _ask(probe: Callable[[], object]) -> Array:
    return read_result(probe())


def fits(statement: Statement, probe: str, given: Outcome, right: Mapping[str, Outcome], drawn: Inputs) -> bool:
    """Tell whether a probe's outcome is right in what the statement is about."""
    wanted = right[probe]
    if isinstance(given, Failure) or isinstance(wanted, Failure) or given.shape != wanted.shape:
        return False
    with np.errstate(invalid="ignore"):  # infinities that differ from themselves
        # Less, and not as much: to an infinity all are as near as it is large.
        if ((given == wanted) | (np.abs(given - wanted) < ROUNDING * np.abs(wanted))).all():
            return True
    seen = attempt(partial(statement.compared_part, probe, given, drawn))
    if isinstance(seen, Failure):
        return False
    return agree(seen, statement.compared_part(probe, wanted, drawn), size=statement.size(probe, drawn))


def wrong_probes(statements: Iterable[Statement], drawn: Inputs, found: Outcomes, right: Outcomes) -> WrongProbes:
    """Find the probes whose outcome isn't right, each by its statement's name and its own; they keep their order."""
    return {
        (statement.name, probe): None
        for statement in statements
        for probe, outcome in found[statement.name].items()
        if not fits(statement, probe, outcome, right[statement.name], drawn)
    }.keys()


def _kind_of(failure: Failure) -> tuple[str, str]:
    """Give the kind of a failure: for an exception its type too, for a value what is wrong, but not where."""
    if failure.kind == "value":
        return "value", what_is_wrong(failure.text)
    return failure.kind, failure.text.partition(":")[0] if failure.kind == "error" else ""


def agree(one: Outcome, other: Outcome, alike: bool = False, size: float = 1.0) -> bool:
    """Tell whether arrays agree but for rounding at this `size`; if `alike`, nan does, and so do failures of a kind."""
    if isinstance(one, Failure) and isinstance(other, Failure):
        return alike and _kind_of(one) == _kind_of(other)
    if isinstance(one, Failure) or isinstance(other, Failure) or one.shape != other.shape:
        return False
    same = one == other
    if same.all():
        return True
    with np.errstate(invalid="ignore"):  # np.allclose does this too, and ten times as slowly
        close = np.isfinite(other) & (np.abs(one - other) <= ATOL * size + RTOL * np.abs(other))
    return bool((same | close | (alike & np.isnan(one) & np.isnan(other))).all())
