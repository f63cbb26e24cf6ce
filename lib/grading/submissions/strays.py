"""Strays: work that lies in the folder of submissions where nobody's is looked for, and would be missed in silence."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lib.grading.submissions.read import ARCHIVES

WORK = {".ipynb", *ARCHIVES}
"""How the names of files end that may hold a student's work."""


def strays(submitted: Path, assignment: str) -> Iterator[Path]:
    """Find work that lies beside the students' folders, or beside a student's folder of this assignment.

    Also a folder whose name differs from the assignment's by capitals alone.
    """
    for entry in sorted(submitted.iterdir()):
        with suppress(OSError):  # what can't be looked at `find_folders` finds, if it is a student's
            if _is_work(entry):
                yield entry
            elif not entry.name.startswith(".") and entry.is_dir() and not (entry / assignment).is_dir():
                yield from (file for file in sorted(entry.iterdir()) if _is_meant(file, assignment))


def _is_meant(file: Path, assignment: str) -> bool:
    """Tell whether something in a student's folder is this assignment's by its name: others may lie there, too."""
    return (_is_work(file) and assignment in file.name) or file.name.casefold() == assignment.casefold()


def _is_work(file: Path) -> bool:
    return file.suffix.lower() in WORK and not file.name.startswith(".") and file.is_file()
