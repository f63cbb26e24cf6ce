"""Marking by question: a page with all answers to one cell, which extends formgrader.

Points and remarks are saved by formgrader's REST API, as on its own pages. The page reads the state of its answers
before it saves; a change that another person saves in the 50 ms in between is lost. Mark schemes and model answers are
read from the solution, because no other file has them.
"""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby, takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearMarkScheme, ClearSolutions
from nbgrader.server_extensions.formgrader.base import BaseHandler, check_notebook_dir, check_xsrf
from nbgrader.utils import is_solution, is_task
from sqlalchemy import and_, select
from tornado import web

from lib.grading.judge.verdict import DamagedVerdictError, Verdict
from lib.grading.pages.feedback_maker import render_cells
from lib.grading.pages.templates import templates
from lib.grading.pipeline.cell_results import UNREADABLE
from lib.grading.submissions.restore import course_id, is_as_released
from lib.grading.submissions.safe_html import LONGEST, Room, code, markdown
from lib.grading.submissions.submitted_files import step_folder

SMALL = {"formatted": LONGEST, "text": 100_000, "pictures": 3_000_000, "pixels": 16_000_000}
"""The room of one answer, so that a large answer doesn't use up the room of others."""
CUT = "<p><em>A picture is not shown here: look at the notebook.</em></p>"
Row = dict[str, Any]


class MarkingPage(BaseHandler):
    """The list of all questions, or one question's page; with `?state=1`, the marks of its answers as JSON."""

    @web.authenticated
    @check_xsrf
    @check_notebook_dir
    def get(self, *question: str) -> None:
        """Handle a request for an assignment, a notebook and a cell, or None for each."""
        rows = self._rows(*question)
        if self.get_argument("state", ""):
            self.finish({row["id"]: row for row in rows})
        elif rows and all(question):
            self._show_question(rows, *question)
        else:
            self.set_status(404 if all(question) else 200)
            questions = groupby(self._rows(), itemgetter("assignment", "notebook", "name"))
            self._show(name="", unknown=question, questions=[(each, [*rows]) for each, rows in questions])

    def _show_question(self, rows: list[Row], assignment: str, notebook: str, name: str) -> None:
        file = step_folder(self.coursedir, "release", ".", assignment) / f"{notebook}.ipynb"
        released = _read(file)
        at = next((place for place, cell in enumerate(released) if course_id(cell) == name), 0)
        cell = released[at : at + 1]
        asked, given = (cell, released) if any(map(is_task, cell)) else (released[max(0, at - 1) : at], cell)
        answers = sorted((_answer(row, given) for row in rows), key=itemgetter("key"))
        self._show(
            name=name,
            asked=render_cells(asked, Room(), file.parent),
            guide=read_guides(self.coursedir, assignment, notebook).get(name, ("", "")),
            cards=[[*alike] for _, alike in groupby(answers, itemgetter("key"))],
            state={row["id"]: row for row in rows},
        )

    def _rows(self, *question: str) -> list[Row]:
        """Read the marks of all answers to a question, or to all questions: cells with points and a comment."""
        cell, noted = api.BaseCell.__table__, api.BaseCell.__table__.alias()
        grade, comment, student = api.Grade, api.Comment, api.Student
        part, whole = api.SubmittedNotebook, api.SubmittedAssignment
        names = [api.Assignment.name.label("assignment"), api.Notebook.name.label("notebook"), cell.c.name]
        query = (
            select(
                *(*names, student.id.label("student"), student.last_name, student.first_name),
                *(grade.id, grade.manual_score, grade.auto_score, grade.extra_credit, grade.needs_manual_grade),
                *(grade.max_score, comment.id.label("comment"), comment.manual_comment, part.id.label("submission")),
            )
            .join(api.Assignment, api.Assignment.id == api.Notebook.assignment_id)
            .join(cell, cell.c.notebook_id == api.Notebook.id)
            .join(noted, and_(noted.c.notebook_id == api.Notebook.id, noted.c.name == cell.c.name))
            .join(grade, grade.cell_id == cell.c.id)
            .join(comment, and_(comment.cell_id == noted.c.id, comment.notebook_id == grade.notebook_id))
            .join(part, part.id == grade.notebook_id)
            .join(whole, whole.id == part.assignment_id)
            .join(student, student.id == whole.student_id)
            .where(*(column == value for column, value in zip(names, question, strict=False) if value))
            .order_by(*names)
        )
        rows = [dict(row) for row in self.gradebook.db.execute(query).mappings()]
        for row in rows:
            folder = step_folder(self.coursedir, "autograded", row["student"], row["assignment"])
            file = folder / f"{row['notebook']}.ipynb"
            row |= {"file": str(file), "graded": str(file.exists() and file.stat().st_mtime_ns)}
        return rows

    def _show(self, **values: Any) -> None:
        self.set_header("X-DNS-Prefetch-Control", "off")  # or the browser would look up the hosts of students' links
        page = templates().get_template("marking.html.j2")
        self.finish(page.render(base=self.base_url, nonce=secrets.token_urlsafe(16), **values))


