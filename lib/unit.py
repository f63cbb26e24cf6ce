"""A unit: what one notebook teaches, checks and grades, as plain data.

A `Unit` has parts, a `Part` has statements, and a `Statement` is one property that only right code has. Students have
all of these: they are the open half. What the closed half consists of is in `lib.answer_key`. `lib.checking` says what
a check does with a part, and `lib.grading` what a grader does.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]  # as NDArray[np.float64]: numpy.typing would be one more import
Inputs = Mapping[str, Any]
"""Inputs drawn at random: a name for each array, text, number, function, or list or dict of these."""
Look = Callable[..., Any]
"""Runs student code on inputs, and gives a result to be compared: it takes the inputs, then the subjects."""
FoundAndExpected = Callable[[Any, Inputs, str], tuple[Any, Any]]
"""Makes of a result, the inputs and the result's name what is found, and what has to be there instead."""
DESK_SEED = 0
OTHERS = 7
"""The number of the draw on which student code is called before it is tested: none on which it is."""


class NamedResults(dict[str, Any]):
    """Results of one run, each under a name. A function among them is called for its own, which may fail by itself."""


@dataclass(frozen=True, eq=False)
class Statement:
    """One property of right code, in a sentence that the student reads: `text`. Verdicts store its `name`.

    `look` runs student code on inputs and gives a result, or `NamedResults`, of which the statement is about those
    named in `of`. It runs once for each of the `cases`: in the case `big` the input `w_big` is also called `w`. Inputs
    that it `keeps` are the same after a look as before. `examples` are inputs that replace drawn ones, with the result
    known by hand. `right` makes of a result what is found and what has to be there (`lib.checking.right`); without it
    that is what the answer key's code gives. Of a `sealed` one only a digest of the right result ships: for a result
    that is itself the answer.

    `points` are earned when it holds (0: advice), whatever becomes of other statements. `depends_on` names statements
    of the same part that are about the same code: a mistake is named by what it does to all of them together, and their
    hint comes first. `hint` is the one thing to try when it fails; where numbers are nan or infinite only if it
    `is_about_overflow`, and where an array has another shape only if the `hint_fits_shapes`. `what` says that the
    result is wrong, and `axes` what the levels of its lists and the axes of its arrays count. Numbers agree within
    `rtol` of the right one, or within a millionth of the `size` of the numbers that they come from. `lines` is a
    pattern of the lines of student code that it is about. One without `text` is not reported: what it shows helps to
    name mistakes.
    """

    name: str
    text: str
    look: Look
    right: FoundAndExpected | None = None
    hint: str = ""
    points: float = 1
    of: tuple[str, ...] = ("",)
    cases: tuple[str, ...] = ("",)
    keeps: tuple[str, ...] = ()
    examples: tuple[tuple[Inputs, Any], ...] = ()
    sealed: bool = False
    depends_on: tuple[str, ...] = ()
    what: str = ""
    axes: tuple[str, ...] = ()
    rtol: float = 1e-4
    size: Callable[[Inputs], float] = lambda inputs: 1.0
    is_about_overflow: bool = False
    hint_fits_shapes: bool = False
    lines: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError where it has no text, or points that are none."""
        if not isinstance(self.text, str) or (self.points and not self.text):
            raise ValueError(f'{self.name}: it has no text. Write what is so of right code: @statement("The loss …")')
        is_number = isinstance(self.points, int | float) and not isinstance(self.points, bool)
        if not is_number or not 0 <= self.points < float("inf"):
            raise ValueError(f"{self.name}: points={self.points!r} is no number from 0. For advice without points: 0")


class Stack(tuple[Statement, ...]):
    """Statements about one look, which runs once for all of them: the upper one first."""


def statement(text: str, right: FoundAndExpected | None = None, *, name: str = "", **more: Any) -> Callable[[Any], Any]:
    """Make a statement of a look: a decorator, which names it as the function. `more` are fields of `Statement`.

    Decorators stack, and make a `Stack`: a statement of it that has no name of its own is named as the results that it
    is `of`.
    """

    def decorate(below: Look | Statement | Stack) -> Statement | Stack:
        others = below if isinstance(below, Stack) else Stack((below,) if isinstance(below, Statement) else ())
        look: Look = others[0].look if others else below  # type: ignore[assignment]  # a function, where it is the first
        new = Statement(name or look.__name__, text, look, right, **more)
        return Stack(map(_name_by_results, (new, *others))) if others else new

    return decorate


def _name_by_results(one: Statement) -> Statement:
    has_own = one.name != one.look.__name__
    return one if has_own else replace(one, name="_".join(filter(None, one.of)) or one.name)


def require_tuple(what: str, value: object, kind: type, example: str) -> None:
    """Raise TypeError unless a value is a tuple of objects of a kind: Python notices a lacking comma late, or never."""
    strange = [each for each in value if not isinstance(each, kind)] if isinstance(value, tuple) else [value]
    if strange:
        found = repr(strange[0]) if isinstance(strange[0], str) else f"a {type(strange[0]).__name__}"
        raise TypeError(
            f"{what} are no tuple of {kind.__name__}, but {found}. Write a tuple with its comma, as {example}"
        )


@dataclass(frozen=True, eq=False)
class Part:
    """One graded thing: its cell's id, what is checked, how its inputs are drawn, and its statements.

    `subjects` are the names under which the notebook defines what is checked. `code` is the function or method to look
    at when a check fails, such as `Layer.backward`; without it the first subject. Looks that are `repeated` call code
    several times anyway, with other inputs each: what it keeps from an earlier call shows there.
    """

    id: str
    title: str
    subjects: tuple[str, ...]
    draw: Callable[[np.random.Generator], Inputs]
    statements: tuple[Statement, ...]
    code: str = ""
    repeated: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError where two statements have one name, or two looks, as lambdas have: they would be mixed up.

        Raises TypeError where subjects or statements are no tuple.
        """
        require_tuple(f"{self.id}: its subjects", self.subjects, str, '("loss",)')
        if isinstance(self.statements, tuple):
            stacks = (each if isinstance(each, Stack) else (each,) for each in self.statements)
            object.__setattr__(self, "statements", tuple(one for stack in stacks for one in stack))
        require_tuple(f"{self.id}: its statements", self.statements, Statement, "(mean,)")
        names = [each.name for each in self.statements]
        if same := [name for name in names if names.count(name) > 1]:
            raise ValueError(f'{self.id}: {len(same)} statements are called {same[0]}. Give each a name: name="mean"')
        looks = {statement.look.__name__: statement.look for statement in self.statements}
        if twice := [each.name for each in self.statements if looks[each.look.__name__] is not each.look]:
            raise ValueError(f"{self.id}: the look of {twice[0]} has the name of another one. Give it one of its own.")

    @property
    def name(self) -> str:
        """What the part's check is called: `check.cce_gradient` belongs to the cell `check-cce-gradient`."""
        return self.id.removeprefix("check-").replace("-", "_")

    @property
    def points(self) -> float:
        """What the part is worth: the sum over its statements."""
        return sum(statement.points for statement in self.statements)

    @property
    def reported(self) -> tuple[Statement, ...]:
        """The statements that a student reads."""
        return tuple(statement for statement in self.statements if statement.text)

    def desk_inputs(self, number: int = 0) -> Inputs:
        """Draw the inputs of a local check; each `number` gives other ones.

        They are the same every time, so that a student can follow one number while changing code.
        """
        return self.draw(np.random.default_rng(DESK_SEED + number))

    def secret_inputs(self, seed: int) -> Inputs:
        """Draw the inputs for one submission. Parts draw apart, so that none holds what another asks for."""
        return self.draw(np.random.default_rng([seed, zlib.crc32(self.id.encode())]))

    @cached_property
    def at_desk(self) -> Inputs:
        """The inputs of a local check, for what only reads or copies them: drawn once, for kernels before the fork."""
        return self.desk_inputs()

    @cached_property
    def other_inputs(self) -> Inputs:
        """The inputs on which code is called before it is tested: drawn once, for they are only copied."""
        return self.desk_inputs(OTHERS)


