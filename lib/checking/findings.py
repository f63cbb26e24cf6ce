"""Findings: which statements hold for the results of student code, and what is wrong with the others.

Local checks and grading use the same functions, so they can't differ. The results are plain data: comparing them runs
no student code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from lib.checking.looks import KEPT, Shown, mark, places_of
from lib.checking.results import PRINT_BOTH, Plain, Wrong, brief, compare, read, show
from lib.checking.student_code import Failure
from lib.unit import Inputs, Part, Statement

State: TypeAlias = Literal["right", "wrong", "open", "not checked"]
"""`open`: the code reached an open blank. `not checked`: the code could not run."""
Known: TypeAlias = Mapping[str, Any]
"""Results of right code by place, if they can't be computed from the inputs."""
STATES: Mapping[str, State] = {"blank": "open", "undefined": "not checked", "busy": "not checked"}
"""The state of a statement after each kind of failure; after other kinds it is wrong."""
KEEPS_INPUTS = "Your code does not change its inputs."
NEW_ARRAY = "Compute into a new array or list: other code still needs this one."
OTHER_FORM = "The result does not have the right form."


@dataclass(frozen=True)
class Diagnosis:
    """A mistake as a student reads it: its name and a hint."""

    name: str
    hint: str


@dataclass(frozen=True)
class Finding:
    """The result for one statement, from the comparison to every page: its state, and the reason if it is not right.

    It is plain data, without words for a reader and without numbers of other statements. `mistake` is set by a judge.
    """

    name: str
    text: str
    max_points: float
    state: State
    why: Failure | None = None
    mistake: Diagnosis | None = None

    @property
    def points(self) -> float:
        """All of the statement's points, or 0."""
        return self.max_points if self.state == "right" else 0.0

    @property
    def heading(self) -> str:
        """The sentence that is right or wrong: the statement's text, or another one if something else is wrong."""
        return (self.why and self.why.heading) or self.text


def find(part: Part, inputs: Inputs, shown: Shown, known: Known) -> list[Finding]:
    """Return the finding of each statement on these inputs. Each statement is judged independently of the others.

    If code has no result, the first statement is wrong, and other statements with the same failure are not checked.
    """
    found: list[Finding] = []
    for statement in part.reported:
        why = find_wrong(statement, inputs, shown, known)
        earlier = next((each.why for each in found if _have_one_cause(each.why, why)), None)
        state: State = "not checked" if earlier else "wrong" if why else "right"
        if why:
            state, why = STATES.get(why.kind, state), earlier or why
        # The hint of a statement that this one depends on comes first.
        is_first = not any(each.why and each.name in statement.depends_on for each in found)
        if why and why.kind == "differs" and not why.hint and is_first:
            why = replace(why, hint=statement.hint)
        found.append(Finding(statement.name, statement.text, statement.points, state, why))
    return found


def _have_one_cause(one: Failure | None, other: Failure | None) -> bool:
    # The same line of the student's code raised the same type of error; its message may differ.
    if one is None or other is None or not (one.is_of_code and other.is_of_code):
        return False
    what, other_what = (each.text.partition(":")[0] if each.line else each.text for each in (one, other))
    return (one.kind, one.line, what) == (other.kind, other.line, other_what)


def find_wrong(statement: Statement, inputs: Inputs, shown: Shown, known: Known, only: str = "") -> Failure | None:
    """Return a statement's first failure, or None; with `only`, its failure at this place."""
    for place, given, name, by_hand in places_of(statement, inputs):
        if only and place != only:
            continue
        outcome = shown.get(place, Failure("value", "It gave no result."))
        if isinstance(outcome, Failure):
            return outcome
        try:
            with np.errstate(all="ignore"):
                _compare(statement, outcome, given, name, by_hand, known.get(place))
        except Wrong as wrong:
            return _differs(wrong)
        except (TypeError, ValueError, IndexError, AttributeError, KeyError):  # a result that no right code returns
            return _differs(Wrong(OTHER_FORM, found=brief(outcome), hint=PRINT_BOTH))
    return None


def _differs(wrong: Wrong) -> Failure:
    return Failure(
        "differs",
        wrong.what,
        hint=wrong.hint,
        where=wrong.where,
        found=wrong.found,
        expected=wrong.expected,
        heading=wrong.heading,
    )


def sides(statement: Statement, outcome: Plain, given: Inputs, name: str, by_hand: Any, known: Any) -> tuple[Any, Any]:
    """Return the found and the expected part of a result. Raises `Wrong` if a look at the found part is enough."""
    if name.startswith(KEPT):
        if isinstance(outcome, dict) and "after" in outcome:
            return outcome["after"], outcome["before"]
        return outcome, mark(given.get(name.removeprefix(KEPT), 0.0))
    if by_hand is not None:
        return outcome, read(by_hand)
    if statement.right is None:
        return outcome, known
    found, expected = statement.right(outcome, given, name)
    plain = found if found is outcome else read(found)
    return plain, plain if found is expected else read(expected)


def _compare(statement: Statement, outcome: Plain, given: Inputs, name: str, by_hand: Any, known: Any) -> None:
    found, expected = sides(statement, outcome, given, name, by_hand, known)
    hint, what = statement.hint, statement.what
    if name.startswith(KEPT):
        is_mark = found is outcome
        changed = f"{name.removeprefix(KEPT)}, which it is given" if is_mark or not outcome["what"] else outcome["what"]
        what = f"The code changes {changed}."  # test answers quote this sentence
        try:
            compare(found, expected, rtol=0, atol=1e-6 if is_mark else 0, what=what)
            if is_mark:
                return
            raise Wrong(what)
        except Wrong as wrong:
            wrong.hint, wrong.heading = NEW_ARRAY, KEEPS_INPUTS
            raise
    try:
        compare(
            found,
            expected,
            atol=1e-6 * (statement.size(given) if callable(statement.size) else statement.size),
            what=what,
            hint=hint,
            hint_also_for=statement.hint_also_for,
            axes=statement.axes,
            path=name.replace("_", " ") if len(statement.of) > 1 else "",
        )
    except Wrong as wrong:
        if by_hand is not None:
            keys = dict.fromkeys(key for example, _ in statement.examples for key in example)
            inputs = ", ".join(f"{key} = {' '.join(show(given[key]).split())}" for key in keys)
            wrong.where = ", ".join(filter(None, [inputs, wrong.where]))
        raise
