"""Feedback: the page a student gets opens with points and, part by part, what was right, the mistake and the hint.

`Opening` reads the verdict for what was found and the gradebook for what counts: a person may have marked since. The
page is nbgrader's own with the opening in front (`feedback.html.j2`); without a verdict it is nbgrader's and no more.
"""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import DictLoader
from nbconvert.exporters import HTMLExporter
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # it ships no types
from traitlets import List, Unicode

from lib.checking.render import MARKS
from lib.grading.judge import verdict
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.marking_queue import queued
from lib.grading.submissions.master import known_cells
from lib.grading.submissions.preprocessors import UnitPreprocessor

ADVICE = {
    "could not be stopped": "Usually that is a loop that never ends. Look at what it waits for.",
    "made the kernel die": "Python itself ended there. Choose Run, then Restart Kernel and Run All Cells: it should end"
    " at your desk too. Look for what takes a lot of memory, or tells Python to stop.",
    "memory": "An array may be larger than you meant: look at its shape before it is made.",
    "ran longer than": "Look for a loop that never ends, or for work that a smaller example would show as well.",
    "put out more": "Usually that is a print inside a loop. Take it out once it has told you what you wanted to know.",
    "in its place": "Next time, hand it in under the name it came with.",
    "had lost the marks": "Some programs drop them when they save a notebook, and so does pasting a cell as text.",
    "in its own cell": "Next time, write each answer in the cell below its question.",
}
"""One thing to try for each remark on a run, found by a few of its words."""
FRESH = (
    "Grading runs your notebook from top to bottom in a fresh kernel. Choose Run, then Restart Kernel and Run All"
    " Cells: you will see the same at your desk."
)


class FeedbackPage(HTMLExporter):
    """nbgrader's feedback page, with the opening that `Opening` left in `resources`, if it did."""

    raw_template = Unicode(Path(__file__).with_name("feedback.html.j2").read_text())
    # In the place of nbconvert's macro, which fetches MathJax from elsewhere: formulas are MathML, and no script runs.
    extra_loaders = List([DictLoader({"mathjax.html.j2": "{% macro mathjax(url) %}{% endmacro %}"})])


@dataclass(frozen=True)
class Mark:
    """What the gradebook says of one graded cell. `waiting`: a person has yet to read it."""

    points: float
    max_points: float
    waiting: bool = False
    by_hand: bool = False


@dataclass(frozen=True)
class Graded:
    """A submission as its student may see it: the verdict, the notebook, and what the gradebook says of both.

    `code` gives for each graded cell the one that holds the student's code for it, and `comments` the solution cells
    on which a person wrote something. `points` are what counts, with `penalty` for being late taken off.
    """

    verdict: Verdict
    notebook: NotebookNode
    marks: dict[str, Mark]
    code: dict[str, str]
    comments: frozenset[str]
    points: float
    penalty: float = 0.0

    @property
    def waiting(self) -> float:
        """The points that a person has yet to give or not."""
        return sum(mark.max_points for mark in self.marks.values() if mark.waiting)

    @property
    def lost(self) -> bool:
        """Tell whether a written answer got no points because nobody found it, or may get none."""
        judged = {part.id for part in self.verdict.parts}
        written = [mark for name, mark in self.marks.items() if name not in judged]
        empty = any(not (mark.points or mark.waiting or mark.by_hand) for mark in written)
        return empty or bool(queued(self.notebook))

    @property
    def max_points(self) -> float:
        """What could be had so far."""
        return sum(mark.max_points for mark in self.marks.values()) - self.waiting


class Opening(UnitPreprocessor):
    """Writes the opening for a submission that has a verdict; comes after GetGrades in GenerateFeedback's list."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's GenerateFeedback for each autograded notebook; leaves HTML in `resources`."""
        if self.unit(resources) is not None:
            try:
                verdicts = Verdict.load_each(Path(resources["metadata"]["path"]), False, of=_submission(resources))
            except (DamagedVerdictError, FileNotFoundError) as error:
                why = str(error) if isinstance(error, DamagedVerdictError) else "is missing"
                assignment, student = _submission(resources)
                self.log.error(
                    "The page of %s has no opening: the %s in %s %s. Run `zerolayer grade %s --student %s --force`.",
                    student, FILE, resources["metadata"]["path"], why, assignment, student,
                )  # fmt: skip
                return nb, resources
            for verdict in (one for one in verdicts if one.notebook == resources["nbgrader"]["notebook"]):
                resources["opening"] = opening(graded(verdict, nb, resources["nbgrader"]))
                resources["code_in_the_dark"] = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
        return nb, resources


