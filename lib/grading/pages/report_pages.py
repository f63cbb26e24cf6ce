"""The page of the class report. Its template escapes all text.

A student's name links to formgrader and to the feedback page, if it exists, if possible to the cell in question.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from urllib.parse import quote

from nbgrader.coursedir import CourseDirectory

from lib.answer_key import AnswerKey
from lib.grading.pages import analysis
from lib.grading.pages.class_data import Classroom, StudentWork
from lib.grading.pages.likeness import like_works
from lib.grading.pages.templates import templates
from lib.grading.submissions.submitted_files import step_folder


@dataclass(frozen=True)
class Links:
    """Links on a page in `folder`; `server` is the Jupyter server's address."""

    course: CourseDirectory
    assignment: str
    notebook: str
    folder: Path
    server: str

    def of(self, work: StudentWork) -> tuple[str, str]:
        """Return the links to a student's feedback page and to formgrader, each "" if there is no such page."""
        page = step_folder(self.course, "feedback", work.student, self.assignment) / f"{self.notebook}.html"
        feedback = quote(os.path.relpath(page, self.folder).replace(os.sep, "/")) if page.is_file() else ""
        marking = f"{self.server.rstrip('/')}/formgrader/submissions/{quote(work.submission)}"
        return feedback, marking if work.submission else ""

    def question(self, notebook: str, cell: str) -> str:
        """Return the link to the page for marking all answers to a question."""
        place = "/".join(map(quote, (self.assignment, notebook, cell)))
        return f"{self.server.rstrip('/')}/formgrader/marking/{place}"


def class_page(classroom: Classroom, unit: AnswerKey | None, links: Links, made: datetime) -> str:
    """Return the class's page."""
    found, group = analysis.scores(classroom), analysis.group
    return (
        templates()
        .get_template("class.html.j2")
        .render(
            assignment=links.assignment,
            links=links,
            # Cached: a name occurs in many lists, and each link needs a look at the disk.
            links_of=cache(links.of),
            classroom=classroom,
            made=made,
            due=classroom.due and classroom.due.replace(tzinfo=UTC).astimezone(),
            scores=found,
            median=median(found.values) if found.values else None,
            bins=analysis.distribution(found),
            parts=analysis.part_figures(classroom),
            outcomes=analysis.OUTCOMES,
            outcome_of=analysis.outcome,
            mistakes=analysis.mistakes(classroom, unit),
            unknown=analysis.unknown(classroom),
            predictions=analysis.predictions(classroom),
            codes_of=analysis.codes_of,
            to_mark=group((cell, work) for work in classroom.works for cell in work.to_mark),
            to_review=group((cell, work) for work in classroom.works for cell in work.to_review),
            late=[work for work in classroom.works if work.late],
            like=like_works(classroom, links.course),
        )
    )
