"""A unit: what one notebook teaches, checks and grades, as plain data.

A `Unit` has parts, a `Part` has statements, and a `Statement` is one property that only right code has. Students have
all of these: they are the open half. The closed half is the `AnswerKey`: the right objects, the mistakes that have
names, and a sample class. `lib.checking` says what a check does with them, and `lib.grading` what a grader does.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Inputs = Mapping[str, Array]
"""Inputs drawn at random: a name for each array."""
Probes = dict[str, Callable[[], object]]
"""What to run on student code for the judge: a name and a call each. Names before a `/` tell alternative routes apart,
and any one route earns the points."""
Fillings = Mapping[str, tuple[str, ...]]
"""For each solution cell, what goes into its blanks, in order; an empty text leaves a blank open."""
DESK_SEED = 0
Code = TypeVar("Code")


class Statement:
    """One property of one part, in a sentence that the student reads: `text`.

    At the desk a statement is tested as a property (`holds`): columns sum to 1, or a gradient agrees with central
    differences of the student's own forward. No right answer is needed, so none is shipped. At grading the same
    statement hands over plain arrays (`probes`), and a judge elsewhere compares them with the right ones.

    `points` are earned when it holds (0: advice). `depends_on` names the statements of the same part without which this
    one says nothing. `hint` is the one thing to try when it fails. `lines` is a pattern of the lines of student code
    that it is about; without one it is about all lines.
    """

    text: ClassVar[str]
    points: ClassVar[float] = 1
    depends_on: ClassVar[tuple[type[Statement], ...]] = ()
    hint: ClassVar[str] = ""
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


@dataclass(frozen=True)
class Part:
    """One graded thing: its cell's id, its statements, and how its inputs are drawn.

    `subjects` are the names under which the notebook defines what is checked, and `settings` those that a call may add.
    `depends_on` are parts without which this one can't be tested at the desk (at grading every part is judged apart).
    `code` is the function or method to look at when a check fails, such as `Softmax.backward`; without it the first
    subject. `example` makes a worked example of student code: it takes the subjects.
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
class Unit:
    """One assignment: its name, its title, its graded parts in the notebook's order, and what it can do without.

    `slow_imports` are kept ready by the grader for notebooks whose code looks as if it needs them.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    extras: tuple[Extra, ...] = ()
    slow_imports: SlowImports | None = None


@dataclass(frozen=True)
class Mistake:
    """One wrong variant of one part's code.

    `name` says in plain words what the code does, `hint` gives one thing to try without giving the answer. `code` holds
    the wrong objects by the names that the part checks, and `also` those of other ways to write the same mistake. A
    mistake that gives the same numbers as earlier ones names them in `same_as`: the judge can't tell them apart, and
    names the first. `teach` tells an instructor what to go through again when many have made it.
    """

    part: str
    name: str
    hint: str
    code: Mapping[str, object]
    same_as: tuple[str, ...] = ()
    teach: str = ""
    also: tuple[Mapping[str, object], ...] = ()

    @property
    def ways(self) -> Iterator[Mistake]:
        """The mistake in each way of writing it."""
        return (replace(self, code=code, also=()) for code in (self.code, *self.also))


@dataclass(frozen=True)
class MistakeCatalog:
    """The mistakes of one part: a decorator that adds wrong code, in order, to `mistakes`.

    Code under a name that is there already is another way to write that mistake.

    `subject` is the name of the object that the part checks; `make` makes that object of the decorated code. `teach`
    says what to go through again, for all mistakes that don't say so themselves.
    """

    part: str
    subject: str
    make: Callable[[Any], object] = lambda code: code
    mistakes: list[Mistake] = field(default_factory=list)
    teach: str = ""

    def __call__(
        self, name: str, hint: str, *, same_as: tuple[str, ...] = (), teach: str = ""
    ) -> Callable[[Code], Code]:
        """Add the decorated code under `name`."""

        def add(code: Code) -> Code:
            self._add(Mistake(self.part, name, hint, {self.subject: self.make(code)}, same_as, teach or self.teach))
            return code

        return add

    def combine(self, extra: str, change: Callable[[Any], object], names: Container[str]) -> None:
        """Add each of the mistakes called `names` once more, together with another one in the same expression.

        `change` takes the wrong object and makes another one of it; `extra` says what that does, after "and".
        """
        for mistake in [mistake for mistake in self.mistakes if mistake.name in names]:
            for way in mistake.ways:
                code = {self.subject: change(way.code[self.subject])}
                self._add(replace(way, name=f"{way.name}, and {extra}", code=code, same_as=()))

    def _add(self, mistake: Mistake) -> None:
        for at, known in enumerate(self.mistakes):
            if known.name == mistake.name:
                self.mistakes[at] = replace(known, also=(*known.also, mistake.code))
                return
        self.mistakes.append(mistake)


@dataclass(frozen=True)
class SampleClass:
    """A made-up class for `zerolayer demo`: how each student fills the blanks, and what is written under questions."""

    students: Mapping[str, Fillings]
    answers: Mapping[str, str]


@dataclass(frozen=True)
class WatchedCalls:
    """Calls that may stand in the place of what students build: their `names`, and the `libraries` that have them.

    `from_a_star` are names that a star import from such a library is taken to bring along.
    """

    libraries: frozenset[str]
    names: re.Pattern[str]
    from_a_star: re.Pattern[str]


NO_CALLS = WatchedCalls(frozenset(), re.compile(r"(?!)"), re.compile(r"(?!)"))


@dataclass(frozen=True)
class AnswerKey:
    """A unit's closed half: the right objects by name, the mistakes that have names, a sample class, watched calls."""

    unit: Unit
    right: Mapping[str, object]
    mistakes: tuple[Mistake, ...]
    sample_class: SampleClass = SampleClass({}, {})
    watched_calls: WatchedCalls = NO_CALLS

    @property
    def parts(self) -> tuple[Part, ...]:
        """The unit's graded parts."""
        return self.unit.parts

    def part(self, id: str) -> Part | None:
        """Find a part by its cell's id."""
        return next((part for part in self.parts if part.id == id), None)

    def subjects(self, part: Part, mistake: Mistake | None = None) -> tuple[object, ...]:
        """Give what a part's check is called with: the right objects, or a mistake's in their place."""
        objects = {**self.right, **(mistake.code if mistake else {})}
        return tuple(objects[name] for name in part.subjects)