def _submission(resources: dict[str, Any]) -> tuple[str, str]:
    return resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]


def graded(verdict: Verdict, nb: NotebookNode, names: dict[str, Any]) -> Graded:
    """Put together what a student may see; `names` are nbgrader's for the submission, with GetGrades' score in them."""
    with Gradebook(names["db_url"]) as gradebook:
        submitted = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
        marks = {  # nbgrader asks for a person's eye again after each run; what was marked stays marked
            grade.name: Mark(grade.score, grade.max_score, grade.needs_manual_grade and not by_hand, by_hand)
            for grade in submitted.grades
            for by_hand in [grade.manual_score is not None]
        }
        comments = frozenset(comment.name for comment in submitted.comments if comment.manual_comment)
        known = known_cells(gradebook.find_notebook(names["notebook"], names["assignment"]))
    code, last = {}, ""
    for name, cell in known.items():
        flags = cell.metadata.nbgrader
        last = name if flags.solution and not flags.grade else last
        code[name] = name if flags.solution else last
    return Graded(verdict, nb, marks, code, comments, max(0.0, names["score"]), names["late_penalty"])


def opening(graded: Graded) -> str:
    """Write the opening as HTML: the points first, then how the run went, then each part and each written answer."""
    parts = [part for part in graded.verdict.parts if part.id in graded.marks]
    judged = {part.id for part in parts}
    written = [name for name in graded.marks if name not in judged]
    written.sort(key=list(graded.code).index)
    said = [
        _headline(graded),
        *(_remark(remark, graded) for remark in graded.verdict.remarks),
        *(_part(part, graded) for part in parts),
        *(_written(name, number, graded) for number, name in enumerate(written, 1)),
    ]
    return (
        f'<header class="opening">{"".join(said)}<h2>Your notebook, as it was graded</h2><p>What a check found stands'
        " below the check. Examples and plots are not run again for grading, so they show nothing here.</p></header>"
    )


def _headline(graded: Graded) -> str:
    so_far = " so far" if graded.waiting else ""
    said = [_praise(graded)]
    if graded.penalty:
        said.append(f"{_points(graded.penalty)} were taken off because it came in late.")
    if graded.waiting:
        said.append(f"Up to {graded.waiting:g} more can come: your instructor has yet to read what you wrote.")
    total = f"{graded.points:.4g} of {_points(graded.max_points)}{so_far}"
    return f"<h1>{total}</h1>" + "".join(f"<p>{escape(sentence)}</p>" for sentence in said if sentence)


def _praise(graded: Graded) -> str:
    """Say in a sentence how it went."""
    marks = [mark for mark in graded.marks.values() if not mark.waiting]
    full = [mark for mark in marks if mark.points >= mark.max_points]
    if len(full) == len(marks):
        return "Everything is right. You have built it, and it works: congratulations!"
    short = [part for part in graded.verdict.parts if part.points < part.max_points]
    if short and all(part.problem for part in graded.verdict.parts):
        return "Your code could not be checked, so this says nothing about it. Below is why."
    if not any(mark.points for mark in marks):
        return "Nothing is right yet. Below is, for each part, the first thing to try."
    if not short:
        return "All of your code is right: well done!"
    return "Below is, for each part, what was right, and the first thing to try where it wasn't yet."


def _remark(remark: str, graded: Graded) -> str:
    """Tell what happened in the run, with links to the cells it names, one thing to try, and that it cost nothing."""
    advice = next((advice for words, advice in ADVICE.items() if words in remark), "")
    free = graded.verdict.points == graded.verdict.max_points and not graded.lost
    text = re.sub(r"Cell (\d+)", lambda found: _cell(found, graded.notebook), escape(remark))
    text = re.sub(r"The cell ([\w-]+)", r'The cell <a href="#\1">\1</a>', text)
    return f'<p class="remark">{" ".join(filter(None, (text, advice, "It cost no points." * free)))}</p>'


def _cell(found: re.Match[str], nb: NotebookNode) -> str:
    at = int(found[1]) - 1
    if not (at < len(nb.cells) and nb.cells[at].cell_type == "code" and "id" in nb.cells[at]):
        return found[0]
    return f'<a href="#cell-id={escape(nb.cells[at].id)}">{found[0]}</a>'


def _part(part: PartVerdict, graded: Graded) -> str:
    """Write one part: a line if all of it is right, else what was, the mistake, the hint, and where to look."""
    mark = graded.marks[part.id]
    tried = not part.problem and any(statement.state != "open" for statement in part.statements)
    state = "right" if mark.points >= mark.max_points else "wrong" if tried else "not checked"
    worth = f"{mark.points:.4g} of {_points(mark.max_points)}" + " (your instructor's mark)" * mark.by_hand
    details = "" if state == "right" else _found(part, graded)
    return _section(state, f'<a href="#{part.id}">{escape(part.title)}</a>', worth, details + _comment(part.id, graded))


