"""An answer key: a unit's closed half, as plain data.

An `AnswerKey` has the right objects, the mistakes that have names, a sample class, and the calls that a person looks
at. Students have none of these. A notebook doesn't import this module: its classes take longer to define than all else
that a check needs of a unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from lib.unit import Inputs, Part, Probes, Question, Unit

Fillings = Mapping[str, tuple[str, ...]]
"""For each solution cell, what goes into its blanks, in order; an empty text leaves a blank open."""
Code = TypeVar("Code")


@dataclass(frozen=True)
class Mistake:
    """One wrong variant of one part's code.

    `name` says in plain words what the code does, `hint` gives one thing to try without giving the answer. `code` holds
    the wrong objects by the names that the part checks, and `also` those of other ways to write the same mistake. A
    mistake that gives the same numbers as earlier ones names them in `same_as`: the judge can't tell them apart, and
    names the first. `teach` tells an instructor what to go through again when many have made it. `together_with` names
    mistakes that come in the same expression, each by what it adds to the name.
    """

    part: str
    name: str
    hint: str
    code: Mapping[str, object]
    same_as: tuple[str, ...] = ()
    teach: str = ""
    also: tuple[Mapping[str, object], ...] = ()
    together_with: tuple[str, ...] = ()

    @property
    def ways(self) -> Iterator[Mistake]:
        """The mistake in each way of writing it."""
        return (replace(self, code=code, also=()) for code in (self.code, *self.also))


class Add(Protocol):
    """Adds wrong code, and other ways to write the same mistake; returns the first, so that it can be a decorator."""

    def __call__(self, code: Code, *others: object) -> Code:
        """Add them in order."""


@dataclass(frozen=True)
class MistakeCatalog:
    """The mistakes of one part: what adds wrong code, in order, to `mistakes`.

    `mistakes("name", "hint")(lambda …)` adds short code, and `@mistakes("name", "hint")` a function. Code under a name
    that is there already is another way to write that mistake.

    `subject` is the name of the object that the part checks; `make` makes that object of the code. `teach` says what to
    go through again, for all mistakes that don't say so themselves. `dataclasses.replace` gives a catalog with another
    `make` or `teach` that adds to the same list.
    """

    part: str
    subject: str
    make: Callable[[Any], object] = lambda code: code
    mistakes: list[Mistake] = field(default_factory=list)
    teach: str = ""

    def __call__(
        self, name: str, hint: str, *together_with: str, same_as: tuple[str, ...] = (), teach: str = ""
    ) -> Add:
        """Return what adds code under `name`."""
        mistake = Mistake(self.part, name, hint, {}, same_as, teach or self.teach, together_with=together_with)

        def add(code: Code, *others: object) -> Code:
            for each in (code, *others):
                self._add(replace(mistake, code={self.subject: self.make(each)}))
            return code

        return add

    def combine(self, extra: str, change: Callable[[Any], object]) -> None:
        """Add each of the mistakes that come `together_with` another one in the same expression once more, with it.

        `change` takes the wrong object and makes another one of it; `extra` says what that does, after "and".
        """
        for mistake in [mistake for mistake in self.mistakes if extra in mistake.together_with]:
            for way in mistake.ways:
                code = {self.subject: change(way.code[self.subject])}
                self._add(replace(way, name=f"{way.name}, and {extra}", code=code, same_as=(), together_with=()))

    def _add(self, mistake: Mistake) -> None:
        for at, known in enumerate(self.mistakes):
            if known.name == mistake.name:
                self.mistakes[at] = replace(known, also=(*known.also, mistake.code))
                return
        self.mistakes.append(mistake)


@dataclass(frozen=True)
class SampleClass:
    """A made-up class for `zerolayer demo`: how each student fills the blanks, and what is written under questions.

    `predictions` has a student's choice on each question, counted from 0.
    """

    students: Mapping[str, Fillings]
    answers: Mapping[str, str]
    predictions: Mapping[str, Mapping[Question, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchedCalls:
    """Calls that may stand in the place of what students build: their `names`, and the `libraries` that have them."""

    libraries: frozenset[str]
    names: re.Pattern[str]


NO_CALLS = WatchedCalls(frozenset(), re.compile(r"(?!)"))


@dataclass(frozen=True, eq=False)  # compared by identity, so that a cache can be by key
class AnswerKey:
    """A unit's closed half: the right objects by name, the mistakes that have names, a sample class, watched calls.

    `known` has by a part's id what gives the probes of right code on some inputs, by the names of the statements, where
    they need not run that code. `build` runs it, and compares.
    """

    unit: Unit
    right: Mapping[str, object]
    mistakes: tuple[Mistake, ...]
    sample_class: SampleClass = SampleClass({}, {})
    watched_calls: WatchedCalls = NO_CALLS
    known: Mapping[str, Callable[[Inputs], Mapping[str, Probes]]] = field(default_factory=dict)

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
