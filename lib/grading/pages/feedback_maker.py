"""Feedback pages for students: the points, and the graded notebook with the findings under each check.

A page combines the verdict with its findings, the gradebook with the points that count (a person may have changed
them), and the graded notebook. `zerolayer feedback`, nbgrader's command and formgrader's button make the same page.
nbgrader's exporter is with formgrader's pages, since importing nbconvert's takes as long as many pages.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from logging import Logger
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup
from nbformat.notebooknode import NotebookNode
from nbformat.v4.nbjson import reads
from pygments.formatters import HtmlFormatter

from lib.blanks import advise, refused_character
from lib.checking.subjects import NOT_CALLABLE
from lib.grading.gradebook.marks import Mark, NotebookMarks, Total
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.pages.templates import templates
from lib.grading.pipeline.cell_results import error_of
from lib.grading.pipeline.verdict_html import html
from lib.grading.safe_names import visible
from lib.grading.submissions import safe_html
from lib.grading.submissions.restore import course_id

LINK = re.compile(r"</?a\b[^>]*>")
OVERWRITTEN = re.compile(r".*\r(?=[^\n])")
"""Earlier states of a progress bar; a notebook shows only the last state."""
FRESH = (
    "Grading runs your notebook from top to bottom in a new kernel. Choose Run, then Restart Kernel and Run All Cells"
    " to see the same result."
)


@dataclass(frozen=True)
class Page:
    """The contents of a student's page: the verdict, the graded notebook, and its marks in the gradebook."""

    verdict: Verdict
    notebook: NotebookNode
    gradebook: NotebookMarks

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The marks of the graded cells."""
        return self.gradebook.cells

    @cached_property
    def total(self) -> Total:
        """The sum of all marks."""
        return Total.of([self.gradebook])

    @property
    def parts(self) -> list[PartVerdict]:
        """The parts with points in the gradebook."""
        return [part for part in self.verdict.parts if part.id in self.marks]

    @property
    def written(self) -> list[str]:
        """The cells that a person grades, in the notebook's order."""
        judged = {part.id for part in (*self.verdict.parts, *self.verdict.predictions)}
        return sorted(self.marks.keys() - judged, key=list(self.gradebook.code).index)

    @property
    def lost_nothing(self) -> bool:
        """True if the code has all points, and no written answer has 0 points because it wasn't found."""
        empty = [mark for mark in map(self.marks.__getitem__, self.written) if not (mark.points or mark.by_hand)]
        found_all = all(mark.waiting for mark in empty) and not self.verdict.waits
        return found_all and all(self.state(part) in ("right", "waiting") for part in self.parts)

    @property
    def praise(self) -> str:
        """A sentence on the result as a whole."""
        marks = [mark for mark in self.marks.values() if not mark.waiting]
        if all(mark.points >= mark.max_points for mark in marks):
            return "Everything is right. You have built it, and it works: congratulations!"
        waiting = {id for id, mark in self.marks.items() if mark.waiting}
        short = [part for part in self.verdict.parts if part.points < part.max_points and part.id not in waiting]
        if short and all(part.problem for part in self.verdict.parts):
            return "Your code could not be checked. The reason is in your notebook below."
        if not any(mark.points for mark in marks):
            return "Nothing is right yet. Below each check in your notebook, read what to try first."
        if not short:
            return "All of your code is right: well done!"
        return "Below each check in your notebook, read what is right, and what to try first for the rest."

    def scale(self, part: PartVerdict) -> float:
        """Return the factor from a part's own points to the gradebook's."""
        return self.marks[part.id].max_points / part.max_points if part.max_points else 0.0

    def state(self, part: PartVerdict) -> str:
        """Return `right`, `partly right`, `wrong`, `not checked`, or `waiting` (for a person)."""
        state = self.marks[part.id].state
        tried = not part.problem and any(statement.state in ("right", "wrong") for statement in part.statements)
        return "not checked" if state == "wrong" and not tried else state

    @cached_property
    def places(self) -> dict[str, int]:
        """The positions of the course's cells in the notebook, by id."""
        return {course_id(cell): at for at, cell in reversed(list(enumerate(self.notebook.cells)))}

    def cell(self, id: str) -> NotebookNode | None:
        """Return the notebook's cell with this id of the course."""
        return self.notebook.cells[self.places[id]] if id and id in self.places else None

    def heading_above(self, id: str) -> str:
        """Return the last heading above a cell, or ""."""
        before = reversed(self.notebook.cells[: self.places.get(id)])
        texts = (cell.source for cell in before if cell.cell_type == "markdown")
        found = (re.findall(r"^#{1,2} +(\S.*)", text, re.MULTILINE) for text in texts)
        return next((headings[-1].strip()[:80] for headings in found if headings), "")

    def advise(self, part: PartVerdict) -> str:
        """Return one thing to try if the part's check or code ended in an error with a known cause, or ""."""
        call, check = part.id.removeprefix("check-").replace("-", "_"), error_of(self.cell(part.id) or {})
        if check.endswith(f"object has no attribute '{call}'"):
            return NOT_CALLABLE.format(name="check")
        return advise(refused_character(error_of(self.cell(self.gradebook.code.get(part.id, "")) or {})))


