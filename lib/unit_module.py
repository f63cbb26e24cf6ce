"""A unit's module from its exercise: `PARTS`, and what else the exercise says, become the unit and its checks.

| name | field of `Unit` |
|---|---|
| `PARTS` | `parts`, as the notebook has them |
| `NAME`, `TITLE` | `name` and `title`; without them those of the folder |
| `PACKAGES`, `QUESTIONS`, `EXTRAS`, `BUILDS_ON` | `packages`, `questions` and so on, where it has any |

Questions may be in a file of their own, `questions.toml`: a table for each, and `found` for all.
"""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lib.checking.dispatch import Checks
from lib.unit import Question, Unit

FIELDS = ("PACKAGES", "QUESTIONS", "EXTRAS", "BUILDS_ON")


class Questions(Sequence[Question]):
    """The questions in a file, which is read when one is asked for: a check's import is to be as light as numpy's."""

    def __init__(self, file: str):
        self._file = file

    @cached_property
    def _questions(self) -> tuple[Question, ...]:
        import tomllib

        with open(self._file, "rb") as opened:  # noqa: PTH123  # as in lib.units
            about = tomllib.load(opened)
        found = {"found": about.pop("found")} if "found" in about else {}
        return tuple(Question(id, **found, **each | {"choices": tuple(each["choices"])}) for id, each in about.items())

    def __getitem__(self, at: Any) -> Any:
        """Return one question, or a slice of them."""
        return self._questions[at]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._questions)


def complete(names: dict[str, Any]) -> None:
    """Add to a module's names what notebooks import, `check` and `predict`, and the `UNIT`.

    Called after each `exercise.py`. A unit in a package of its own calls it at the end of its `__init__.py`.
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