def _answer(row: Row, given: Sequence[NotebookNode]) -> Row:
    """Read an answer from a graded notebook: a cell, or for a task the cells up to the next cell of the course."""
    notebook = _read(file := Path(row["file"]))
    at = [*map(course_id, notebook), row["name"]].index(row["name"])
    cells = notebook[at : at + 1]
    if any(map(is_task, cells)):
        cells = [*takewhile(lambda cell: not course_id(cell), notebook[at + 1 :])]
    own = [cell for cell in cells if not any(is_as_released(cell, each) for each in given)]
    text = "\n\n".join(cell.source for cell in own).strip()
    html = render_cells(own, Room(**SMALL), file.parent) if text else ""
    if text.count("![") + text.lower().count("<img") > html.count("<img"):
        html += CUT
    doubt = "" if text else _doubt(file, row["name"])
    # Sort by wording, empty answers last. Answers that look the same have the same key and are marked together.
    key = not text, not doubt, text.casefold(), text + html, row["id"] if doubt or html.endswith(CUT) else ""
    return {**row, "html": html, "is_blank": not text, "doubt": doubt, "key": key}


def _doubt(file: Path, name: str) -> str:
    """Return why an empty answer may be elsewhere, or ""."""
    try:
        found = {verdict.notebook: verdict for verdict in Verdict.load_each(file.parent)}[file.stem]
    except (DamagedVerdictError, KeyError):
        return "" if file.exists() else "The graded notebook is missing."
    return UNREADABLE if UNREADABLE in found.reasons else found.waits.get(name, "")


def _read(file: Path) -> list[NotebookNode]:
    """Return the cells of a notebook; none if it is damaged or missing. We wrote it, so it isn't validated."""
    with suppress(OSError, ValueError, KeyError, AttributeError):
        return nbformat.v4.reads(file.read_text(encoding="utf-8")).cells
    return []


def read_guides(course: CourseDirectory, assignment: str, notebook: str) -> dict[str, tuple[str, str]]:
    """Return the mark scheme and the model answer of each cell as HTML, by id; "" for one that doesn't exist.

    In a solution cell without solution delimiters, the whole cell is the model answer.
    """
    guides, folder = dict[str, tuple[str, str]](), step_folder(course, "source", ".", assignment)
    clear, empty = ClearMarkScheme(parent=course.parent), ClearSolutions(parent=course.parent)
    with suppress(OSError, ValueError):  # `zerolayer build` reports a solution that can't be read
        for cell in nbformat.read(folder / f"{notebook}.ipynb", as_version=4).cells:
            scheme, rest = _cut(cell.source, clear.begin_mark_scheme_delimeter, clear.end_mark_scheme_delimeter)
            marked, _ = _cut(rest, empty.begin_solution_delimeter, empty.end_solution_delimeter)
            model = marked or (rest if is_solution(cell) else "")
            shown = code(model) if cell.cell_type == "code" else markdown(model, Room(), {}, folder)
            guides[course_id(cell)] = (markdown(scheme, Room(), {}, folder), shown if model else "")
    return guides


def _cut(source: str, begin: str, end: str) -> tuple[str, str]:
    """Return the text between the lines with two delimiters, and the remaining text."""
    region = re.compile(rf".*{re.escape(begin)}.*\n((?:.*\n)*?).*{re.escape(end)}.*\n?")
    return "\n".join(region.findall(source)), region.sub("", source)


ROUTE = (r"/formgrader/marking(?:/([^/]+)/([^/]+)/([^/]+))?/?", MarkingPage)
