"""Extensions: more time for a student, in nbgrader's field of a submission.

The gradebook has no submission before a student submits, so extensions are also stored in the course's folder. Grading
copies them to new submissions.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import orjson
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from lib.grading.errors import ConfigError
from lib.grading.files import is_file, write_whole

Seconds = dict[str, dict[str, float]]
"""Seconds by assignment and student."""


def extensions_file(course: CourseDirectory) -> Path:
    """Return the file of a course's extensions."""
    return Path(course.root, "extensions.json")


def read_extensions(course: CourseDirectory, assignment: str) -> Mapping[str, timedelta]:
    """Return an assignment's extensions by student. Raises ConfigError if the file is damaged."""
    return {student: timedelta(seconds=more) for student, more in _read(course).get(assignment, {}).items()}


def extend(gradebook: Gradebook, course: CourseDirectory, assignment: str, more: Mapping[str, timedelta]) -> None:
    """Set students' extensions; an extension of zero removes it.

    Raises MissingEntry if there is no such assignment, and ConfigError if the file of extensions is damaged.
    """
    stored = _read(course)
    own = stored.setdefault(assignment, {}) | {student: time.total_seconds() for student, time in more.items()}
    stored[assignment] = {student: seconds for student, seconds in own.items() if seconds}
    submissions = {one.student_id: one for one in gradebook.find_assignment(assignment).submissions}
    for student, time in more.items():
        if student in submissions:
            submissions[student].extension = time or None
    write_whole(extensions_file(course), orjson.dumps(stored, option=orjson.OPT_INDENT_2))
    gradebook.db.commit()


def _read(course: CourseDirectory) -> Seconds:
    file = extensions_file(course)
    if not is_file(file):
        return {}
    try:
        found = orjson.loads(file.read_bytes())
        return {name: {who: float(seconds) for who, seconds in own.items()} for name, own in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} is damaged: {error}. Fix it, or remove it and set all extensions again.") from error
