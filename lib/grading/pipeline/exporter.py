"""The exporter through which `nbgrader autograde` and formgrader grade a submission as `zerolayer grade` does.

nbgrader reads, preprocesses and writes each notebook of a submission twice, to clean it and to grade it. The
configuration replaces its exporter, which reads the files, by this one. So nbgrader itself opens no student's notebook,
misnamed and unreadable notebooks get verdicts, too, and nbgrader's preprocessors don't run.
"""

import fnmatch
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, NbGraderException

from lib.grading.files import temporary_sibling_folder
from lib.grading.gradebook.session import GradebookSession
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.stages import prepare, save, task
from lib.grading.safe_names import InvalidId, parse_id
from lib.grading.submissions.submitted_files import find_submitted, read, step_folder


class GradingExporter(NotebookExporter):
    """Returns graded notebooks to nbgrader. The first call for a submission grades all of its notebooks."""

    def __init__(self, config: Any = None, **named: Any):
        """Have nbgrader ask for the assignment's notebooks in each submitted folder, whatever the files are called."""
        super().__init__(config, **named)
        if type(self.parent) is Autograde:  # `zerolayer grade` finds submissions by itself
            course = self.parent.coursedir
            with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
                known = [one.name for one in gradebook.find_assignment(course.assignment_id).notebooks]
                names = fnmatch.filter(known, course.notebook_id)
                found = find_submitted(course, course.assignment_id, course.student_id)
                self.parent.assignments = {
                    str(place): [f"{place}/{name}.ipynb" for name in names] for _, place in found
                }

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return a graded notebook. nbgrader calls this twice for each one, in order, and reports errors."""
        assert resources is not None
        names = resources["nbgrader"]
        place = step_folder(self.parent.coursedir, "autograded", names["student"], names["assignment"])
        if filename == self.parent.notebooks[0]:  # the second time, nbgrader reads the graded folder
            self._grade(names["student"], names["assignment"], place)
        graded = (place / f"{names['notebook']}.ipynb").read_text("utf-8")
        return graded, {**resources, "output_extension": self.file_extension}

    def _grade(self, student: str, assignment: str, place: Path) -> None:
        directory = self.parent.coursedir
        folder = step_folder(directory, "submitted", student, assignment)
        if isinstance(id := parse_id(student), InvalidId):
            raise NbGraderException(
                f"{folder} can't belong to a student: {id.problem}. Rename the folder, and grade again."
            )
        submitted = read(folder, id)
        with (
            GradebookSession(directory.db_url, directory.course_id, assignment) as gradebook,
            temporary_sibling_folder(place) as temporary,
        ):
            course = Course(self.parent, gradebook, assignment)
            work = prepare(course, submitted)
            save(course, work, task(course, work)(), temporary / "graded", place)
        if not directory.groupshared:
            for each in (place, place.parent):
                each.chmod(0o700)
