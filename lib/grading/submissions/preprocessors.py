"""Judging inside nbgrader's conversion: the challenge is written before a notebook runs, the verdict after it.

Both are ordinary nbgrader preprocessors, so `nbgrader autograde`, formgrader's button and `zerolayer grade` judge
alike. The verdict replaces all that a graded cell put out, and nbgrader reads the points there.
"""

from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade

from lib.answer_key import AnswerKey
from lib.checking.answers import CHALLENGE, MIME
from lib.grading.errors import ConfigError
from lib.grading.judge.challenge import challenge
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.library_calls import is_too_long, library_calls
from lib.grading.judge.verdict import FILE, PartVerdict, Verdict, html
from lib.grading.marking_queue import TO_DECIDE, cells_for_person, leave_to_person
from lib.grading.running.notebook import place_of
from lib.grading.safe_files import files_in, is_file, is_folder, remove, tidy, write
from lib.grading.submissions import cell_ends
from lib.grading.submissions.identify import course_id
from lib.grading.submissions.read import STAMP
from lib.grading.submissions.restore import IN_DOUBT, MISSING, RESTORED
from lib.grading.submissions.state import SubmissionState, WrittenChallenge, gradebook_session, submission_state
from lib.grading.submissions.unit_preprocessor import OURS, UnitPreprocessor, folder_of, read_stamp

FROM_BEFORE = (
    "This notebook is from before some questions were added, and has no cells for them. Nothing is lost by that: your"
    " instructor decides on their points."
)


class WriteChallenge(UnitPreprocessor):
    """Write the challenge beside the notebook, just before it is run."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves for `Judge` what a run must not change."""
        unit, folder, state = self.unit(resources), folder_of(resources), submission_state(resources)
        if is_folder(page := folder / f"{resources['nbgrader']['notebook']}.html"):
            remove(page)  # generate_feedback copies folders, and then writes a page of this name
        if unit is not None:
            with gradebook_session(resources) as book:
                if state.gradebook is None:  # `zerolayer grade` has checked the unit when it began
                    self.check_unit(resources["nbgrader"]["assignment"], book.masters)
                others = _others(folder, book.masters.keys() - {resources["nbgrader"]["notebook"]})
            # A student may have handed in a challenge or a verdict of their own making.
            for name in OURS:
                remove(folder / name)
            seed, kept = self.seed(nb, resources), frozenset(files_in(folder))
            state.challenge = WrittenChallenge(seed, kept, read_stamp(resources), others)
            content = orjson.dumps(challenge(unit, seed))
            if state.files is not None:
                state.files[CHALLENGE] = content
            else:
                write(folder / CHALLENGE, content)
        return nb, resources


class Judge(UnitPreprocessor):
    """Judge the answers in the graded cells' outputs, put the verdicts in their place, and store them."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde after the notebook was run."""
        unit = self.unit(resources)
        if unit is None:
            return nb, resources
        state, folder, names = submission_state(resources), folder_of(resources), resources["nbgrader"]
        written = state.challenge
        if written is None:
            raise ConfigError("The verdict comes before the challenge. List WriteChallenge before the notebook is run.")
        others = {verdict.notebook: verdict for verdict in written.others}
        if state.gradebook is not None:  # notebooks run elsewhere then, so this file is from the one judged before
            judged = _others(folder, state.gradebook.masters.keys() - {names["notebook"]})
            others |= {verdict.notebook: verdict for verdict in judged}
        # What was handed in stays in the folder, and nothing that the run wrote.
        tidy(folder, written.files)
        if written.stamp:
            remove(folder / STAMP)
            write(folder / STAMP, written.stamp)
        remarks = _remarks_on(nb, unit, state)
        parts = tuple(_judge_cells(nb, unit, written.seed, remarks))
        calls = library_calls(nb.cells, unit.watched_calls)
        if is_too_long(nb.cells, unit.watched_calls):
            state.for_a_person.append("has more code than is looked through for library calls")
        verdict = Verdict(names["assignment"], names["notebook"], names["student"], written.seed, parts, remarks, calls)
        verdict.save(folder, others.values())
        state.verdicts = (verdict, *others.values())
        return nb, resources


