"""Units: the content of one notebook as plain data.

A `Unit` has parts, a `Part` has statements, and a `Statement` is one property that only right code has. Students have
all of these: they are the open half. `lib.answer_key` describes the closed half, `lib.checking` checks parts, and
`lib.grading` grades them.
"""

from __future__ import annotations  # so that the signature of `draw` doesn't import numpy.random

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]  # NDArray[np.float64], without the import of numpy.typing
Inputs = Mapping[str, Any]
"""Random inputs by name: arrays, texts, numbers, functions, or lists or dicts of these."""
Look = Callable[..., Any]
"""A function of the inputs and the subjects that runs student code, and returns a result to be compared."""
FoundAndExpected = Callable[[Any, Inputs, str], tuple[Any, Any]]
"""A function of a result, the inputs and the result's name that returns the found and the expected value."""
DESK_SEED = 0
OTHERS = 7
"""The number of the draw on which student code is called before it is tested; tests use other draws."""


class NamedResults(dict[str, Any]):
    """Results of one run by name. A function among them is called to compute its result, and may fail separately."""


@dataclass(frozen=True, eq=False)
class Statement:
    """One property of right code, in a sentence for students: `text`. Verdicts store its `name`.

    `look` runs student code on inputs and returns a result, or `NamedResults`; the statement checks those named in
    `of`. It runs once for each of the `cases`: in the case `big` the input `w_big` is also called `w`. Code must not
    change the inputs in `keeps`. `examples` are pairs of inputs, which replace drawn ones, and the result by hand.
    `right` returns the found and the expected value (`lib.checking.right`); without it the answer key's code computes
    the expected result.

    `points` are earned if the statement holds, independently of other statements; 0 points make it advice.
    `depends_on` names statements of the same part that test the same code: mistakes are recognised by the results of
    all of them together, and their hints come first. `hint` is one thing to try if numbers are wrong; `hint_also_for`
    has "nan" if it also fits nan and infinity, and "shape" if it also fits wrong shapes. `what` is a sentence on a
    wrong result, and `axes` name the levels of its lists and the axes of its arrays. Numbers agree to four digits, or
    within a millionth of the `size` of the numbers from which they are computed. `lines` is a pattern of the student's
    lines that matter. A statement without `text` isn't reported: its results help to name mistakes.
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
    depends_on: tuple[str, ...] = ()
    what: str = ""
    axes: tuple[str, ...] = ()
    size: float | Callable[[Inputs], float] = 1.0
    hint_also_for: tuple[Literal["nan", "shape"], ...] = ()
    lines: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError if the text is missing, or the points aren't a valid number."""
        if not isinstance(self.text, str) or (self.points and not self.text):
            raise ValueError(f'{self.name}: it has no text. Describe right code: @statement("The loss …")')
        is_number = isinstance(self.points, int | float) and not isinstance(self.points, bool)
        if not is_number or not 0 <= self.points < float("inf"):
            raise ValueError(
                f"{self.name}: points={self.points!r} must be a number of at least 0. For advice without points: 0"
            )


class Stack(tuple[Statement, ...]):
    """Statements on the results of one look, which runs once for all of them, from top to bottom."""


def statement(text: str, right: FoundAndExpected | None = None, *, name: str = "", **more: Any) -> Callable[[Any], Any]:
    """Return a decorator that makes a statement from a look. `more` are fields of `Statement`.

    The statement has the name of the function, unless a `name` is given. Several decorators on one look make a `Stack`:
    its statements without a `name` are named after the results that they are `of`.
    """

    def decorate(below: Look | Statement | Stack) -> Statement | Stack:
        others = below if isinstance(below, Stack) else Stack((below,) if isinstance(below, Statement) else ())
        look: Look = others[0].look if others else below  # type: ignore[assignment]  # a function under the last one
        new = Statement(name or look.__name__, text, look, right, **more)
        if not others:
            return new
        return Stack(
            replace(each, name="_".join(filter(None, each.of)) or each.name) if each.name == look.__name__ else each
            for each in (new, *others)
        )

    return decorate