class Extra(NamedTuple):
    """A library that a notebook uses where it is installed, and does without elsewhere.

    `name` is the extra of the students' distribution that installs it. `text` tells a student what the library adds and
    what it takes.
    """

    name: str
    title: str
    text: str


class Question(NamedTuple):
    """A question on an experiment, to be answered before it is run: the choices, which one is so, and why.

    `id` is its name in the notebook and in what is stored. `right` counts the choices from 0. `found` leads to the
    choice that is so, and says how it was found. Nothing is graded.
    """

    id: str
    text: str
    choices: tuple[str, ...]
    right: int
    why: str
    found: str = "What is so:"


@dataclass(frozen=True)
class Unit:
    """One assignment: its name, its title, its graded parts in the notebook's order, and what it can do without.

    `questions` are what students predict. `builds_on` is the name of the unit whose code students bring along.
    `packages` are what its code and its notebook import that students don't have by this package, as pip reads them:
    `pandas`, or `pandas>=2`.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    extras: tuple[Extra, ...] = ()
    questions: Sequence[Question] = ()
    builds_on: str = ""
    packages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise TypeError where the parts are no tuple, and ValueError where two have one id."""
        require_tuple(f"{self.name}: its parts", self.parts, Part, "(loss,)")
        require_tuple(f"{self.name}: its packages", self.packages, str, '("pandas",)')
        ids = [part.id for part in self.parts]
        if twice := [id for id in ids if ids.count(id) > 1]:
            raise ValueError(
                f"{self.name}: {ids.count(twice[0])} parts have the id {twice[0]!r}. Each needs its own cell"
            )
