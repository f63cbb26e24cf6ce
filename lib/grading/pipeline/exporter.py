"""The exporter through which `nbgrader autograde` and formgrader grade a submission as `zerolayer grade` does.

nbgrader reads, preprocesses and writes each notebook of a submission twice, to clean it and to grade it. The
configuration replaces its exporter, which reads the files, by this one. So nbgrader itself opens no student's notebook,
unreadable notebooks get verdicts, too, and nbgrader's preprocessors don't run.
"""

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import NbGraderException

from lib.grading.files import temporary_sibling_folder
from lib.grading.gradebook.session import GradebookSession
from lib.grading.names import InvalidId, parse_id
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.stages import grade, prepare, task
from lib.grading.submissions.submitted_files import read


class GradingExporter(NotebookExporter):
    """Returns graded notebooks to nbgrader. The first call for a submission grades all of its notebooks."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return a graded notebook. nbgrader calls this twice for each one, in order, and reports errors."""
        assert resources is not None
        directory, names = self.parent.coursedir, resources["nbgrader"]
        whose = names["student"], names["assignment"]
        place = Path(directory.format_path(directory.autograded_directory, *whose))
        if filename == self.parent.notebooks[0]:  # the second time, nbgrader reads the graded folder
            self._grade(Path(directory.format_path(directory.submitted_directory, *whose)), *whose, place)
        graded = (place / f"{names['notebook']}.ipynb").read_text("utf-8")
        return graded, {**resources, "output_extension": self.file_extension}

    def _grade(self, submitted: Path, student: str, assignment: str, place: Path) -> None:
        if isinstance(id := parse_id(student), InvalidId):
            raise NbGraderException(
                f"{submitted} can't belong to a student: {id.problem}. Rename the folder, and grade again."
            )
        directory, handed = self.parent.coursedir, read(submitted, id)
        with (
            GradebookSession(directory.db_url, directory.course_id, assignment) as book,
            temporary_sibling_folder(place) as beside,
        ):
            course = Course(self.parent, book, assignment)
            work = prepare(course, handed)
            grade(course, work, task(course, work)(), beside / "graded", place)
        if not directory.groupshared:
            for folder in (place, place.parent):
                folder.chmod(0o700)
