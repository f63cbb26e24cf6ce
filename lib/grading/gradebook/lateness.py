"""Late submissions: penalties, computed by the course's plugin for nbgrader, and extensions of the deadline.

nbgrader computes penalties only when it grades. They are computed again before points are exported or shown, because a
person may have given points, granted an extension or moved the due date since.

The gradebook has no submission before a student submits, so extensions are also stored in the course's folder. Grading
copies them to nbgrader's field of a new submission.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from logging import getLogger
from pathlib import Path

import msgspec
from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors.latesubmissions import AssignLatePenalties
from sqlalchemy import func, or_, select, update
from traitlets.config import LoggingConfigurable

from lib.grading.errors import ConfigError
from lib.grading.files import is_file, write_whole


def late_by(timestamp: datetime | None, duedate: datetime | None, extension: timedelta | None) -> timedelta:
    """Return how late a submission is: zero if it is on time, or if one of the times is unknown."""
    if timestamp is None or duedate is None:
        return timedelta()
    return max(timedelta(), timestamp - duedate - (extension or timedelta()))


def cost(plugin: LateSubmissionPlugin, student: str, score: float, late: float) -> float | None:
    """Return the plugin's penalty for being `late` seconds late, between 0 and `score`; None without a penalty."""
    penalty = plugin.late_submission_penalty(student, score, late)
    return None if penalty is None else min(max(penalty, 0), score)


def renew_penalties(gradebook: Gradebook, parent: LoggingConfigurable) -> None:
    """Compute and store the late penalties for the current points, and log each change.

    `parent` has the course's configuration. If that has no rule, stored penalties stay, because the rule may have been
    given on the command line of `grade`. A submission that is now on time has no penalty in any case.
    """
    step = AssignLatePenalties(parent=parent)
    step.init_plugin()
    step.plugin_inst.log = getLogger(__name__)  # or the plugin logs its rule for each student
    whole, part, due = SubmittedAssignment, SubmittedNotebook, Assignment.duedate
    known = (part.id, part.late_submission_penalty, whole.student_id, whole.timestamp, due, whole.extension)
    late = (
        select(*known, func.sum(Grade.score))
        .join(whole, whole.id == part.assignment_id)
        .join(Assignment, Assignment.id == whole.assignment_id)
        .join(Grade, Grade.notebook_id == part.id)
        .where(or_(whole.timestamp > due, part.late_submission_penalty > 0))
        .group_by(*known)
    )
    for notebook, before, student, *times, score in gradebook.db.execute(late).all():
        seconds = late_by(*times).total_seconds()
        now = cost(step.plugin_inst, student, score, seconds) if seconds else 0
        if now is not None and round(now, 4) != round(before or 0, 4):
            gradebook.db.execute(update(part).where(part.id == notebook).values(late_submission_penalty=now))
            change = f"is late, which now costs {now:g} points" if seconds else "is now on time"
            parent.log.warning("%s %s. The penalty was %g before.", student, change, before or 0)
            gradebook.db.commit()


EXTENSIONS = "extensions.json"
Seconds = dict[str, dict[str, float]]
"""Seconds by assignment and student."""


def read_extensions(course: CourseDirectory, assignment: str) -> Mapping[str, timedelta]:
    """Return an assignment's extensions by student. Raises ConfigError if the file is damaged."""
    return {student: timedelta(seconds=more) for student, more in _read(course).get(assignment, {}).items()}


def extend(gradebook: Gradebook, course: CourseDirectory, assignment: str, student: str, more: timedelta) -> None:
    """Set a student's extension; an extension of zero removes it.

    Raises MissingEntry if there is no such assignment, and ConfigError if the file of extensions is damaged.
    """
    stored = _read(course)
    own = stored.get(assignment, {}) | {student: more.total_seconds()}
    stored[assignment] = {each: seconds for each, seconds in own.items() if seconds}
    for submission in gradebook.find_assignment(assignment).submissions:
        if submission.student_id == student:
            submission.extension = more or None
    write_whole(Path(course.root, EXTENSIONS), msgspec.json.format(msgspec.json.encode(stored)))
    gradebook.db.commit()


def _read(course: CourseDirectory) -> Seconds:
    file = Path(course.root, EXTENSIONS)
    if not is_file(file):
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=Seconds)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is damaged: {error}. Fix it, or remove it and set all extensions again.") from error
