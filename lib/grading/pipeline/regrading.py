"""The decision whether to grade a submission or to keep its results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.grading.files import is_file
from lib.grading.gradebook.marks import NotebookMarks
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.pipeline.course import Course
from lib.grading.submissions.submitted_files import SubmittedFiles

CHANGED = "the submitted files have changed since"
"""The reason to grade a submission again if only its digest differs."""


@dataclass(frozen=True)
class Decision:
    """The decision: `is_due`, and the reason why earlier results are `lost`, or the `reasons` to list if not due."""

    is_due: bool
    lost: str = ""
    reasons: Sequence[str] = ()


def decide(course: Course, submitted: SubmittedFiles, place: Path) -> Decision:
    """Decide by nbgrader's rule whether to grade a submission: if it is new, newer than before, or with --force.

    A graded submission is also due if the gradebook and the verdict differ, or the files have changed, since files from
    a download have no time of their own. Nothing else is due, since a new grading asks for manual marks again.
    """
    if submitted.student in course.directory.student_id_exclude.split(","):
        return Decision(False)
    if course.converter.force or not all(is_file(place / f"{name}.ipynb") for name in course.notebooks):
        return Decision(True)
    if submitted.student not in course.times:
        return Decision(True, "the gradebook had no marks for it")
    timestamp, before = course.timestamp_of(submitted), course.times[submitted.student]
    try:
        found = Verdict.load_each(place, evidence=False, of=(course.assignment, submitted.student))
    except (FileNotFoundError, DamagedVerdictError) as error:
        return Decision(True, f"its {FILE} {error if isinstance(error, DamagedVerdictError) else 'was missing'}")
    verdicts = [
        one for one in found if one.notebook in course.notebooks or one.notebook not in course.gradebook.sources
    ]
    marks = {name: course.marks.get(submitted.student, {}).get(name) for name in course.notebooks}
    if lost := _lost_of(course, verdicts, marks):
        return Decision(True, lost)
    if timestamp is not None and (before is None or timestamp > before):
        return Decision(True)
    if {verdict.notebook: verdict.handed_in for verdict in verdicts} != dict.fromkeys(marks, submitted.digest):
        return Decision(True, CHANGED)
    return Decision(False, reasons=list(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)))


def _lost_of(course: Course, verdicts: Sequence[Verdict], marks: dict[str, NotebookMarks | None]) -> str:
    """Return why an earlier run's results can't be used, or ""."""
    found = {
        (verdict.notebook, part.id, tuple((one.name, one.max_points) for one in part.statements))
        for verdict in verdicts
        for part in verdict.parts
    }
    if found != course.judged:
        return "the unit has other parts or points now"
    for verdict in verdicts:
        cells = one.cells if (one := marks.get(verdict.notebook)) else {}
        for part in verdict.parts:
            if part.id not in cells or cells[part.id].graded != part.score(cells[part.id].max_points):
                return "the gradebook had other points"
    return ""
