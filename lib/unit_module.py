"""Unit modules: `PARTS` and other names of an exercise become the unit and its checks.

| name | field of `Unit` |
|---|---|
| `PARTS` | `parts`, in the notebook's order |
| `NAME`, `TITLE` | `name` and `title`; by default the folder's name |
| `PREDICTIONS`, `PACKAGES`, `EXTRAS`, `BUILDS_ON` | `predictions` and so on; optional |
"""

from typing import Any

from lib.checking.dispatch import Checks
from lib.unit import Unit

FIELDS = ("PREDICTIONS", "PACKAGES", "EXTRAS", "BUILDS_ON")


def complete(names: dict[str, Any]) -> None:
    """Add `UNIT` and `check` to a module's names; notebooks import `check`.

    Called after each `exercise.py`. A unit in another package calls it at the end of its `__init__.py`.
    """
    if "PARTS" not in names:
        raise ValueError('it has no PARTS. Write, for example: PARTS = (Part("check-loss", …),)')
    name = names.get("NAME", names["__name__"].rpartition(".")[2])
    fields = {field.lower(): names[field] for field in FIELDS if field in names}
    names["UNIT"] = unit = Unit(name, names.get("TITLE", name.replace("_", " ").capitalize()), names["PARTS"], **fields)
    names["check"] = Checks((*unit.parts, *unit.predictions), names["__name__"])