def read_page(file: Path, assignment: str, student: str, marks: NotebookMarks, log: Logger) -> Page:
    """Read the contents of a student's page. If the verdict can't be read, log why: the page has no summary."""
    notebook, verdicts = reads(file.read_text(encoding="utf-8")), list[Verdict]()  # without validation: we wrote it
    try:
        verdicts = Verdict.load_each(file.parent, of=(assignment, student))
    except DamagedVerdictError as error:
        log.error(
            "The page of %s has no summary: the %s in %s %s. Run `zerolayer grade %s --student %s --force`.",
            student, FILE, file.parent, error, assignment, student,
        )  # fmt: skip
    own = (verdict for verdict in verdicts if verdict.notebook == file.stem)
    return Page(next(own, Verdict(assignment, file.stem, student, 0, ())), notebook, marks)


def render(page: Page, folder: Path) -> str:
    """Return a page as HTML; pictures of the notebook may be in `folder`."""
    room, parts, cells = safe_html.Room(), {part.id: part for part in page.parts}, []
    for cell in page.notebook.cells:
        if cell.cell_type == "code" and (part := parts.get(course_id(cell))):
            shown = safe_html.code(cell.source) + html(part, page.scale(part))
        else:
            shown = render_cells([cell], room, folder)
        cells.append((cell, course_id(cell), Markup(shown)))
    template, light, dark = templates().get_template("feedback.html.j2"), _colours("default"), _colours("github-dark")
    values = {"page": page, "cells": cells, "parts": parts, "visible": visible, "FRESH": FRESH}
    return template.render(values, colours=Markup(light), dark_colours=Markup(dark))


def render_notebook(page: Page) -> bytes:
    """Return the graded notebook with the summary of its page as the first cell, for an LMS that shows no pages.

    The findings follow each check, and the instructor's comment follows its cell.
    """
    summary = templates().get_template("feedback_summary.html.j2").render(page=page, visible=visible)
    cells = [_text_cell(LINK.sub("", summary))]
    for cell in page.notebook.cells:
        cells.append({**cell})
        if comment := page.gradebook.comments.get(course_id(cell)):
            cells.append(_text_cell(f"<p><b>Comment:</b> {escape(comment)}</p>"))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return msgspec.json.encode({**page.notebook, "cells": numbered})


def _text_cell(html: str) -> dict[str, Any]:
    # On a single line, all of it is HTML: Markdown of a student's, such as a picture, is not interpreted.
    return {"cell_type": "markdown", "metadata": {}, "source": " ".join(html.split())}


def render_cells(cells: Iterable[NotebookNode], room: safe_html.Room, folder: Path) -> str:
    """Return cells with their outputs as HTML; pictures may be in `folder`."""
    html = ""
    for cell in cells:
        if cell.cell_type == "code":
            shown = (f'<div class="output">{_output(output, room)}</div>' for output in cell.outputs)
            html += safe_html.code(cell.source) + "".join(shown)
        else:
            html += safe_html.markdown(cell.source, room, cell.get("attachments", {}), folder)
    return html


def _output(output: NotebookNode, room: safe_html.Room) -> str:
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
