"""An answer key: a unit's closed half, as plain data.

An `AnswerKey` has the right objects, the mistakes that have names, a sample class, and the calls that a person looks
at. Students have none of these. A notebook doesn't import this module: its classes take longer to define than all else
that a check needs of a unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.mistakes import Mistake
from lib.unit import Part, Question, Unit, require_tuple

Fillings = Mapping[str, tuple[str, ...]]
"""For each solution cell, what goes into its blanks, in order; an empty text leaves a blank open."""


@dataclass(frozen=True)
class SampleClass:
    """A made-up class for `zerolayer demo`: how each student fills the blanks, and what is written under questions.

    A cell that is not among a student's has the solution's code.
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


@dataclass(frozen=True, eq=False)  # compared by identity, so that a cache can be by key
class AnswerKey:
    """A unit's closed half: the right objects by name, the mistakes that have names, a sample class, watched calls."""

    unit: Unit
    right: Mapping[str, object]
    mistakes: tuple[Mistake, ...]
    sample_class: SampleClass = SampleClass({}, {})
    watched_calls: WatchedCalls = WatchedCalls(frozenset(), re.compile(r"(?!)"))  # none

    def __post_init__(self) -> None:
        """Raise TypeError where the mistakes are no tuple, and ValueError where a part's subject has no right code."""
        require_tuple("The mistakes", self.mistakes, Mistake, "read(Path(__file__).parent, right, UNIT.parts)")
        for part in self.parts:
            if missing := [name for name in part.subjects if name not in self.right]:
                known = ", ".join(name for name in self.right if not name.startswith("_"))
                raise ValueError(f"`right` has no {missing[0]}, which {part.id} checks. It has: {known}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The unit's graded parts."""
        return self.unit.parts

    def part(self, id: str) -> Part | None:
        """Find a part by its cell's id."""
        return next((part for part in self.parts if part.id == id), None)

    def subjects(self, part: Part) -> tuple[object, ...]:
        """Give what a part's check is called with: the right objects."""
        return tuple(self.right[name] for name in part.subjects)
