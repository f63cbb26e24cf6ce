"""Looks: student code is run on inputs, and what it shows is kept as plain data.

    inputs  ->  look  ->  result  ->  right  ->  (found, expected)  ->  right, or the sentence that says what is wrong

At the desk and at grading the same looks run. What they show is a result, or a `Failure`, for each place: the name of
the look, the case, and the result's name among several.
"""

from __future__ import annotations

import copy
import re
import traceback
from collections import UserDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from lib.checking.results import Plain, compare, read
from lib.checking.spies import all_put_back
from lib.checking.student_code import TIME_LIMIT, Budget, Failure, attempt, failure_of, outcome_of, run_each
from lib.unit import Inputs, Look, NamedResults, Part, Statement

Outcome: TypeAlias = Plain | Failure
Shown: TypeAlias = Mapping[str, Outcome]
"""What came of a part's looks, by place."""
KEPT = "kept "
"""Before the name of an input, after a look: what is left of it, or its mark where that is as it was."""
LARGEST = 1e9
"""Numbers of an input that has a mark are below this."""
NOT_RUN = Failure("time", "Not run: the tests before it used all the time for this part.")
CALL_ERROR = re.compile(r"\(\) (takes|missing|got)|not callable")
"""What Python says of a call that doesn't fit, which no line of the function called has raised."""


def places_of(statement: Statement, inputs: Inputs) -> Iterator[tuple[str, Inputs, str, Any]]:
    """Yield where a statement's results are: the place, inputs, the name, and what is known by hand, or None."""
    look = statement.look.__name__
    for at, (given, by_hand) in enumerate(statement.examples):
        for name in statement.of:
            yield place_of(look, _example(statement, at), name), {**inputs, **given, "case": ""}, name, by_hand
    for case in statement.cases:
        for name in (*statement.of, *(f"{KEPT}{kept}" for kept in statement.keeps)):
            yield place_of(look, case, name), of_case(inputs, case), name, None


def place_of(look: str, case: str, name: str) -> str:
    """Write where a result stands."""
    return " ".join(filter(None, [look, case, name]))


def _example(statement: Statement, at: int) -> str:
    return f"example {at} of {statement.name}"


def of_case(inputs: Inputs, case: str) -> Inputs:
    """Return inputs with those of one case under their plain names as well, and the name of the case."""
    own = {name.removesuffix(f"_{case}"): value for name, value in inputs.items() if case and name.endswith(f"_{case}")}
    return {**inputs, **own, "case": case}


def look_at(
    part: Part,
    inputs: Inputs,
    subjects: tuple[Any, ...],
    budget: Budget | None = None,
    late: Mapping[str, Failure] = {},
    run: Callable[..., list[Any]] = run_each,
    salt: int = 0,
) -> dict[str, Outcome]:
    """Run student code, and give what it shows. Each look has copies of the inputs, and random numbers of its own.

    They follow from the inputs and the `salt`.

    Not in time is what still runs when the `budget` is spent. A look that doesn't end in time is not run for its other
    cases, nor are those that are known to be `late`. `run` is `run_each`, or does what it does.
    """
    from lib.checking.randomness import reproducible, seed_of  # numpy.random is loaded where inputs are drawn

    shown: dict[str, Outcome] = {}
    budget = budget or Budget()
    with all_put_back(), reproducible(seed_of(inputs) ^ salt) as begin_anew:
        for look, cases in _looks(part, inputs).items():
            begin_anew()  # a look before it may have been stopped anywhere
            kept = {name for each in part.statements if each.look is look for name in each.keeps}
            actions = [partial(_take, look, *given, subjects, kept) for given in cases.values()]
            is_late = look.__name__ in late or budget.left <= 0
            ran = [late.get(look.__name__) or NOT_RUN] if is_late else run(actions, TIME_LIMIT, budget)
            ran += [ran[-1]] * (len(cases) - len(ran))
            shown |= _sort(part, look, dict(zip(cases, ran, strict=True)))
    return shown


def find_late(shown: Shown) -> dict[str, Failure]:
    """Find which looks didn't end in time, by name."""
    failures = ((place, each) for place, each in shown.items() if isinstance(each, Failure) and each.kind == "time")
    return {place.partition(" ")[0]: failure for place, failure in failures}


