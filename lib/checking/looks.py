"""Looks: functions that run student code on inputs and return results, which become plain data.

    inputs  ->  look  ->  result  ->  right  ->  (found, expected)  ->  right, or a sentence on what is wrong

Local checks and grading run the same looks. The outcomes are results or `Failure`s by place. A place consists of the
name of the look, the case, and the name of the result, if the look returns several.
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
from lib.checking.spies import no_spies_left
from lib.checking.student_code import TIME_LIMIT, Budget, Failure, attempt, failure_of, outcome_of, run_each
from lib.unit import Inputs, Look, NamedResults, Part, Statement

Outcome: TypeAlias = Plain | Failure
Shown: TypeAlias = Mapping[str, Outcome]
"""The outcomes of a part's looks, by place."""
KEPT = "kept "
"""The prefix of an input's name after a look. The value is its mark, or if it has changed, both forms in a dict."""
SEED = "the seed"
"""A name in a statement's `keeps`: code must not set the seed of NumPy's random numbers."""
SETS_SEED = Failure(
    "value",
    "Your code sets the seed of NumPy's random numbers: from then on, all other code draws the same ones again.",
    hint="Leave np.random.seed out of this code. Set the seed once, in a cell of its own.",
)
NOT_RUN = Failure("time", "Not run: the tests before it used all the time for this part.")
CALL_ERROR = re.compile(r"\(\) (takes|missing|got)|not callable")
"""Python's messages on a call with wrong arguments, which no line of the called function has raised."""


def places_of(statement: Statement, inputs: Inputs) -> Iterator[tuple[str, Inputs, str, Any]]:
    """Yield each result of a statement: its place, inputs and name, and the result by hand, or None."""
    look = statement.look.__name__
    for at, (example, by_hand) in enumerate(statement.examples):
        for name in statement.of:
            yield place_of(look, _example(statement, at), name), {**inputs, **example, "case": ""}, name, by_hand
    for case in statement.cases:
        for name in (*statement.of, *(f"{KEPT}{kept}" for kept in statement.keeps)):
            yield place_of(look, case, name), of_case(inputs, case), name, None


def place_of(look: str, case: str, name: str) -> str:
    """Return the place of a result."""
    return " ".join(filter(None, [look, case, name]))


def _example(statement: Statement, at: int) -> str:
    return f"example {at} of {statement.name}"


def of_case(inputs: Inputs, case: str) -> Inputs:
    """Return inputs that also have those of one case under their names without the case, and the name of the case."""
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
    """Run student code, and return the outcomes. Each look gets copies of the inputs, and its own random numbers.

    The random numbers depend on the inputs and the `salt`. All looks together have the time limit `budget`. After a
    look has exceeded its time limit, its other cases are not run, and neither are looks that are known to be `late`.
    `run` is `run_each`, or a function with the same interface.
    """
    from lib.checking.randomness import reproducible, seed_of  # imports numpy.random, which only drawing needs

    shown: dict[str, Outcome] = {}
    budget = budget or Budget()
    with no_spies_left(), reproducible(seed_of(inputs) ^ salt) as begin_anew:
        for look, cases in _looks(part, inputs).items():
            begin_anew()  # the look before may have drawn any number of random numbers
            kept = {name for each in part.statements if each.look is look for name in each.keeps}
            actions = [partial(_take, look, *given, subjects, kept) for given in cases.values()]
            is_late = look.__name__ in late or budget.left <= 0
            outcomes = [late.get(look.__name__) or NOT_RUN] if is_late else run(actions, TIME_LIMIT, budget)
            outcomes += [outcomes[-1]] * (len(cases) - len(outcomes))
            shown |= _by_place(part, look, dict(zip(cases, outcomes, strict=True)))
    return shown


def find_late(shown: Shown) -> dict[str, Failure]:
    """Return the looks that did not end in time, by name."""
    failures = ((place, each) for place, each in shown.items() if isinstance(each, Failure) and each.kind == "time")
    return {place.partition(" ")[0]: failure for place, failure in failures}


def look_at_ours(part: Part, inputs: Inputs, subjects: tuple[Any, ...], salt: int = 0) -> dict[str, Outcome]:
    """Run the looks on our own code, which is known to end: it needs no thread and no time limit."""
    return look_at(part, inputs, subjects, run=run_ours, salt=salt)


def run_ours(actions: Sequence[Callable[[], Any]], *_: object) -> list[Any]:
    """Run actions that are known to end, in the current thread."""
    return [attempt(action) for action in actions]


