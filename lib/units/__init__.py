"""Units: one folder for each notebook, named as its assignment; `closed` in it holds the answers and never ships.

The units that come with this package are here. A course has units of its own in its folder `units/`, and they are
imported under the same name, `lib.units.NAME`. A course's folder is the one with `nbgrader_config.py`: the working
directory, or one that it is in.

A unit is a folder with `exercise.py`. That file is the unit's module; `complete` makes the unit and its checks of its
names:

| name | field of `Unit` |
|---|---|
| `PARTS` | `parts`, in the notebook's order |
| `TITLE` | `title`; by default the folder's name |
| `PREDICTIONS`, `PACKAGES`, `EXTRAS`, `BUILDS_ON` | `packages` and so on; optional |
"""

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

COURSE = "ZEROLAYER_COURSE"
"""The environment variable that names the course's folder to a process that works elsewhere."""
FOLDER, CONFIG = "units", "nbgrader_config.py"
EXERCISE = "exercise.py"
FIELDS = ("PREDICTIONS", "PACKAGES", "EXTRAS", "BUILDS_ON")
_OURS = tuple(__path__)


def enter(course: str) -> None:
    """Find the units of this course from now on, and of no other: here and in programs that are started from here."""
    own = os.path.join(os.path.abspath(course), FOLDER)  # noqa: PTH100, PTH118  # pathlib takes 4 ms to import
    if __path__[:] == [*_OURS, own]:
        return
    # Notebooks of every course import `lib.units.NAME`, and Python keeps a module by its name alone: a process that
    # goes from one course to another would have the first one's unit. So its modules go. A package for each course
    # would be simpler, but its name would have to be in every notebook.
    for left in set(__path__) - {*_OURS, own}:
        for name in [name for name in sys.modules if name.startswith(f"{__name__}.")]:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(left + os.sep):
                del sys.modules[name]
    __path__[:] = _OURS
    os.environ.pop(COURSE, None)
    if os.path.isdir(own):  # noqa: PTH112  # likewise
        __path__.append(own)
        os.environ[COURSE] = os.path.dirname(own)  # noqa: PTH120  # likewise


def course_folder() -> str:
    """Return the folder of the course that this process works in, or nothing: it may be a student's."""
    if named := os.environ.get(COURSE):
        return named
    try:
        folder = os.getcwd()  # noqa: PTH109  # likewise
    except OSError:  # it was removed
        return ""
    while not os.path.isfile(os.path.join(folder, CONFIG)):  # noqa: PTH113, PTH118  # likewise
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120  # likewise
        if folder == below:
            return ""
    return folder


def complete(names: dict[str, Any]) -> None:
    """Add `UNIT` and `check` to the names of an exercise; notebooks import `check`."""
    from lib.checking.dispatch import Checks
    from lib.unit import Unit

    if "PARTS" not in names:
        raise ValueError('it has no PARTS. Write, for example: PARTS = (Part("check-loss", …),)')
    name = names["__name__"].rpartition(".")[2]
    fields = {field.lower(): names[field] for field in FIELDS if field in names}
    names["UNIT"] = unit = Unit(name, names.get("TITLE", name.replace("_", " ").capitalize()), names["PARTS"], **fields)
    names["check"] = Checks((*unit.parts, *unit.predictions), names["__name__"])


class _Finder:
    """Finds the module of a unit."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Called by Python for each import."""
        package, _, unit = name.rpartition(".")
        for folder in __path__ if package == __name__ else ():
            file = os.path.join(folder, unit, EXERCISE)  # noqa: PTH118  # likewise
            if os.path.isfile(file):  # noqa: PTH113  # likewise
                spec = ModuleSpec(name, _Loader(name, file), origin=file)
                spec.submodule_search_locations, spec.has_location = [os.path.dirname(file)], True  # noqa: PTH120
                return spec
        return None


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Called by Python."""
        super().exec_module(module)
        complete(vars(module))


sys.meta_path.insert(0, _Finder)  # before Python's own, which takes the folder for a namespace
if found := course_folder():
    enter(found)