def look_at_ours(part: Part, inputs: Inputs, subjects: tuple[Any, ...], salt: int = 0) -> dict[str, Outcome]:
    """Do the same with our own code, which is known to end: it needs no thread."""
    return look_at(part, inputs, subjects, run=run_ours, salt=salt)


def run_ours(actions: Sequence[Callable[[], Any]], *_: object) -> list[Any]:
    """Run actions that are known to end, here and now."""
    return [attempt(action) for action in actions]


def _looks(part: Part, inputs: Inputs) -> dict[Look, dict[str, tuple[Inputs, str]]]:
    found: dict[Look, dict[str, tuple[Inputs, str]]] = {}
    for statement in part.statements:
        cases = found.setdefault(statement.look, {})
        for at, (given, _) in enumerate(statement.examples):
            cases[_example(statement, at)] = {**inputs, **given}, ""
        cases.update({case: (inputs, case) for case in statement.cases})
    return found


def _sort(part: Part, look: Look, taken: Mapping[str, Any]) -> Iterator[tuple[str, Outcome]]:
    mine = [statement for statement in part.statements if statement.look is look]
    names = {name: None for each in mine for name in (*each.of, *(f"{KEPT}{kept}" for kept in each.keeps))}
    for case, found in taken.items():
        for name in names:
            lacks = Failure("value", f"The check gave no {name or 'result'}.")
            yield place_of(look.__name__, case, name), found.get(name, lacks) if isinstance(found, dict) else found


class Copies(UserDict[str, Any]):
    """Inputs of which each access gives a copy: what code writes into one is in no other call of any code."""

    def __init__(self, drawn: Inputs):
        super().__init__(drawn)
        self._given: list[tuple[Any, Any]] = []

    def __getitem__(self, name: str) -> Any:
        drawn = self.data[name]
        copied = np.array(drawn) if type(drawn) is np.ndarray else copy.deepcopy(drawn)
        self._given.append((drawn, copied))
        return copied

    def left(self, name: str) -> Plain:
        """Read what is left of an input, by any of its names: the first copy that was changed, or the mark of all."""
        drawn = self.data[name]
        given = (copied for one, copied in self._given if one is drawn)
        return next((read(copied) for copied in given if not _is_as_drawn(copied, drawn)), mark(drawn))


def mark(drawn: Any) -> Plain:
    """Return a weighted mean of an array, in a dict: it tells one draw from another in a hundredth of the room."""
    if type(drawn) is not np.ndarray or drawn.dtype != np.float64 or not (np.abs(drawn) < LARGEST).all():
        return read(drawn)
    weights = np.sqrt(np.arange(2, drawn.size + 2))
    return {"mark": np.array(weights @ drawn.ravel() / max(weights.sum(), 1))}


def _is_as_drawn(copied: Any, drawn: Any) -> bool:
    are_like = type(copied) is type(drawn) is np.ndarray and (copied.dtype, copied.shape) == (drawn.dtype, drawn.shape)
    if are_like and copied.tobytes() == drawn.tobytes():  # as nearly always
        return True
    return not isinstance(outcome_of(partial(compare, read(copied), read(drawn), rtol=0)), Failure)


def _take(
    look: Look, inputs: Inputs, case: str, subjects: tuple[Any, ...], kept: Collection[str]
) -> dict[str, Outcome] | Failure:
    given = Copies(of_case(inputs, case))
    try:
        result = look(given, *subjects)
    except Exception as error:
        return _blame(error)
    results = result if isinstance(result, NamedResults) else {"": result}
    shown = {name: outcome_of(partial(_read_one, each)) for name, each in results.items()}
    return shown | {f"{KEPT}{name}": outcome_of(partial(given.left, name)) for name in kept}


def _read_one(each: Any) -> Plain:
    return read(each() if callable(each) else each)


def _blame(error: Exception) -> Failure:
    """Return whose error it is: one that no line of the student's has raised is about a result that can't be used."""
    failure = failure_of(error)
    if failure.kind != "error" or failure.own or (isinstance(error, TypeError) and CALL_ERROR.search(str(error))):
        return failure
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    where = f"{frame.f_code.co_name}, line {line}"
    text = f"The check can't go on with what your code gave. In the check: {type(error).__name__}: {error} ({where})."
    return Failure("error", text)