def _remarks_on(nb: NotebookNode, unit: AnswerKey, state: SubmissionState) -> tuple[str, ...]:
    """Remark on how a notebook was restored and how it ran; cells that it can't have are left to a person."""
    remarks = (*nb.metadata.get(RESTORED, ()), *state.remarks, *_remark_on_newer_python(nb, state))
    added = _cells_added_since(nb, unit, state.is_empty)
    if not added:
        return remarks
    for id in added:
        leave_to_person(nb, id)
    if {*cells_for_person(nb).values()} == {TO_DECIDE}:  # then no answer is to be looked for elsewhere
        remarks = tuple(remark for remark in remarks if remark != IN_DOUBT)
    return (*remarks, FROM_BEFORE)


def _remark_on_newer_python(nb: NotebookNode, state: SubmissionState) -> Iterator[str]:
    """Remark on cells that a newer Python than this one may be able to read, and leave them to a person."""
    here = ".".join(map(str, cell_ends.VERSION))
    cells = [place_of(nb.cells, at) for at, cell in enumerate(nb.cells) if cell_ends.may_need_newer_python(cell)]
    if cells:
        state.for_a_person.append(f"may need Python 3.12, and {here} runs here")
    for cell in cells:
        yield (
            f"{cell} can't be read by Python {here}, which graded this notebook. Python 3.12 may read it: if it ran for"
            " you, tell your instructor."
        )


def _judge_cells(nb: NotebookNode, unit: AnswerKey, seed: int, remarks: tuple[str, ...]) -> Iterator[PartVerdict]:
    """Judge each part's cell, and put its verdict in the place of what it put out."""
    missing, definitions = cell_ends.missing_names(nb.cells), cell_ends.first_definitions(nb.cells)
    for at, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            lacking = cell_ends.come_too_late(definitions, at) | missing
            verdict = judge(unit, part, seed, answers_in(cell, part.id), _problem(cell, remarks), lacking)
            cell.outputs = [_output_of(verdict, float(cell.metadata.nbgrader["points"]))]
            yield verdict


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Find the answer among a graded cell's outputs: the last one for this part, whoever put it there."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("statements"), dict):
            return data["statements"]
    return None


def _others(folder: Path, notebooks: Set[str]) -> tuple[Verdict, ...]:
    """Give the verdicts that `folder` has on these notebooks of an assignment."""
    if not notebooks or not is_file(folder / FILE):
        return ()
    try:
        found = Verdict.load_each(folder)
    except Exception:  # a student may have handed in anything under this name
        return ()
    return tuple(verdict for verdict in found if verdict.notebook in notebooks)


def _cells_added_since(nb: NotebookNode, unit: AnswerKey, is_empty: bool) -> list[str]:
    """Name the graded cells that a notebook lacks because it was handed out before they were added to the unit.

    A notebook from before has none of the later cells, and others. Who deletes them all gains nothing: a person looks.
    """
    missing = {*nb.metadata.get(MISSING, ())}
    if is_empty or not missing:
        return []
    graded = [course_id(cell) for cell in nb.cells if is_grade(cell)]
    later = unit.unit.later_cells & {course_id(cell) for cell in nb.cells}
    from_before = later <= missing and not missing.issuperset(graded)
    return [id for id in graded if id in later] if from_before else []


def _problem(cell: NotebookNode, remarks: tuple[str, ...]) -> str:
    """Say why a graded cell has no answer: the error that it ended with, or what happened to the run."""
    if error := cell_ends.error_output(cell):
        return f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
    return " ".join(("The check gave no answer.", *remarks))


def _output_of(verdict: PartVerdict, worth: float) -> NotebookNode:
    """Make the output that nbgrader reads as points (text) and people as a verdict (HTML)."""
    scale = worth / verdict.max_points if verdict.max_points else 0.0
    shown = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": html(verdict, scale)})
    return NotebookNode(output_type="execute_result", data=shown, metadata=NotebookNode(), execution_count=None)
