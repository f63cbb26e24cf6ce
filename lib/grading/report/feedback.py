"""Feedback: the page a student gets begins with points and, part by part, what was right, the mistake and the hint.

`WriteSummary` reads the verdict for what was found and the gradebook for what counts: a person may have marked since.
The page is nbgrader's own with the summary in front (`feedback.html.j2`); without a verdict it is nbgrader's alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TextIO

import nbformat
from jinja2 import DictLoader
from markupsafe import Markup, escape
from nbconvert.exporters import HTMLExporter
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # it ships no types
from traitlets import List, Unicode

from lib.answer_key import AnswerKey
from lib.checking.render import TRY
from lib.checking.undefined_names import TAKEN
from lib.grading.judge import verdict
from lib.grading.judge.verdict import FILE, FOUND, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.marking_queue import TO_DECIDE, cells_for_person
from lib.grading.report.marks import Mark, NotebookMarks, read_marks
from lib.grading.report.predictions import read_predictions
from lib.grading.report.templates import FOLDER, templates
from lib.grading.submissions.cell_ends import error_of
from lib.grading.submissions.gradebook import open_gradebook
from lib.grading.submissions.identify import course_id
from lib.grading.submissions.unit_preprocessor import UnitPreprocessor
from lib.grading.untrusted_names import visible
from lib.pasted import advise, refused_character
from lib.unit import Question

ADVICE = {
    "could not be stopped": "Usually that is a loop that never ends. Look at what it waits for.",
    "made the kernel die": "Python itself ended there. Choose Run, then Restart Kernel and Run All Cells: it should end"
    " at your desk too. Look for what takes a lot of memory, or tells Python to stop.",
    "memory": "An array may be larger than you meant: look at its shape before it is made.",
    "ran longer than": "Look for a loop that never ends, or for work that a smaller example would show as well.",
    "put out more": "Usually that is a print inside a loop. Take it out once it has told you what you wanted to know.",
    "in its place": "Next time, hand it in under the name it came with.",
    "what lay beside": "If that was the one you meant, hand it in under the name that it came with.",
    "had lost the marks": "Some programs drop them when they save a notebook, and so does pasting a cell as text.",
    "in its own cell": "Next time, write each answer in the cell below its question.",
}
"""One thing to try for each remark on a run, found by a few of its words."""
FRESH = (
    "Grading runs your notebook from top to bottom in a fresh kernel. Choose Run, then Restart Kernel and Run All"
    " Cells: you will see the same at your desk."
)


class OwnNotebook(NotebookNode):
    """A notebook that was read for its page alone: in the place of the copy that nbconvert makes, it is changed."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnNotebook":
        return self


