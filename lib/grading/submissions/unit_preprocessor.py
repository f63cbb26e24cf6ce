"""Which unit an assignment is, and the seed of a submission's challenge: what all preprocessors of a unit share."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from glob import glob
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Unicode
from traitlets.utils.importstring import import_item

import lib.units
from lib.answer_key import AnswerKey
from lib.checking.answers import CHALLENGE
from lib.grading import units
from lib.grading.errors import ConfigError
from lib.grading.judge.challenge import seed_of
from lib.grading.judge.secret import make_secret, read_secret
from lib.grading.judge.verdict import FILE
from lib.grading.safe_files import files_in, is_file
from lib.grading.submissions.fit import lost_unit, misfits
from lib.grading.submissions.form import faults_of_form
from lib.grading.submissions.master import Master
from lib.grading.submissions.read import STAMP
from lib.grading.submissions.sight import find_exposed, find_unseen

OURS = (CHALLENGE, FILE, f"{FILE}.part")
"""Names in a submission's folder that are not a student's to use."""


class UnitPreprocessor(NbGraderPreprocessor):
    """What writing the challenge and judging share: which unit an assignment is, and a submission's seed."""

    units = Dict(
        help="""The import string of an AnswerKey, for an assignment whose unit isn't found by its name; or an empty
        text for an assignment that nbgrader is to grade by itself. All other units are found as before.""",
    ).tag(config=True)
    secret_file = Unicode(
        "judge_secret", help="Where the course keeps the secret from which seeds are derived; made at first need."
    ).tag(config=True)

    def unit(self, resources: dict[str, Any]) -> AnswerKey | None:
        """Find the unit of the assignment that a notebook is of."""
        return self.unit_of(resources["nbgrader"]["assignment"])

    @cached_property
    def unit_of(self) -> Callable[[str], AnswerKey | None]:
        """Find the unit of an assignment, or None for one that nbgrader grades by itself.

        Raises ConfigError where there is one that can't be imported or isn't put together as it should be, or whose
        answers students could import.
        """
        return cache(self._import)

    def _import(self, assignment: str) -> AnswerKey | None:
        name = self.answers_of(assignment)
        if not name:
            return None
        is_configured = assignment in self.units
        key = _import_unit(name, assignment, is_configured)
        for fault in chain(faults_of_form(key, name, "" if is_configured else assignment), find_exposed(key, name)):
            raise ConfigError(str(fault))
        return key

    def answers_of(self, assignment: str) -> str:
        """Name the closed half of the assignment's unit: its import string, or nothing where there is no unit."""
        if assignment in self.units:
            return str(self.units[assignment] or "")
        lib.units.enter(CourseDirectory(parent=self).root)  # nbgrader's own commands don't know of a course's units
        place = units.place_of(assignment)
        return place.answers if place else ""

    def check_unit(self, assignment: str, masters: Mapping[str, Master], locked: bool = True) -> None:
        """Raise ConfigError unless each tested cell of an assignment with a unit has its part, and each part a cell.

        Also where a notebook calls checks and there is no unit, or where the checks can't be imported in kernels that
        are `locked` in: then nobody would get points.
        """
        key = self.unit_of(assignment)
        cells = {f"{name}.ipynb": [*master.cells.values()] for name, master in masters.items()}
        if key is None:
            if assignment not in self.units and (lost := lost_unit(assignment, cells)):
                raise ConfigError(f"{lost}\nNobody was graded.")
            return
        if found := [*map(str, misfits(key.unit, cells))]:
            raise ConfigError(
                "\n".join([f"{assignment} can't be graded: its cells don't fit {self.answers_of(assignment)}.", *found])
                + "\nThen run `zerolayer build`, and grade again."
            )
        for fault in find_unseen(key) if locked else ():
            raise ConfigError(f"{fault}\nNobody was graded.")

    @cached_property
    def secret(self) -> bytes:
        """The course's secret, made if there is none yet. Raises ConfigError where what is there can't be one."""
        path = Path(self.secret_file)
        try:
            return read_secret(path)
        except FileNotFoundError:
            made = make_secret(path)
        course = CourseDirectory(parent=self)
        folders = course.format_path(course.autograded_directory, "*", "*")
        if graded := len(glob(str(Path(folders, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            were = "a submission was" if graded == 1 else f"{graded:,} submissions were"
            self.log.warning(
                f"{path} was missing and has been made anew, though {were} graded with another one. Whatever is graded"
                " from now on draws other challenges than before. If you have a copy of the old file, put it back."
            )
        return made

    def seed(self, nb: NotebookNode, resources: dict[str, Any]) -> int:
        """Derive the seed of this submission.

        Another notebook or other files have another seed: what one run has put out is of no use in the next.
        """
        names, stamp = resources["nbgrader"], read_stamp(resources)[:100].hex()
        whose = names["assignment"], names["notebook"], names["student"]
        return seed_of(self.secret, *whose, stamp, hash_submission(nb.cells, folder_of(resources)))


def _import_unit(name: str, assignment: str, is_configured: bool) -> AnswerKey:
    """Import a unit by its answer key's import string. Raises ConfigError where there is none."""
    try:
        found = import_item(name)
    except (Exception, SystemExit) as error:  # whatever a module may raise as it is imported
        why = f"can't be imported: {units.describe(error)}"
    else:
        if isinstance(found, AnswerKey):
            return found
        why = f"is a {type(found).__name__}"
    if not is_configured:
        raise ConfigError(f"The unit {assignment} fails: {name!r} {why}. Nothing was graded. Correct the unit.")
    raise ConfigError(
        f"The unit that UnitPreprocessor.units names for {assignment} fails: {name!r} {why}. Nothing was graded."
        " Expected the import string of an AnswerKey, such as 'my_package.closed.ANSWER_KEY'."
        " Correct it, or take it out if nbgrader is to grade the assignment by itself."
    )


def hash_submission(cells: Iterable[Mapping[str, Any]], folder: Path) -> str:
    """Hash all that a run can read of a submission: a notebook's cells once they are restored, and the files beside it.

    Outputs and the ids that cells are given anew are left out, so that grading again finds the same.
    """
    digest = hashlib.sha256()
    for cell in cells:
        seen = (cell["cell_type"], cell["source"], cell["metadata"].get("tags"), cell.get("attachments"))
        digest.update(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS) + b"\n")
    for path in sorted(files_in(folder)):
        if path.suffix != ".ipynb" and path.name not in OURS:
            name, content = os.fsencode(path.relative_to(folder)), path.read_bytes()
            digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()


def read_stamp(resources: dict[str, Any]) -> bytes:
    """Read nbgrader's note of when a submission was made, if there is one."""
    stamp = folder_of(resources) / STAMP
    return stamp.read_bytes() if is_file(stamp) else b""


def folder_of(resources: dict[str, Any]) -> Path:
    """Give the folder in which nbgrader converts a submission."""
    return Path(resources["metadata"]["path"])