def _looks(part: Part, inputs: Inputs) -> dict[Look, dict[str, tuple[Inputs, str]]]:
    found: dict[Look, dict[str, tuple[Inputs, str]]] = {}
    for statement in part.statements:
        cases = found.setdefault(statement.look, {})
        cases.update({case: (inputs, case) for case in statement.cases})
        for at, (example, _) in enumerate(statement.examples):
            cases[_example(statement, at)] = {**inputs, **example}, ""
    return found


def _by_place(part: Part, look: Look, outcomes: Mapping[str, Any]) -> Iterator[tuple[str, Outcome]]:
    statements = [statement for statement in part.statements if statement.look is look]
    names = {name: None for each in statements for name in (*each.of, *(f"{KEPT}{kept}" for kept in each.keeps))}
    for case, found in outcomes.items():
        for name in names:
            attempt = (
                f"return NamedResults({name}=…) of lib.unit"
                if name
                else "return one value, or name one of several in the statement: of=(…,)"
            )
            missing = Failure("value", f"The check returned no {name or 'single result'}. To mend it, {attempt}.")
            yield place_of(look.__name__, case, name), found.get(name, missing) if isinstance(found, dict) else found


class Copies(UserDict[str, Any]):
    """Inputs that return a copy at each access, so that changes in place affect no other call."""

    def __init__(self, drawn: Inputs):
        super().__init__(drawn)
        self._given: list[tuple[Any, Any, Any, str]] = []

    def __getitem__(self, name: str) -> Any:
        drawn = self.data[name]
        copied = _copy(drawn)
        self._given.append((drawn, copied, drawn, ""))
        return copied

    def watch(self, name: str, value: Any, what: str = "") -> Any:
        """Return a value that code gets, or has returned. If it is an array or a list, code must not change it.

        Otherwise code hasn't kept the input `name`. `what` describes the value in a message, in place of `name`.
        """
        if isinstance(value, np.ndarray | list):
            self._given.append((self.data[name], value, _copy(value), what))
        return value

    def left(self, name: str) -> Plain:
        """Return what code has changed of an input and of the values watched under its name, or the input's mark."""
        drawn = self.data.get(name, 0.0)
        for one, given, before, what in self._given:
            if one is drawn and not _is_as_before(given, before):
                return {"before": read(before), "after": read(given), "what": what}
        return mark(drawn)


def _copy(value: Any) -> Any:
    if type(value) is np.ndarray:
        return np.array(value)
    are_arrays = type(value) is list and all(type(each) is np.ndarray for each in value)
    return [np.array(each) for each in value] if are_arrays else copy.deepcopy(value)


def mark(drawn: Any) -> Plain:
    """Return the mean square of an array, in a dict. It identifies the draw, and needs a hundredth of the space."""
    if type(drawn) is not np.ndarray or drawn.dtype != np.float64 or not np.isfinite(total := np.square(drawn).sum()):
        return read(drawn)
    return {"mark": np.array(total / max(drawn.size, 1))}


def _is_as_before(given: Any, before: Any) -> bool:
    if type(given) is type(before) is list and len(given) == len(before):
        return all(map(_is_as_before, given, before))
    are_like = type(given) is type(before) is np.ndarray and (given.dtype, given.shape) == (before.dtype, before.shape)
    if are_like and given.tobytes() == before.tobytes():  # the fast path for nearly all inputs
        return True
    return not isinstance(outcome_of(partial(compare, read(given), read(before), rtol=0, atol=0)), Failure)


def _take(
    look: Look, inputs: Inputs, case: str, subjects: tuple[Any, ...], kept: Collection[str]
) -> dict[str, Outcome] | Failure:
    from lib.checking.randomness import seeds  # likewise

    given, seeds_before = Copies(of_case(inputs, case)), seeds[0]
    try:
        result = look(given, *subjects)
    except Exception as error:
        return _blame(error)
    results = result if isinstance(result, NamedResults) else {"": result}
    shown = {name: outcome_of(partial(_read_one, each)) for name, each in results.items()}
    shown |= {f"{KEPT}{name}": outcome_of(partial(given.left, name)) for name in kept}
    return shown | {f"{KEPT}{SEED}": SETS_SEED} if seeds[0] > seeds_before and SEED in kept else shown


def _read_one(each: Any) -> Plain:
    return read(each() if callable(each) else each)


def _blame(error: Exception) -> Failure:
    # An error that no student line has raised means that the look can't use a result, except for errors of a call.
    failure = failure_of(error)
    if failure.kind != "error" or failure.own or (isinstance(error, TypeError) and CALL_ERROR.search(str(error))):
        return failure
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    where = f"{frame.f_code.co_name}, line {line}"
    text = f"The check can't use the result of your code. In the check: {type(error).__name__}: {error} ({where})."
    return Failure("error", text)