class FeedbackPage(HTMLExporter):
    """nbgrader's feedback page, with the summary that `WriteSummary` left in `resources`, if it did.

    Where `RememberCells` is among its preprocessors, what is alike in a class is rendered once.
    """

    raw_template = Unicode((FOLDER / "feedback.html.j2").read_text())
    # In the place of nbconvert's macro, which fetches MathJax from elsewhere: formulas are MathML, and no script runs.
    extra_loaders = List([DictLoader({"mathjax.html.j2": "{% macro mathjax(url) %}{% endmacro %}"})])

    # nbconvert would validate what it reads, and say what is wrong in a log: it goes on either way.
    def from_file(
        self, file_stream: TextIO, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Called by nbconvert to make a page of a notebook's file."""
        nb = nbformat.convert(nbformat.reader.reads(file_stream.read()), 4)
        return self.from_notebook_node(OwnNotebook(nb), resources, **options)

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Called by nbconvert to make a page of a notebook."""
        page, resources = super().from_notebook_node(nb, resources, **options)
        return resources["cells"].filled(page) if "cells" in resources else page, resources

    # Private, but there is no other way past it: nbconvert copies a copy, and validates after all steps. That takes an
    # eighth of a page's time.
    def _preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert, with a copy: apply the preprocessors one after the other."""
        for step in self._preprocessors:
            nb, resources = step(nb, resources)
        return nb, resources


@dataclass(frozen=True)
class Graded:
    """A submission as its student may see it: the verdict, the notebook, and what the gradebook says of both.

    `predictions` has the unit's questions that the student predicted on, each with the choice. Of work that is
    `outdone` an earlier try counts.
    """

    verdict: Verdict
    notebook: NotebookNode
    gradebook: NotebookMarks
    predictions: tuple[tuple[Question, int], ...] = ()
    outdone: bool = False

    @property
    def marks(self) -> Mapping[str, Mark]:
        """The marks of the graded cells."""
        return self.gradebook.cells

    @property
    def points(self) -> float:
        """What counts: what being late costs is taken off."""
        return max(0.0, self.gradebook.points - self.gradebook.penalty)

    @property
    def waiting(self) -> float:
        """The points that a person has yet to give or not."""
        return sum(mark.max_points for mark in self.marks.values() if mark.waiting)

    @property
    def max_points(self) -> float:
        """What could be had so far."""
        return sum(mark.max_points for mark in self.marks.values()) - self.waiting

    @property
    def parts(self) -> list[PartVerdict]:
        """The parts that the gradebook has points of."""
        return [part for part in self.verdict.parts if part.id in self.marks]

    @property
    def written(self) -> list[str]:
        """The cells that a person grades, in the notebook's order."""
        judged = {part.id for part in self.verdict.parts}
        return sorted(self.marks.keys() - judged, key=list(self.gradebook.code).index)

    @property
    def lost_answers(self) -> dict[str, str]:
        """The written answers that were not found for certain, each with the reason."""
        return {id: why for id, why in cells_for_person(self.notebook).items() if why != TO_DECIDE}

    @property
    def lost_nothing(self) -> bool:
        """Tell whether the code has all points, and no written answer has none because it wasn't found."""
        empty = [mark for mark in map(self.marks.__getitem__, self.written) if not (mark.points or mark.by_hand)]
        found_all = all(mark.waiting for mark in empty) and not self.lost_answers
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
        whys = sorted({statement.why for statement in part.statements})
        if any(map(FOUND.fullmatch, whys)):
            return []  # that numbers differ says something only beside the statement
        blank = all(statement.state == "open" for statement in part.statements)
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
        return error_of(self.cell(self.gradebook.code.get(part.id, "")) or {})

    def says(self, part: PartVerdict, error: str) -> bool:
        """Tell whether a part's reasons say this error of a cell already."""
        return bool(error) and error in " ".join((part.problem, *(statement.why for statement in part.statements)))

    def lacks_a_name(self, part: PartVerdict) -> bool:
        """Tell whether a part fails for a name that grading didn't find: another order of the cells may hide that."""
        return "not defined" in "".join((part.problem, *(statement.why for statement in part.statements)))


class WriteSummary(UnitPreprocessor):
    """Writes the summary for a submission that has a verdict; comes after GetGrades in GenerateFeedback's list."""

    # nbconvert hands this setting of the page on to each step, and warns of those that don't know it.
    display_data_priority = List(Unicode()).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's GenerateFeedback for each autograded notebook; leaves HTML in `resources`."""
        if (unit := self.unit(resources)) is not None:
            names, folder = resources["nbgrader"], resources["metadata"]["path"]
            try:
                verdicts = Verdict.load_each(Path(folder), False, of=(names["assignment"], names["student"]))
            except (DamagedVerdictError, FileNotFoundError) as error:
                why = str(error) if isinstance(error, DamagedVerdictError) else "is missing"
                self.log.error(
                    "The page of %s has no summary: the %s in %s %s. Run `zerolayer grade %s --student %s --force`.",
                    names["student"], FILE, folder, why, names["assignment"], names["student"],
                )  # fmt: skip
                return nb, resources
            for verdict in (one for one in verdicts if one.notebook == names["notebook"]):
                predicted = self._predictions(unit, names, [one.notebook for one in verdicts])
                resources["summary"] = summary(read_graded(verdict, nb, names, predicted))
                resources["code_in_the_dark"] = _style_of_dark_code()
        return nb, resources

    @cached_property
    def _course(self) -> CourseDirectory:
        return CourseDirectory(parent=self)

    def _predictions(
        self, unit: AnswerKey, names: dict[str, Any], notebooks: list[str]
    ) -> tuple[tuple[Question, int], ...]:
        """Read what the student predicted in one of an assignment's notebooks, question by question."""
        questions = unit.unit.questions
        if not questions:
            return ()
        asked = names["assignment"], names["student"], names["notebook"]
        found = read_predictions(self._course, *asked, questions, notebooks)
        return tuple((question, found[question.id]) for question in questions if question.id in found)


@cache
def _style_of_dark_code() -> str:
    style: str = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return style


class KnownGrades(GetGrades):
    """nbgrader's GetGrades, with marks that were read before, in place of a question to the gradebook for each cell."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Note marks and comments in each cell, and their sums in `resources`, as GetGrades does."""
        names = resources["nbgrader"]
        marks: NotebookMarks = names["marks"]
        nb, resources = super(GetGrades, self).preprocess(nb, resources)
        names.update(score=marks.points - marks.penalty, max_score=marks.max_points, late_penalty=marks.penalty)
        return nb, resources

    def _get_comment(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        """Called by GetGrades for a cell that may have a comment."""
        cell.metadata.nbgrader["comment"] = resources["nbgrader"]["marks"].comments[course_id(cell)]

    def _get_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        """Called by GetGrades for a cell that has points."""
        mark: Mark = resources["nbgrader"]["marks"].cells[course_id(cell)]
        cell.metadata.nbgrader.update(score=mark.points, points=mark.max_points)


Opening = WriteSummary  # its name in the nbgrader_config.py of 0.2: courses have a copy


def read_graded(
    verdict: Verdict, nb: NotebookNode, names: dict[str, Any], predictions: tuple[tuple[Question, int], ...]
) -> Graded:
    """Put together what a student may see; `names` are nbgrader's for the submission."""
    if "marks" in names:
        marks: NotebookMarks = names["marks"]
    else:
        with open_gradebook(names["db_url"]) as gradebook:
            marks = read_marks(gradebook, names["assignment"], names["student"])[names["student"], names["notebook"]]
    return Graded(verdict, nb, marks, predictions, names.get("outdone", False))


def advise_on_error(reason: str) -> str:
    """Say what to type where an error of a cell names a character that Python refuses; else nothing."""
    character, line = refused_character(reason), re.search(r"\bline (\d{1,6})\)", reason)
    return " ".join(advise({character: [int(line[1])]})) if character and line else ""


def advise_on_taken_name(part: PartVerdict) -> str:
    """Say what to do where the call of a part's check found something else under the name of the checks."""
    call = part.id.removeprefix("check-").replace("-", "_")
    return TAKEN.format(name="check") if part.problem.endswith(f"object has no attribute '{call}'") else ""


def summary(graded: Graded) -> str:
    """Write the summary as HTML: the points first, then how the run went, then each part and each written answer."""
    page = templates().get_template("summary.html.j2")
    return page.render(
        graded=graded,
        # The judge's own HTML, in which a student's text is escaped.
        cause=lambda part: Markup(verdict.opening(part)),
        statements=lambda part, scale: Markup(verdict.items(part, scale)),
        link_cells=link_cells,
        advice_on=lambda remark: next((advice for words, advice in ADVICE.items() if words in remark), ""),
        FRESH=FRESH,
        TRY=TRY,
        advise_on_error=advise_on_error,
        advise_on_taken_name=advise_on_taken_name,
    )


def link_cells(text: str, nb: NotebookNode) -> Markup:
    """Write a remark on the run, or a reason, with links to the cells that it names, and its line of code marked."""
    cells = {str(number): cell for number, cell in enumerate(nb.cells, 1)}
    cells |= {id: cell for cell in nb.cells if (id := course_id(cell))}

    def link(found: re.Match[str]) -> str:
        cell = cells.get(found[1], {})
        has_place = cell.get("cell_type") == "code" and "id" in cell
        return Markup('<a href="#cell-id={}">{}</a>').format(cell.id, found[0]) if has_place else found[0]

    linked = re.sub(r"\b(?:Cell|The cell) ([\w-]+)", link, escape(visible(text, keep="\n\t")))
    return Markup(verdict.mark_code(linked))
