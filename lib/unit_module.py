"""Unit modules: `PARTS` and other names of an exercise become the unit and its checks.

| name | field of `Unit` |
|---|---|
| `PARTS` | `parts`, in the notebook's order |
| `NAME`, `TITLE` | `name` and `title`; by default the folder's name |
| `PACKAGES`, `QUESTIONS`, `EXTRAS`, `BUILDS_ON` | `packages`, `questions` and so on; optional |

Questions may be in a separate file `questions.toml`: a table for each question, and `found` for all of them.
"""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lib.checking.dispatch import Checks
from lib.unit import Question, Unit

FIELDS = ("PACKAGES", "QUESTIONS", "EXTRAS", "BUILDS_ON")


class Questions(Sequence[Question]):
    """The questions in a file, which is read at the first access: importing checks should take no longer than NumPy."""

    def __init__(self, file: str):
        self._file = file

    @cached_property
    def _questions(self) -> tuple[Question, ...]:
        import tomllib

        with open(self._file, "rb") as opened:  # noqa: PTH123  # as in lib.units
            tables = tomllib.load(opened)
        found = {"found": tables.pop("found")} if "found" in tables else {}
        return tuple(Question(id, **found, **each | {"choices": tuple(each["choices"])}) for id, each in tables.items())

    def __getitem__(self, at: Any) -> Any:
        """Return one question, or a slice of them."""
        return self._questions[at]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._questions)


def complete(names: dict[str, Any]) -> None:
    """Add `UNIT`, `check` and `predict` to a module's names; notebooks import the last two.

    Called after each `exercise.py`. A unit in another package calls it at the end of its `__init__.py`.
    """
    if "PARTS" not in names:
        raise ValueError('it has no PARTS. Write, for example: PARTS = (Part("check-loss", …),)')
    name = names.get("NAME", names["__name__"].rpartition(".")[2])
    fields = {field.lower(): names[field] for field in FIELDS if field in names}
    file = os.path.join(os.path.dirname(names["__file__"]), "questions.toml")  # noqa: PTH118, PTH120  # as in lib.units
    if os.path.isfile(file):  # noqa: PTH113  # likewise
        fields["questions"] = Questions(file)
    names["UNIT"] = unit = Unit(name, names.get("TITLE", name.replace("_", " ").capitalize()), names["PARTS"], **fields)
    names["check"] = Checks(unit.parts, names["__name__"])
    if "questions" in fields:
        from lib.predictions import Predict

        names["predict"] = Predict(unit)
