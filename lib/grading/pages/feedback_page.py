"""Feedback: the page a student gets. Points first, then the notebook with what was found under each check.

A page is made of three things: the verdict says what was found, the gradebook what counts (a person may have marked
since), and the graded notebook what was handed in. `page_of` puts them together, for `zerolayer feedback`, for
nbgrader's own command and for formgrader's button alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from pygments.formatters import HtmlFormatter

from lib.checking.subjects import NOT_CALLABLE
from lib.grading.gradebook.marks import Mark, NotebookMarks, Total, read_marks
from lib.grading.gradebook.session import open_gradebook
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.names import visible
from lib.grading.pages.class_predictions import read_predictions
from lib.grading.pages.templates import templates
from lib.grading.pipeline.cell_errors import error_of
from lib.grading.pipeline.part_html import html
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.submissions import safe_html
from lib.grading.submissions.restore import course_id
from lib.pasted import advise, refused_character
from lib.unit import Question

OVERWRITTEN = re.compile(r".*\r(?=[^\n])")
"""What a line of progress has shown before: a notebook shows only its last state."""
FRESH = (
    "Grading runs your notebook from top to bottom in a fresh kernel. Choose Run, then Restart Kernel and Run All"
    " Cells: you will see the same at your desk."
)


@dataclass(frozen=True)
class Page:
    """A submission as its student may see it: the verdict, the notebook, and what the gradebook says of both.

    `predictions` has the unit's questions that the student predicted on, each with the choice.
    """

    verdict: Verdict
    notebook: NotebookNode
    book: NotebookMarks
    predictions: tuple[tuple[Question, int], ...] = ()

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The marks of the graded cells."""
        return self.book.cells

    @cached_property
    def total(self) -> Total:
        """What all marks come to."""
        return Total.of([self.book])

    @property
    def parts(self) -> list[PartVerdict]:
        """The parts that the gradebook has points of."""
        return [part for part in self.verdict.parts if part.id in self.marks]

    @property
    def written(self) -> list[str]:
        """The cells that a person grades, in the notebook's order."""
        judged = {part.id for part in self.verdict.parts}
        return sorted(self.marks.keys() - judged, key=list(self.book.code).index)

    @property
    def lost_nothing(self) -> bool:
        """Tell whether the code has all points, and no written answer has none because it wasn't found."""
        empty = [mark for mark in map(self.marks.__getitem__, self.written) if not (mark.points or mark.by_hand)]
        found_all = all(mark.waiting for mark in empty) and not self.verdict.waits
        return found_all and all(self.state(part) in ("right", "waiting") for part in self.parts)

    @property
    def praise(self) -> str:
        """Say in a sentence how it went."""
        marks = [mark for mark in self.marks.values() if not mark.waiting]
        if all(mark.points >= mark.max_points for mark in marks):
            return "Everything is right. You have built it, and it works: congratulations!"
        waiting = {id for id, mark in self.marks.items() if mark.waiting}
        short = [part for part in self.verdict.parts if part.points < part.max_points and part.id not in waiting]
        if short and all(part.problem for part in self.verdict.parts):
            return "Your code could not be checked, so this says nothing about it. Your notebook below says why."
        if not any(mark.points for mark in marks):
            return "Nothing is right yet. Under each check in your notebook is the first thing to try."
        if not short:
            return "All of your code is right: well done!"
        return "Under each check in your notebook is what was right, and the first thing to try where it wasn't yet."

    def scale(self, part: PartVerdict) -> float:
        """How many points of the gradebook one of a part's own points is."""
        return self.marks[part.id].max_points / part.max_points if part.max_points else 0.0

    def state(self, part: PartVerdict) -> str:
        """Say whether a part is right, partly right, wrong, not checked, or waiting for a person."""
        state = self.marks[part.id].state
        tried = not part.problem and any(statement.state in ("right", "wrong") for statement in part.statements)
        return "not checked" if state == "wrong" and not tried else state

    @cached_property
    def places(self) -> dict[str, int]:
        """Where in the notebook the course's cells stand, by id."""
        return {course_id(cell): at for at, cell in reversed(list(enumerate(self.notebook.cells)))}

    def cell(self, id: str) -> NotebookNode | None:
        """Give the notebook's cell with this id of the course."""
        return self.notebook.cells[self.places[id]] if id and id in self.places else None

    def heading_above(self, id: str) -> str:
        """Give the heading under which a cell stands, if there is one."""
        before = reversed(self.notebook.cells[: self.places.get(id)])
        texts = (cell.source for cell in before if cell.cell_type == "markdown")
        found = (re.findall(r"^#{1,2} +(\S.*)", text, re.MULTILINE) for text in texts)
        return next((headings[-1].strip()[:80] for headings in found if headings), "")

    def advise(self, part: PartVerdict) -> str:
        """Return one thing to try where the cell with a part's code, or its check, ended in an error that tells it."""
        call, check = part.id.removeprefix("check-").replace("-", "_"), error_of(self.cell(part.id) or {})
        if check.endswith(f"object has no attribute '{call}'"):
            return NOT_CALLABLE.format(name="check")
        return advise(refused_character(error_of(self.cell(self.book.code.get(part.id, "")) or {})))


