"""Answer keys: the closed half of a unit, as plain data.

An `AnswerKey` has the right objects, the named mistakes, and a sample class. Students get none of these. Notebooks
don't import this module, because defining its classes would make the checks slower to import.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lib import right_code
from lib.mistakes import ANSWER_KEY, BadMistake, Location, Mistake, read
from lib.unit import Part, Unit

Fillings = Mapping[str, tuple[str, ...]]
"""For each solution cell, the code for its blanks, in order; an empty text leaves a blank open."""


@dataclass(frozen=True)
class SampleClass:
    """A sample class for `zerolayer demo`: how each student fills the blanks, and the answers to written questions.

    The other cells of a student have the solution's code.
    """

    students: Mapping[str, Fillings]
    answers: Mapping[str, str]


@dataclass(frozen=True, eq=False)  # compared by identity, so that a cache can be by key
class AnswerKey:
    """A unit's closed half: the right objects by name, the named mistakes, and a sample class."""

    unit: Unit
    right: Mapping[str, object]
    mistakes: tuple[Mistake, ...]
    sample_class: SampleClass = SampleClass({}, {})

    def __post_init__(self) -> None:
        """Raise ValueError if a part's subject has no right code."""
        for part in self.parts:
            if missing := [name for name in part.subjects if name not in self.right]:
                known = ", ".join(name for name in self.right if not name.startswith("_"))
                raise ValueError(f"`right` has no {missing[0]}, which {part.id} checks. It has: {known}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The unit's graded parts."""
        return self.unit.parts

    def part(self, id: str) -> Part | None:
        """Find a part or a prediction by its cell's id."""
        return next((part for part in (*self.parts, *self.unit.predictions) if part.id == id), None)

    def subjects(self, part: Part) -> tuple[object, ...]:
        """Return the arguments of a part's check: the right objects."""
        return tuple(self.right[name] for name in part.subjects)


# ---- From a folder


def read_folder(unit: Unit, module: str, folder: Path, solutions: Path | None = None) -> AnswerKey:
    """Read the answer key of a unit from its files.

    Right code comes from the solution notebook, which may be in the folder `solutions`, or from `closed/right.py` if
    the unit has one. Mistakes are in `closed/mistakes.toml`, or in several TOML files. `closed/answer_key.toml` is
    optional:

        [students.ben]  # for each cell the code for its blanks; in other cells ben has the solution's code
        loss = ['np.sum((y - yhat) ** 2)']
        [answers]  # to written questions
        explain-loss = 'It is larger for more samples.'

    Raises BadMistake for an entry that isn't in this form.
    """
    closed, name = folder / "closed", f"{module}.closed.right"
    subjects = dict.fromkeys(name for part in unit.parts for name in part.subjects)
    found = (
        import_module(name) if (closed / "right.py").is_file() else right_code.load(folder, name, subjects, solutions)
    )
    right = {name: each for name, each in vars(found).items() if not name.startswith("__")}
    return AnswerKey(unit, right, read(closed, right, unit.parts), _read_sample_class(closed))


def _read_sample_class(closed: Path) -> SampleClass:
    place = Location(closed / ANSWER_KEY)
    try:
        tables = tomllib.loads(place.file.read_text(encoding="utf-8")) if place.file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise BadMistake(place, f"{error}.") from None
    if unknown := tables.keys() - {"students", "answers"}:
        raise BadMistake(place, f"{', '.join(unknown)} should be one of students, answers.")
    students = {
        student: {cell: tuple(blanks) for cell, blanks in cells.items()}
        for student, cells in tables.get("students", {"ada": {}}).items()
    }
    return SampleClass(students, tables.get("answers", {}))
