"""Findings: which statements hold of what student code has shown, and what is wrong of the others.

At the desk and at grading the same functions find them, so the two can't differ. They take results as plain data, on
which no student code runs any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from lib.checking.looks import KEPT, Shown, places_of
from lib.checking.results import Plain, brief, compare, read
from lib.checking.student_code import Failure
from lib.checking.values import FIND_NAN, FIND_SHAPE, Wrong, show
from lib.unit import Inputs, Part, Statement

State: TypeAlias = Literal["right", "wrong", "open", "not checked"]
"""`open`: a blank still was; `not checked`: it rests on a statement that fails, or nothing ran."""
Known: TypeAlias = Mapping[str, Any]
"""What right code shows, by place, where that can't be told from the inputs; of a sealed statement its `Seal`."""
NEW_ARRAY = "Compute into a new array: other code still needs this one."
NOT_TESTED = "Not tested: it needs statement {}, which is not right yet."
SAME_BLANK = "The same blank as in statement {}."
OTHER_FORM = "The result has another form than the right one."


@dataclass(frozen=True)
class Finding:
    """What became of one statement, and why if it is not right."""

    statement: Statement
    state: State
    why: Wrong | Failure | str = ""


def find(part: Part, inputs: Inputs, shown: Shown, known: Known) -> list[Finding]:
    """Find what holds of what was shown on these inputs. What rests on a wrong statement is not checked."""
    found: dict[str, Finding] = {}
    for statement in part.reported:
        why = find_wrong(statement, inputs, shown, known)
        below = next((name for name in statement.depends_on if found[name].state != "right"), None)
        if isinstance(why, Failure) and why.kind in ("blank", "undefined", "busy"):
            state: State = "open" if why.kind == "blank" else "not checked"
        elif below:
            state, why = "not checked", NOT_TESTED.format(list(found).index(below) + 1)
        else:
            state = "wrong" if why else "right"
        said = [each.why for each in found.values()]
        if state == "open" and why in said:
            why = SAME_BLANK.format(said.index(why) + 1)
        found[statement.name] = Finding(statement, state, why or "")
    return list(found.values())


def find_wrong(
    statement: Statement, inputs: Inputs, shown: Shown, known: Known, only: str = ""
) -> Wrong | Failure | str:
    """Say what is wrong first of what a statement is about, or nothing; with `only`, of what stands at that place."""
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
            return wrong
        except (TypeError, ValueError, IndexError, AttributeError, KeyError):  # no right code gives a result like that
            return Wrong(OTHER_FORM, found=brief(outcome), hint=FIND_SHAPE)
    return ""


def sides(statement: Statement, outcome: Plain, given: Inputs, name: str, by_hand: Any, known: Any) -> tuple[Any, Any]:
    """Give what is found in a result, and what has to be there. Raises `Wrong` where that alone says what is wrong."""
    if name.startswith(KEPT):
        return outcome, read(given[name.removeprefix(KEPT)])
    if by_hand is not None:
        return outcome, read(by_hand)
    if statement.right is None:
        return outcome, known
    found, expected = statement.right(outcome, given, name)
    return read(found), read(expected)


def _compare(statement: Statement, outcome: Plain, given: Inputs, name: str, by_hand: Any, known: Any) -> None:
    """Raise `Wrong` unless a result is right."""
    found, expected = sides(statement, outcome, given, name, by_hand, known)
    hint, what = statement.hint, statement.what
    if name.startswith(KEPT):
        what = f"The code changes {name.removeprefix(KEPT)}, which it is given."
        compare(found, expected, rtol=0, what=what, hint=NEW_ARRAY)
        return
    if statement.sealed and by_hand is None:
        if not expected.fits(found):
            raise Wrong(what or "The result is not the right one.", found=brief(found), hint=hint)
        return
    try:
        compare(
            found,
            expected,
            rtol=statement.rtol,
            atol=1e-6 * statement.size(given),
            what=what,
            hint=hint,
            nan_hint=hint if statement.is_about_overflow else FIND_NAN,
            shape_hint=hint if statement.hint_fits_shapes else FIND_SHAPE,
            axes=statement.axes,
            path=name if len(statement.of) > 1 else "",
        )
    except Wrong as wrong:
        if by_hand is None:
            raise
        keys = dict.fromkeys(key for example, _ in statement.examples for key in example)
        inputs = ", ".join(f"{key} = {_write(given[key])}" for key in keys)
        where = ", ".join(filter(None, [inputs, wrong.where]))
        raise Wrong(wrong.what, found=wrong.found, expected=wrong.expected, where=where, hint=wrong.hint) from None


def _write(value: object) -> str:
    if isinstance(value, np.ndarray):
        return " ".join(np.array2string(value, precision=4, separator=", ").split())
    return show(value)
