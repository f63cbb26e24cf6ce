"""A unit: what one notebook teaches, checks and grades, as plain data.

A `Unit` has parts, a `Part` has statements, and a `Statement` is one property that only right code has. Students have
all of these: they are the open half. What the closed half consists of is in `lib.answer_key`. `lib.checking` says what
a check does with a part, and `lib.grading` what a grader does.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]  # as NDArray[np.float64]: numpy.typing would be one more import
Inputs = Mapping[str, Array]
"""Inputs drawn at random: a name for each array. A unit of yours may draw text, numbers, lists and dicts as well."""
Probes = dict[str, Callable[[], object]]
"""What to run on student code for the judge: a name and a call each. Names before a `/` tell alternative routes apart,
and any one route earns the points."""
DESK_SEED = 0
OTHERS = 7
"""The number of the draw on which student code is called before it is tested: none on which it is."""


class Statement:
    """One property of one part, in a sentence that the student reads: `text`.

    At the desk a statement is tested as a property (`holds`): columns sum to 1, or a gradient agrees with central
    differences of the student's own forward. No right answer is needed, so none is shipped. At grading the same
    statement hands over plain arrays (`probes`), and a judge elsewhere compares them with the right ones.

    `points` are earned when it holds (0: advice). `depends_on` names the statements of the same part without which this
    one says nothing. `hint` is the one thing to try when it fails; where numbers are nan or infinite only if it
    `is_about_overflow`, and where an array has another shape only if the `hint_fits_shapes`. `lines` is a pattern of
    the lines of student code that it is about; without one it is about all lines.
    """

    text: ClassVar[str]
    points: ClassVar[float] = 1
    depends_on: ClassVar[tuple[type[Statement], ...]] = ()
    hint: ClassVar[str] = ""
    is_about_overflow: ClassVar[bool] = False
    hint_fits_shapes: ClassVar[bool] = False
    lines: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The class's name; verdicts store it."""
        return type(self).__name__

    def applies(self, subjects: tuple[Any, ...]) -> bool:
        """Tell whether there is anything to test in a call with these subjects."""
        return True

    def holds(self, inputs: Inputs, *subjects: Any) -> None:
        """Test the property on the student's own code; raise `lib.checking.values.Wrong` where it fails."""
        raise NotImplementedError(f"{self.name} has no test for the desk")

    def probes(self, inputs: Inputs, *subjects: Any) -> Probes:
        """Name what the judge wants to see of student code; nothing is run yet. Advice has none."""
        return {}

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        """Give what the statement is about of the numbers that a probe gave; the judge compares only that."""
        return given

    def size(self, probe: str, inputs: Inputs) -> float:
        """Give how large the numbers are from which a probe's come: small differences of large ones are rounded."""
        return 1.0


class ExampleStep(NamedTuple):
    """One step of a worked example: what is computed, its result by hand, and student code that computes it."""

    text: str
    by_hand: object
    run: Callable[[], object]


class Example(NamedTuple):
    """An example that a student can follow by hand: the inputs in a sentence, and the steps.

    The inputs are chosen so that the results are plain numbers: no formula is needed, so none is shipped.
    """

    given: str
    steps: tuple[ExampleStep, ...]


class ErrorHint(NamedTuple):
    r"""What to try after an `error`, a pattern of `TypeError: message`, raised in a line that fits the pattern `code`.

    `function` is a pattern of the name of the function with that line, such as `Dense.forward`. In the hint `\1` is the
    first group of `error`.
    """

    error: str
    hint: str
    code: str = ""
    function: str = ""


@dataclass(frozen=True)
class Part:
    """One graded thing: its cell's id, its statements, and how its inputs are drawn.

    `subjects` are the names under which the notebook defines what is checked, and `settings` those that a call may add.
    `depends_on` are parts without which this one can't be tested at the desk (at grading every part is judged apart).
    `code` is the function or method to look at when a check fails, such as `Softmax.backward`; without it the first
    subject. `example` makes a worked example of student code: it takes the subjects. `naming_draws` are the draws on
    which a failed check runs code to name a mistake: one is enough where it has several calls with other inputs each.
    With more than one, code is called on another draw before it is tested: what it keeps of earlier calls shows.
    `error_hints` are for exceptions of code of this part's kind; `lib.checking.error_hints` has those for all code.
    """

    id: str
    title: str
    subjects: tuple[str, ...]
    statements: tuple[Statement, ...]
    draw: Callable[[np.random.Generator], Inputs]
    depends_on: tuple[Part, ...] = ()
    settings: tuple[str, ...] = ()
    code: str = ""
    example: Callable[..., Example] | None = None
    naming_draws: int = 2
    error_hints: tuple[ErrorHint, ...] = ()

    @property
    def name(self) -> str:
        """What the part's check is called: `check.cce_gradient` belongs to the cell `check-cce-gradient`."""
        return self.id.removeprefix("check-").replace("-", "_")

    @property
    def points(self) -> float:
        """What the part is worth: the sum over its statements."""
        return sum(statement.points for statement in self.statements)

    def desk_inputs(self, number: int = 0) -> Inputs:
        """Draw the inputs of a local check; each `number` gives other ones.

        They are the same every time, so that a student can follow one number while changing code.
        """
        return self.draw(np.random.default_rng(DESK_SEED + number))

    @cached_property
    def other_inputs(self) -> Inputs:
        """The inputs on which code is called before it is tested: drawn once, for they are only copied."""
        return self.desk_inputs(OTHERS)


@dataclass(frozen=True)
class Extra:
    """A library that a notebook uses where it is installed, and does without elsewhere.

    `name` is the extra of the students' distribution that installs it. `text` tells a student what the library adds and
    what it takes.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class SlowImports:
    """Modules that a unit's notebooks may import and that take seconds, and what code looks like that does so."""

    modules: tuple[str, ...]
    code: re.Pattern[str]


@dataclass(frozen=True)
class Question:
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

    `slow_imports` are kept ready by the grader for notebooks whose code looks as if it needs them. `questions` are what
    students predict. `builds_on` is the name of the unit whose code students bring along.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    extras: tuple[Extra, ...] = ()
    slow_imports: SlowImports | None = None
    questions: tuple[Question, ...] = ()
    builds_on: str = ""
