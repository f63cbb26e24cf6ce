"""Judging inside nbgrader's conversion: the challenge is written before a notebook runs, the verdict after it.

Both are ordinary nbgrader preprocessors, so `nbgrader autograde`, formgrader's button and `zerolayer grade` judge
alike. The verdict replaces all that a graded cell put out, and nbgrader reads the points there.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cache, cached_property
from glob import glob
from pathlib import Path
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Dict, Unicode
from traitlets.utils.importstring import import_item

import lib.units
from lib.answer_key import AnswerKey
from lib.checking.answers import CHALLENGE, MIME
from lib.grading import units
from lib.grading.errors import ConfigError
from lib.grading.judge.challenge import challenge, seed_of
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.library_calls import library_calls
from lib.grading.judge.secret import make_secret, read_secret
from lib.grading.judge.verdict import FILE, PartVerdict, Verdict, html
from lib.grading.marking_queue import TO_DECIDE, cells_for_person, leave_to_person
from lib.grading.safe_files import files_in, is_file, is_folder, remove, tidy, write
from lib.grading.submissions.cell_ends import error_output, missing_names
from lib.grading.submissions.fit import lost_unit, misfits
from lib.grading.submissions.form import faults_of_form
from lib.grading.submissions.identify import course_id
from lib.grading.submissions.master import Master
from lib.grading.submissions.read import STAMP
from lib.grading.submissions.restore import IN_DOUBT, MISSING, RESTORED
from lib.grading.submissions.scores import gradebook_session
from lib.grading.submissions.sight import exposed, out_of_sight
from lib.grading.submissions.state import SubmissionState, WrittenChallenge, submission_state

OURS = (CHALLENGE, FILE, f"{FILE}.part")
"""Names in a submission's folder that are not a student's to use."""
FROM_BEFORE = (
    "This notebook is from before some questions were added, and has no cells for them. Nothing is lost by that: your"
    " instructor decides on their points."
)


class UnitPreprocessor(NbGraderPreprocessor):
    """What writing the challenge and judging share: which unit an assignment is, and a submission's seed."""

    units = Dict(
        help="""The import string of an AnswerKey, for an assignment whose unit isn't found by its name; or an empty
        text for an assignment that nbgrader is to grade by itself. All other units are found as before.""",
    ).tag(config=True)
    secret_file = Unicode(
        "judge_secret", help="Where the course keeps the secret from which seeds are derived; made at first need."
    ).tag(config=True)

    def unit(self, resources: dict[str, Any]) -> AnswerKey | None:
        """Find the unit of the assignment, or None for one that nbgrader grades by itself.

        Raises ConfigError where there is one that can't be imported or isn't put together as it should be, or whose
        answers students could import.
        """
        return self._load(resources["nbgrader"]["assignment"])

    @cached_property
    def _load(self) -> Callable[[str], AnswerKey | None]:
        return cache(self._import)

    def _import(self, assignment: str) -> AnswerKey | None:
        name = self.answers_of(assignment)
        if not name:
            return None
        is_configured = assignment in self.units
        key = _import_unit(name, assignment, is_configured)
        if fault := next(faults_of_form(key, name, "" if is_configured else assignment), None):
            raise ConfigError(str(fault))
        if found := next(exposed(key, name), ""):
            raise ConfigError(found)
        return key

    def answers_of(self, assignment: str) -> str:
        """Name the closed half of the assignment's unit: its import string, or nothing where there is no unit."""
        if assignment in self.units:
            return str(self.units[assignment] or "")
        lib.units.enter(CourseDirectory(parent=self).root)  # nbgrader's own commands don't know of a course's units
        place = units.place_of(assignment)
        return place.answers if place else ""

    def check_unit(self, assignment: str, masters: Mapping[str, Master], locked: bool = True) -> None:
        """Raise ConfigError unless each tested cell of an assignment with a unit has its part, and each part a cell.

        Also where a notebook calls checks and there is no unit, or where the checks can't be imported in kernels that
        are `locked` in: then nobody would get points.
        """
        key = self.unit({"nbgrader": {"assignment": assignment}})
        cells = {f"{name}.ipynb": [*master.cells.values()] for name, master in masters.items()}
        if key is None and assignment not in self.units and (lost := lost_unit(assignment, cells)):
            raise ConfigError(f"{lost}\nNobody was graded.")
        if key is not None and (found := [*map(str, misfits(key.unit, cells))]):
            raise ConfigError(
                "\n".join([f"{assignment} can't be graded: its cells don't fit {self.answers_of(assignment)}.", *found])
                + "\nThen run `zerolayer build`, and grade again."
            )
        if key is not None and locked and (unseen := next(out_of_sight(key), "")):
            raise ConfigError(f"{unseen}\nNobody was graded.")

    @cached_property
    def secret(self) -> bytes:
        """The course's secret, made if there is none yet. Raises SecretError where what is there can't be one."""
        path = Path(self.secret_file)
        try:
            return read_secret(path)
        except FileNotFoundError:
            made = make_secret(path)
        course = CourseDirectory(parent=self)
        folders = course.format_path(course.autograded_directory, "*", "*")
        if graded := len(glob(str(Path(folders, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            self.log.warning(
                "%s was missing and has been made anew, though %s graded with another one. Whatever is graded from now"
                " on draws other challenges than before. If you have a copy of the old file, put it back.",
                path,
                "a submission was" if graded == 1 else f"{graded:,} submissions were",
            )
        return made

    def seed(self, nb: NotebookNode, resources: dict[str, Any]) -> int:
        """Derive the seed of this submission.

        Another notebook or other files have another seed: what one run has put out is of no use in the next.
        """
        names = resources["nbgrader"]
        return seed_of(
            self.secret,
            names["assignment"],
            names["notebook"],
            names["student"],
            _stamp(resources)[:100].hex(),
            hash_submission(nb.cells, _folder(resources)),
        )


class WriteChallenge(UnitPreprocessor):
    """Write the challenge beside the notebook, just before it is run."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves for `Judge` what a run must not change."""
        unit, folder, state = self.unit(resources), _folder(resources), submission_state(resources)
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
            written = WrittenChallenge(self.seed(nb, resources), frozenset(files_in(folder)), _stamp(resources), others)
            state.challenge = written
            content = orjson.dumps(challenge(unit, written.seed))
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
        state, folder, names = submission_state(resources), _folder(resources), resources["nbgrader"]
        written = state.challenge
        if written is None:
            raise ConfigError("The verdict comes before the challenge. List WriteChallenge before the notebook is run.")
        others = {verdict.notebook: verdict for verdict in written.others}
        if state.gradebook is not None:  # notebooks run elsewhere then, so this file is from the one judged before
            judged = _others(folder, state.gradebook.masters.keys() - {names["notebook"]})
            others |= {verdict.notebook: verdict for verdict in judged}
        _take_back_changes(folder, written)
        remarks = _remarks_on(nb, unit, state)
        parts = tuple(_judge_cells(nb, unit, written.seed, remarks))
        calls = library_calls(nb.cells, unit.watched_calls)
        verdict = Verdict(names["assignment"], names["notebook"], names["student"], written.seed, parts, remarks, calls)
        verdict.save(folder, others.values())
        state.judged = {part.id for part in parts}
        return nb, resources


def _take_back_changes(folder: Path, written: WrittenChallenge) -> None:
    """Leave in a folder what was handed in, and nothing that the run wrote."""
    tidy(folder, written.files)
    if written.stamp:
        remove(folder / STAMP)
        write(folder / STAMP, written.stamp)


def _remarks_on(nb: NotebookNode, unit: AnswerKey, state: SubmissionState) -> tuple[str, ...]:
    """Remark on how a notebook was restored and how it ran; cells that it can't have are left to a person."""
    remarks = (*nb.metadata.get(RESTORED, ()), *state.remarks)
    added = _cells_added_since(nb, unit, state.is_empty)
    if not added:
        return remarks
    for id in added:
        leave_to_person(nb, id)
    if {*cells_for_person(nb).values()} == {TO_DECIDE}:  # then no answer is to be looked for elsewhere
        remarks = tuple(remark for remark in remarks if remark != IN_DOUBT)
    return (*remarks, FROM_BEFORE)


def _judge_cells(nb: NotebookNode, unit: AnswerKey, seed: int, remarks: tuple[str, ...]) -> Iterator[PartVerdict]:
    """Judge each part's cell, and put its verdict in the place of what it put out."""
    missing = missing_names(nb.cells)
    for cell in nb.cells:
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            verdict = judge(unit, part, seed, answers_in(cell, part.id), _problem(cell, remarks), missing)
            cell.outputs = [_output_of(verdict, float(cell.metadata.nbgrader["points"]))]
            yield verdict


def _import_unit(name: str, assignment: str, is_configured: bool) -> AnswerKey:
    """Import a unit by its answer key's import string. Raises ConfigError where there is none."""
    try:
        found = import_item(name)
    except Exception as error:  # whatever a module may raise as it is imported
        why = f"can't be imported: {units.describe(error)}"
    else:
        if isinstance(found, AnswerKey):
            return found
        why = f"is a {type(found).__name__}"
    if not is_configured:
        raise ConfigError(f"The unit {assignment} fails: {name!r} {why}. Nothing was graded. Correct the unit.")
    raise ConfigError(
        f"The unit that UnitPreprocessor.units names for {assignment} fails: {name!r} {why}. Nothing was graded."
        " Expected the import string of an AnswerKey, such as 'my_package.closed.ANSWER_KEY'."
        " Correct it, or take it out if nbgrader is to grade the assignment by itself."
    )


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Find the answer among a graded cell's outputs: the last one for this part, whoever put it there."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("statements"), dict):
            return data["statements"]
    return None


def hash_submission(cells: Iterable[Mapping[str, Any]], folder: Path) -> str:
    """Hash all that a run can read of a submission: a notebook's cells once they are restored, and the files beside it.

    Outputs and the ids that cells are given anew are left out, so that grading again finds the same.
    """
    digest = hashlib.sha256()
    for cell in cells:
        seen = (cell["cell_type"], cell["source"], cell["metadata"].get("tags"), cell.get("attachments"))
        digest.update(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS) + b"\n")
    for path in sorted(files_in(folder)):
        if path.suffix != ".ipynb" and path.name not in OURS:
            name, content = os.fsencode(path.relative_to(folder)), path.read_bytes()
            digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()


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
    if error := error_output(cell):
        return f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
    return " ".join(("The check gave no answer.", *remarks))


def _output_of(verdict: PartVerdict, worth: float) -> NotebookNode:
    """Make the output that nbgrader reads as points (text) and people as a verdict (HTML)."""
    scale = worth / verdict.max_points if verdict.max_points else 0.0
    shown = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": html(verdict, scale)})
    return NotebookNode(output_type="execute_result", data=shown, metadata=NotebookNode(), execution_count=None)


def _stamp(resources: dict[str, Any]) -> bytes:
    stamp = _folder(resources) / STAMP
    return stamp.read_bytes() if is_file(stamp) else b""


def _folder(resources: dict[str, Any]) -> Path:
    return Path(resources["metadata"]["path"])
