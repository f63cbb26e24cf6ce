"""What `nbgrader autograde` and formgrader's button call: they grade a submission as `zerolayer grade` does.

nbgrader has each notebook of a submission read, worked on by a list of steps, and written, twice: once to clean it and
once to grade it. The configuration names this in the place of what reads: so nbgrader itself opens no notebook that a
student sent, and one that can't be read gets a verdict, too. Its lists of steps aren't asked.
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
    """Gives nbgrader each graded notebook; those of a submission are graded when it asks for the first one."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        """Called twice for each notebook, in order. Where a run is lost, nothing is graded, and nbgrader says so."""
        assert resources is not None
        directory, names = self.parent.coursedir, resources["nbgrader"]
        whose = names["student"], names["assignment"]
        place = Path(directory.format_path(directory.autograded_directory, *whose))
        if filename == self.parent.notebooks[0]:  # in the second round they are those of the graded folder
            self._grade(Path(directory.format_path(directory.submitted_directory, *whose)), *whose, place)
        graded = (place / f"{names['notebook']}.ipynb").read_text("utf-8")
        return graded, {**resources, "output_extension": self.file_extension}

    def _grade(self, submitted: Path, student: str, assignment: str, place: Path) -> None:
        if isinstance(id := parse_id(student), InvalidId):
            raise NbGraderException(
                f"{submitted} can't be a student's: {id.problem}. Rename the folder, and grade again."
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
