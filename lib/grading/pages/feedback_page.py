"""Feedback: the page a student gets. Points first, then part by part what was right, the mistake and the hint.

A page is made of three things: the verdict says what was found, the gradebook what counts (a person may have marked
since), and the graded notebook what was handed in. `page_of` puts them together, for `zerolayer feedback`, for
nbgrader's own command and for formgrader's button alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup, escape
from nbconvert.exporters import Exporter
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from pygments.formatters import HtmlFormatter

from lib.checking.render import TRY
from lib.checking.subjects import NOT_CALLABLE
from lib.grading.gradebook.marks import Mark, NotebookMarks, Total, read_marks
from lib.grading.gradebook.session import open_gradebook
from lib.grading.judge import verdict
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.names import visible
from lib.grading.pages.class_predictions import read_predictions
from lib.grading.pages.templates import templates
from lib.grading.pipeline.cell_errors import error_of
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.submissions import safe_html
from lib.grading.submissions.restore import course_id
from lib.pasted import advise, refused_character
from lib.unit import Question

ADVICE = {
    "could not be stopped": "Usually that is a loop that never ends. Look at what it waits for.",
    "made the kernel die": "Python itself ended there. Choose Run, then Restart Kernel and Run All Cells: it should end"
    " at your desk too. Look for what takes a lot of memory, or tells Python to stop.",
    "ran longer than": "Look for a loop that never ends, or for work that a smaller example would show as well.",
    "put out": "Usually that is a print inside a loop. Take it out once it has told you what you wanted to know.",
    "in its place": "Next time, hand it in under the name it came with.",
    "what lay beside": "If that was the one you meant, hand it in under the name that it came with.",
    "had lost the marks": "Some programs drop them when they save a notebook, and so does pasting a cell as text.",
    "in its own cell": "Next time, write each answer in the cell below its question.",
}
"""One thing to try for each remark on a run, found by a few of its words."""
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
            return "Your code could not be checked, so this says nothing about it. Below is why."
        if not any(mark.points for mark in marks):
            return "Nothing is right yet. Below is, for each part, the first thing to try."
        if not short:
            return "All of your code is right: well done!"
        return "Below is, for each part, what was right, and the first thing to try where it wasn't yet."

    def scale(self, part: PartVerdict) -> float:
        """How many points of the gradebook one of a part's own points is."""
        return self.marks[part.id].max_points / part.max_points if part.max_points else 0.0

    def state(self, part: PartVerdict) -> str:
        """Say whether a part is right, partly right, wrong, not checked, or waiting for a person."""
        state = self.marks[part.id].state
        tried = not part.problem and any(statement.state in ("right", "wrong") for statement in part.statements)
        return "not checked" if state == "wrong" and not tried else state

    def was_not_run(self, part: PartVerdict) -> bool:
        """Tell whether a part has no answer for a reason that the remarks on the run give already."""
        return part.problem == " ".join(("The check gave no answer.", *self.verdict.remarks))

    def reasons(self, part: PartVerdict) -> Sequence[str]:
        """List why a part isn't right, where that says it all: without a mistake that has a name and any points."""
        if part.problem:
            return [part.problem]
        blank = all(statement.state == "open" for statement in part.statements)
        if any(statement.why and not statement.by_code for statement in part.statements) and not blank:
            return []  # what the judge has found says something only beside the statement
        whys = sorted({statement.why for statement in part.statements if statement.by_code})
        return whys if not part.points and not part.mistake and (blank or len(whys) == 1) else []

    def first_with(self, reasons: Sequence[str]) -> PartVerdict | None:
        """Give the first part that isn't right for these reasons."""
        return next((part for part in self.verdict.parts if self.reasons(part) == reasons), None)

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

    def error_of(self, part: PartVerdict) -> str:
        """Say in which error the cell with a part's code ended, if it did."""
        return error_of(self.cell(self.book.code.get(part.id, "")) or {})

    def said(self, part: PartVerdict) -> str:
        """Give all that is said of why a part isn't right."""
        return " ".join((part.problem, *(statement.why for statement in part.statements)))

    def link_cells(self, text: str) -> Markup:
        """Write a remark or a reason with links to the cells that it names, and its line of code marked."""
        cells = {str(number): cell for number, cell in enumerate(self.notebook.cells, 1)}
        cells |= {id: self.notebook.cells[at] for id, at in self.places.items() if id}

        def link(found: re.Match[str]) -> str:
            cell = cells.get(found[1], {})
            has_place = cell.get("cell_type") == "code" and "id" in cell
            return Markup('<a href="#cell-id={}">{}</a>').format(cell.id, found[0]) if has_place else found[0]

        linked = re.sub(r"\b(?:Cell|The cell) ([\w-]+)", link, escape(visible(text, keep="\n\t")))
        return Markup(verdict.mark_code(linked))


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
            # The judge's own HTML, in which a student's text is escaped.
            cause=lambda part: Markup(verdict.opening(part)),
            statements=lambda part: Markup(verdict.items(part, page.scale(part))),
            advice_on=lambda remark: next((advice for words, advice in ADVICE.items() if words in remark), ""),
            FRESH=FRESH,
            TRY=TRY,
            advise_on_error=advise_on_error,
            advise_on_taken_name=advise_on_taken_name,
        )
    )


def _rendered(page: Page, folder: Path, room: safe_html.Room) -> Iterator[tuple[NotebookNode, str]]:
    """Give each cell of the notebook with its HTML."""
    parts = {part.id: part for part in page.parts}
    for cell in page.notebook.cells:
        if cell.cell_type == "code" and (part := parts.get(course_id(cell))):
            yield cell, safe_html.code(cell.source) + verdict.html(part, page.scale(part))
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


def advise_on_error(reason: str) -> str:
    """Say what to type where an error of a cell names a character that Python refuses; else nothing."""
    character, line = refused_character(reason), re.search(r"\bline (\d{1,6})\)", reason)
    return " ".join(advise({character: [int(line[1])]})) if character and line else ""


def advise_on_taken_name(part: PartVerdict) -> str:
    """Say what to do where the call of a part's check found something else under the name of the checks."""
    call = part.id.removeprefix("check-").replace("-", "_")
    return NOT_CALLABLE.format(name="check") if part.problem.endswith(f"object has no attribute '{call}'") else ""
