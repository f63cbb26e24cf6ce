"""Units: one folder for each notebook, named as its assignment; `closed` in it holds the answers and never ships.

The units that come with this package are here. A course has units of its own in its folder `units/`, and they are
imported under the same name, `lib.units.NAME`. A course's folder is the one with `nbgrader_config.py`: the working
directory, or one that it is in.

A unit is a folder with `exercise.py`: that file is the unit's module, and `lib.unit_module` completes it. A unit whose
`__init__.py` has code says there itself what it is.
"""

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

COURSE = "ZEROLAYER_COURSE"
"""The environment variable that names the course's folder to a process that works elsewhere."""
FOLDER, CONFIG = "units", "nbgrader_config.py"
GROUP = "zerolayer.units"
"""The entry points by which other packages name their units."""
EXERCISE = "exercise.py"
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


def is_exercise(folder: str) -> bool:
    """True if a folder is a unit by its exercise."""
    file, init = (os.path.join(folder, name) for name in (EXERCISE, "__init__.py"))  # noqa: PTH118  # likewise
    return os.path.isfile(file) and not (os.path.isfile(init) and os.path.getsize(init))  # noqa: PTH113, PTH202  # likewise


class _Finder:
    """Finds the module of a unit that is an exercise."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Called by Python for each import."""
        package, _, unit = name.rpartition(".")
        for folder in __path__ if package == __name__ else ():
            if is_exercise(own := os.path.join(folder, unit)):  # noqa: PTH118  # likewise
                spec = ModuleSpec(name, _Loader(name, file := os.path.join(own, EXERCISE)), origin=file)  # noqa: PTH118
                spec.submodule_search_locations, spec.has_location = [own], True
                return spec
        return None


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Called by Python."""
        super().exec_module(module)
        from lib.unit_module import complete

        complete(vars(module))


sys.meta_path.insert(0, _Finder)  # before Python's own, which takes the folder for a namespace
if found := course_folder():
    enter(found)
