"""The pages: one for the class, one for a student's appeal. Templates escape whatever a student or a roster wrote.

Links from a name lead to the cell that it is about on the student's feedback page, if that has been written, and to
formgrader.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from nbgrader.coursedir import CourseDirectory

from lib.answer_key import AnswerKey
from lib.grading.judge.verdict import Verdict
from lib.grading.pages import analysis, class_predictions, evidence
from lib.grading.pages.classroom import Classroom, StudentWork
from lib.grading.pages.templates import templates


@dataclass(frozen=True)
class Links:
    """Addresses as they are written on a page that lies in `folder`; `server` is the Jupyter server's own."""

    course: CourseDirectory
    assignment: str
    notebook: str
    folder: Path
    server: str

    def of(self, work: StudentWork) -> tuple[str, str]:
        """Lead to a student's feedback page, if it has been written, and to formgrader, if the gradebook has it."""
        folder = self.course.format_path(self.course.feedback_directory, work.student, self.assignment)
        page = Path(folder, f"{self.notebook}.html")
        feedback = quote(os.path.relpath(page, self.folder).replace(os.sep, "/")) if page.is_file() else ""
        marking = f"{self.server.rstrip('/')}/formgrader/submissions/{quote(work.submission)}"
        return feedback, marking if work.submission else ""

    def question(self, notebook: str, cell: str) -> str:
        """Lead to the page on which all answers to a question are marked."""
        place = "/".join(map(quote, (self.assignment, notebook, cell)))
        return f"{self.server.rstrip('/')}/formgrader/marking/{place}"

    def own_page(self, work: StudentWork) -> str:
        """Lead to the page for an appeal, or nowhere if it wasn't asked for."""
        page = own_page(self.folder, self.assignment, work.student)
        return quote(f"{self.assignment}/{page.name}") if page.is_file() else ""


def own_page(folder: Path, assignment: str, student: str) -> Path:
    """Say where one student's page lies."""
    return folder / assignment / f"{student}.html"


def class_page(classroom: Classroom, unit: AnswerKey | None, links: Links, made: datetime) -> str:
    """Write the class's page."""
    found, group = analysis.scores(classroom), analysis.group
    return _render(
        "class.html.j2",
        links,
        classroom=classroom,
        made=made,
        due=classroom.due and classroom.due.replace(tzinfo=UTC).astimezone(),
        scores=found,
        median=median(found.values) if found.values else None,
        bins=analysis.distribution(found),
        parts=analysis.part_figures(classroom),
        outcomes=analysis.OUTCOMES,
        outcome_of=analysis.outcome,
        predicted=class_predictions.question_figures(links.course, classroom, unit.unit.questions if unit else ()),
        mistakes=analysis.mistakes(classroom, unit),
        unknown=analysis.unknown(classroom),
        codes_of=analysis.codes_of,
        remarks=analysis.remarks(classroom),
        library_calls=group((name, work) for work, one in classroom.graded for name in one.library_calls),
        to_mark=group((cell, work) for work in classroom.works for cell in work.to_mark),
        to_review=group((cell, work) for work in classroom.works for cell in work.to_review),
        late=[work for work in classroom.works if work.late],
    )


def student_page(work: StudentWork, verdict: Verdict, links: Links, made: datetime) -> str:
    """Write one student's page, from a verdict with its evidence; it lies in a folder below the class's page."""
    return _render("student.html.j2", links, work=work, verdict=verdict, made=made, evidence=evidence)


def _render(template: str, links: Links, **values: Any) -> str:
    """Write a page from a template and its values, and from what both pages show."""
    # One name stands in many lists, and each link is looked up on the disk.
    shared = {"assignment": links.assignment, "links": links, "links_of": cache(links.of)}
    return templates().get_template(template).render(shared, **values)
