"""Whether a submission is to be graded, or what it got stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.grading.book.gradebook import Known
from lib.grading.book.receipt import Receipt
from lib.grading.door.handed_in import HandedIn
from lib.grading.files import is_file
from lib.grading.grade.course import Course
from lib.grading.grade.one import prepare
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict

CHANGED = "what was handed in has changed since"
"""Why something is graded once more."""


@dataclass(frozen=True)
class Due:
    """Whether it is due, what is `lost` of an earlier run if that is why, and else why a person has to look."""

    now: bool
    lost: str = ""
    reasons: Sequence[str] = ()


def look(course: Course, handed: HandedIn, place: Path) -> Due:
    """Tell, by nbgrader's own rule, whether this is to be graded: not before, or by force, or handed in anew.

    What was graded before is due too where the gradebook and the verdict differ, or other work lies there now: what
    comes from a download has no time of its own.
    """
    if handed.student in course.directory.student_id_exclude.split(","):
        return Due(False)
    files = [place / f"{name}.ipynb" for name in course.notebooks]
    if course.converter.force or not all(map(is_file, files)):
        return Due(True)
    known = course.book.known(handed.student)
    if known is None:
        return Due(True, "the gradebook had nothing of it")
    lost, made = _lost_of_verdict(course, handed.student, place, known), course.made(handed)
    if made is not None and (known.timestamp is None or made > known.timestamp):
        return Due(True, lost)
    receipts = [Receipt.in_file(file) for file in files]
    if digests := {receipt.handed_in for receipt in receipts} - {""}:
        is_another = digests != {handed.digest}
    else:  # an earlier version has graded it, or nbgrader's own command
        is_another = _draws_another_challenge(course, handed, place)
    if lost := lost or (CHANGED if is_another else ""):
        return Due(True, lost)
    reasons = dict.fromkeys(reason for receipt in receipts for reason in receipt.reasons)
    return Due(False, reasons=() if known.is_marked else list(reasons))


def _draws_another_challenge(course: Course, handed: HandedIn, place: Path) -> bool:
    """Tell other work by the seed of its challenge, which derives from what was handed in."""
    if course.unit is None:
        return False
    before = {verdict.notebook: verdict.seed for verdict in Verdict.load_each(place, evidence=False)}
    return any(one.seed != before.get(name) for name, one in prepare(course, handed).notebooks.items())


def _lost_of_verdict(course: Course, student: str, place: Path, known: Known) -> str:
    """Say why the verdict of an earlier run can't be used, if it can't."""
    if course.unit is None:
        return ""
    masters = course.book.masters
    try:
        verdicts = Verdict.load_each(place, evidence=False, of=(course.assignment, student))
    except FileNotFoundError:
        return f"its {FILE} was missing"
    except DamagedVerdictError as error:
        return f"its {FILE} {error}"
    found = {
        (verdict.notebook, part.id, tuple((one.name, one.max_points) for one in part.statements))
        for verdict in verdicts
        for part in verdict.parts
        if verdict.notebook in course.notebooks or verdict.notebook not in masters
    }
    if found != course.judged:
        return "the unit has other parts or points now"
    if any(known.differs(one, masters[one.notebook]) for one in verdicts if one.notebook in course.notebooks):
        return "the gradebook had other points"
    return ""