def _found(part: PartVerdict, graded: Graded) -> str:
    """Say what was found in a part that isn't all right. What an earlier part met too, or the whole run, is said there.

    Without anything right, and without a mistake that has a name, the statements tell no more than what they met.
    """
    if part.problem == " ".join(("The check gave no answer.", *graded.verdict.remarks)):
        return "<p>Not checked: see above.</p>"
    whys = _met(part)
    if not whys:
        scale = graded.marks[part.id].max_points / part.max_points
        return f"{verdict.opening(part)}<ol>{verdict.items(part, scale)}</ol>{_where(part, graded)}"
    first = next(other for other in graded.verdict.parts if _met(other) == whys)
    if first is not part:
        return f"<p>The same as in {escape(first.title)}.</p>"
    return "".join(f"<p>{escape(why)}</p>" for why in whys) + _where(part, graded)


def _met(part: PartVerdict) -> list[str]:
    """List what kept a part from being right, where that says it all."""
    if part.problem:
        return [part.problem]
    whys = sorted({statement.why for statement in part.statements})
    blank = all(statement.state == "open" for statement in part.statements)
    return whys if not part.points and not part.mistake and (blank or len(whys) == 1) else []


def _where(part: PartVerdict, graded: Graded) -> str:
    """Say where in the notebook to look: at the student's code, how its cell ended, and at the check."""
    code = graded.code.get(part.id, "")
    at = _place(code, graded.notebook)
    if at is None:
        return ""
    ended = [output for output in graded.notebook.cells[at].get("outputs", []) if output.output_type == "error"]
    error = re.sub(r"\(\d+\.py, ", "(", f"{ended[0].ename}: {ended[0].evalue}"[:200]) if ended else ""
    told = "".join((part.problem, error, *(statement.why for statement in part.statements)))
    said = [
        f'Where to look: <a href="#comment-{code}">your code</a>{_under(at, graded.notebook)}.',
        f"That cell ends with <code>{escape(error)}</code>" if error else "",
        FRESH if "not defined" in told and not error else "",
    ]
    return f"<p>{' '.join(filter(None, said))}</p>"


def _written(name: str, number: int, graded: Graded) -> str:
    """Write one written answer: read, waiting to be read, or empty."""
    mark, at = graded.marks[name], _place(name, graded.notebook)
    title = f'<a href="#{name}">Written answer {number}</a>{_under(at, graded.notebook)}'
    if mark.waiting:
        waiting = "<p>Waiting for your instructor to read it.</p>"
        if name in queued(graded.notebook):
            waiting = "<p>It wasn't found in its own cell. Your instructor will look for it in your notebook.</p>"
        return _section("waiting", title, f"up to {_points(mark.max_points)}", waiting)
    empty = "" if mark.by_hand or mark.points else "<p>Nothing was found here.</p>"
    state = "right" if mark.points >= mark.max_points else "wrong"
    worth = f"{mark.points:.4g} of {_points(mark.max_points)}"
    return _section(state, title, worth, empty + _comment(name, graded))


def _comment(name: str, graded: Graded) -> str:
    code = graded.code.get(name, "")
    return f'<p><a href="#comment-{code}">Your instructor wrote to you.</a></p>' if code in graded.comments else ""


def _section(state: str, title: str, worth: str, details: str) -> str:
    mark = MARKS.get(state, "…")
    return (
        f'<section class="part {state.replace(" ", "-")}"><h2><span aria-hidden="true">{mark}</span> {title}:'
        f" <span>{escape(worth)}</span></h2>{details}</section>"
    )


def _place(name: str, nb: NotebookNode) -> int | None:
    """Find where in the notebook the cell with this id of the course stands."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]
    return ids.index(name) if name in ids else None


def _under(at: int | None, nb: NotebookNode) -> str:
    """Say under which heading a cell stands, if there is one."""
    before = (cell.source for cell in reversed(nb.cells[:at]) if cell.cell_type == "markdown")
    found = (re.findall(r"^#{1,2} +(\S.*)", source, re.MULTILINE) for source in before)
    heading = next((headings[-1].strip()[:80] for headings in found if headings), "")
    return f" in <i>{escape(heading)}</i>" if heading else ""


def _points(points: float) -> str:
    return f"{points:.4g} point{'' if points == 1 else 's'}"
