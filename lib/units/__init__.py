"""Units: one folder for each notebook, named as its assignment; `closed` in it holds the answers and never ships.

The units that come with this package lie here. A course has units of its own in its folder `units/`, and they are
imported under the same name, `lib.units.NAME`. A course's folder is the one with `nbgrader_config.py`: the working
directory, or one that it is in.
"""

import os
import sys

COURSE = "ZEROLAYER_COURSE"
"""The environment variable that names the course's folder to a process that works elsewhere."""
FOLDER, CONFIG = "units", "nbgrader_config.py"
GROUP = "zerolayer.units"
"""The entry points by which other packages name their units."""
_OURS = tuple(__path__)


def enter(course: str) -> None:
    """Find the units of this course from now on, and of no other: here and in programs that are started from here."""
    own = os.path.join(os.path.abspath(course), FOLDER)  # noqa: PTH100, PTH118  # pathlib takes 4 ms to import
    if __path__[:] == [*_OURS, own]:
        return
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
    """Give the folder of the course that this process works in, or nothing: it may be a student's."""
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


if found := course_folder():
    enter(found)