class FeedbackPage(Exporter):
    """`page_of`, as nbgrader's `generate_feedback` and formgrader's button ask for it."""

    file_extension = ".html"

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Called by nbgrader for each graded notebook."""
        resources = {**(resources or {}), "output_extension": self.file_extension}
        names = resources["nbgrader"]
        assignment, student = names["assignment"], names["student"]
        with open_gradebook(names["db_url"]) as gradebook:
            marks = read_marks(gradebook, assignment, student)[student][names["notebook"]]
        return PageMaker(self).page_of(Path(filename), assignment, student, marks), resources


class PageMaker:
    """Makes pages of a course's graded notebooks."""

    def __init__(self, parent: Any):
        """Find the course in the configuration of `parent`, a command of nbgrader's or ours."""
        self.log, self._course = parent.log, CourseDirectory(parent=parent)
        self._units = UnitPreprocessor(parent=parent)

    def page_of(self, file: Path, assignment: str, student: str, marks: NotebookMarks) -> str:
        """Make the page of one graded notebook. Without a verdict it has the marks and the notebook alone."""
        return render(self.read(file, assignment, student, marks), file.parent)

    def read(self, file: Path, assignment: str, student: str, marks: NotebookMarks) -> Page:
        """Read what the page of one graded notebook is made of."""
        notebook = nbformat.v4.reads(file.read_text(encoding="utf-8"))  # nbformat.read would check our own writing
        unit = self._units.unit_of(assignment)
        verdicts = self._verdicts(file.parent, assignment, student)
        questions = unit.unit.questions if unit else ()
        choices = read_predictions(self._course, assignment, student, file.stem, questions, [*verdicts])
        predicted = tuple((question, choices[question.id]) for question in questions if question.id in choices)
        found = verdicts.get(file.stem, Verdict(assignment, file.stem, student, 0, ()))
        return Page(found, notebook, marks, predicted)

    def _verdicts(self, folder: Path, assignment: str, student: str) -> dict[str, Verdict]:
        """Read the verdicts on a submission, by notebook; none, and a line in the log, where they can't be read."""
        try:
            return {one.notebook: one for one in Verdict.load_each(folder, False, of=(assignment, student))}
        except (DamagedVerdictError, FileNotFoundError) as error:
            why = str(error) if isinstance(error, DamagedVerdictError) else "is missing"
            self.log.error(
                "The page of %s has no summary: the %s in %s %s. Run `zerolayer grade %s --student %s --force`.",
                student, FILE, folder, why, assignment, student,
            )  # fmt: skip
            return {}


def render(page: Page, folder: Path) -> str:
    """Write a page: the summary, and below it the notebook, whose pictures may lie in `folder`."""
    return (
        templates()
        .get_template("feedback.html.j2")
        .render(
            page=page,
            cells=[(cell, course_id(cell), Markup(html)) for cell, html in _rendered(page, folder, safe_html.Room())],
            colours=Markup(_colours("default")),
            dark_colours=Markup(_colours("github-dark")),
            parts={part.id: part for part in page.parts},
            visible=visible,
            FRESH=FRESH,
        )
    )


def _rendered(page: Page, folder: Path, room: safe_html.Room) -> Iterator[tuple[NotebookNode, str]]:
    """Give each cell of the notebook with its HTML."""
    parts = {part.id: part for part in page.parts}
    for cell in page.notebook.cells:
        if cell.cell_type == "code" and (part := parts.get(course_id(cell))):
            yield cell, safe_html.code(cell.source) + html(part, page.scale(part))
        else:
            yield cell, render_cells([cell], room, folder)


def render_cells(cells: Iterable[NotebookNode], room: safe_html.Room, folder: Path) -> str:
    """Return cells as HTML, whose pictures may be in `folder`: texts, and code with what it put out."""
    html = ""
    for cell in cells:
        if cell.cell_type == "code":
            shown = (f'<div class="output">{_output(output, room)}</div>' for output in cell.outputs)
            html += safe_html.code(cell.source) + "".join(shown)
        else:
            html += safe_html.markdown(cell.source, room, cell.get("attachments", {}), folder)
    return html


def _output(output: NotebookNode, room: safe_html.Room) -> str:
    """Write one output of a cell."""
    if output.output_type == "stream":
        return safe_html.plain(OVERWRITTEN.sub("", output.text), room)
    if output.output_type == "error":
        return safe_html.plain("\n".join(output.traceback) or f"{output.ename}: {output.evalue}", room)
    data = output.data
    if "text/html" in data and len(data["text/html"]) <= safe_html.LONGEST and room.take(text=len(data["text/html"])):
        return safe_html.clean(data["text/html"])
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return safe_html.picture(kind, data[kind].strip(), room)
    if "text/markdown" in data:
        return safe_html.markdown(data["text/markdown"], room)
    return safe_html.plain(data.get("text/plain", ""), room)


@cache
def _colours(style: str) -> str:
    found: str = HtmlFormatter(style=style).get_style_defs(".highlight")
    return found
