"""The exporter with which nbgrader's `generate_feedback` and formgrader's button make feedback pages."""

from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter

from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.marks import read_marks
from lib.grading.pages.feedback_maker import PageMaker


class FeedbackPage(Exporter):
    """Makes the page of one graded notebook."""

    file_extension = ".html"

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Override nbconvert's export of a file; nbgrader calls it for each graded notebook."""
        resources = {**(resources or {}), "output_extension": self.file_extension}
        names = resources["nbgrader"]
        assignment, student = names["assignment"], names["student"]
        with open_gradebook(names["db_url"]) as gradebook:
            marks = read_marks(gradebook, assignment, student)[student][names["notebook"]]
        return PageMaker(self).page_of(Path(filename), assignment, student, marks), resources