def require_tuple(what: str, value: object, kind: type, example: str) -> None:
    """Raise TypeError unless a value is a tuple of objects of a kind: Python reports a missing comma late, or never."""
    strange = [each for each in value if not isinstance(each, kind)] if isinstance(value, tuple) else [value]
    if strange:
        found = repr(strange[0]) if isinstance(strange[0], str) else f"a {type(strange[0]).__name__}"
        raise TypeError(
            f"{what} must be a tuple of {kind.__name__}, not {found}. Write a tuple with its comma, such as {example}"
        )


@dataclass(frozen=True, eq=False)
class Part:
    """One graded part of a notebook: its cell's id, its subjects, a function that draws inputs, and its statements.

    `subjects` are the notebook's names of the objects to check. `code` is the function or method to show if a check
    fails, such as `Layer.backward`; by default the first subject. `repeated` means that its looks call code several
    times with different inputs, so that values which code stores between calls are noticed without another call.
    """

    id: str
    title: str
    subjects: tuple[str, ...]
    draw: Callable[[np.random.Generator], Inputs]
    statements: tuple[Statement, ...]
    code: str = ""
    repeated: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if two statements or two looks, such as lambdas, have the same name.

        Raises TypeError if the subjects or the statements aren't a tuple.
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
            raise ValueError(f"{self.id}: the look of {twice[0]} has the name of another one. Give it a unique name.")

    @property
    def name(self) -> str:
        """The name of the part's check: `check.cce_gradient` belongs to the cell `check-cce-gradient`."""
        return self.id.removeprefix("check-").replace("-", "_")

    @property
    def points(self) -> float:
        """The sum of the points of its statements."""
        return sum(statement.points for statement in self.statements)

    @cached_property
    def reported(self) -> tuple[Statement, ...]:
        """The statements that a student reads."""
        return tuple(statement for statement in self.statements if statement.text)

    def statement(self, name: str) -> Statement:
        """Find a statement by its name."""
        return next(each for each in self.statements if each.name == name)

    def desk_inputs(self, number: int = 0) -> Inputs:
        """Draw the inputs of a local check. Each `number` selects other inputs.

        They are the same in each run, so that students can follow one number while they change their code.
        """
        return self.draw(np.random.default_rng(DESK_SEED + number))

    def secret_inputs(self, seed: int) -> Inputs:
        """Draw the inputs for one submission. Each part draws separately, so that parts don't share inputs."""
        return self.draw(np.random.default_rng([seed, zlib.crc32(self.id.encode())]))

    @cached_property
    def at_desk(self) -> Inputs:
        """The inputs of a local check, for what only reads or copies them: drawn once, for kernels before the fork."""
        return self.desk_inputs()

    @cached_property
    def other_inputs(self) -> Inputs:
        """The inputs on which code is called before it is tested. They are drawn once, since looks get copies."""
        return self.desk_inputs(OTHERS)


class Extra(NamedTuple):
    """A library that a notebook uses only if it is installed.

    `name` is the extra of the students' distribution that installs it. `text` describes its benefits and costs to
    students.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class Unit:
    """One assignment: its name, its title, its graded parts in the notebook's order, and optional libraries.

    `builds_on` is the name of the unit whose code students reuse. `packages` are requirements of the unit and its
    notebook that this package doesn't install, as pip reads them: `pandas>=2`.
    `predictions` are parts for guesses before an experiment (`lib.checking.predictions`); they aren't graded.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    predictions: tuple[Part, ...] = ()
    extras: tuple[Extra, ...] = ()
    builds_on: str = ""
    packages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise TypeError if the parts or packages aren't a tuple, and ValueError if two parts have the same id."""
        require_tuple(f"{self.name}: its parts", self.parts, Part, "(loss,)")
        require_tuple(f"{self.name}: its packages", self.packages, str, '("pandas",)')
        ids = [part.id for part in self.parts]
        if twice := [id for id in ids if ids.count(id) > 1]:
            raise ValueError(
                f"{self.name}: {ids.count(twice[0])} parts have the id {twice[0]!r}. Each needs its own cell"
            )
