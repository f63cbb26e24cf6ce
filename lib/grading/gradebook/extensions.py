"""Extensions: more time for a student, by nbgrader's own field of a submission.

Before somebody has handed in there is no submission. So extensions are kept in the course's folder, too, and a
submission gets its own when it comes, unless it has one.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import orjson
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from lib.grading.errors import ConfigError
from lib.grading.files import is_file, write_whole

Kept = dict[str, dict[str, float]]
"""Seconds, by assignment and student."""


def extensions_file(course: CourseDirectory) -> Path:
    """Say where extensions are kept."""
    return Path(course.root, "extensions.json")


def read_extensions(course: CourseDirectory, assignment: str) -> Mapping[str, timedelta]:
    """Read who has more time for an assignment. Raises ConfigError where the file is damaged."""
    return {student: timedelta(seconds=more) for student, more in _read(course).get(assignment, {}).items()}


def extend(gradebook: Gradebook, course: CourseDirectory, assignment: str, more: Mapping[str, timedelta]) -> None:
    """Give students more time, in place of what they had; no time takes it away.

    Raises MissingEntry for no such assignment, and ConfigError where what is kept can't be read.
    """
    kept = _read(course)
    own = kept.setdefault(assignment, {}) | {student: time.total_seconds() for student, time in more.items()}
    kept[assignment] = {student: seconds for student, seconds in own.items() if seconds}
    submissions = {one.student_id: one for one in gradebook.find_assignment(assignment).submissions}
    for student, time in more.items():
        if student in submissions:
            submissions[student].extension = time or None
    write_whole(extensions_file(course), orjson.dumps(kept, option=orjson.OPT_INDENT_2))
    gradebook.db.commit()


def _read(course: CourseDirectory) -> Kept:
    file = extensions_file(course)
    if not is_file(file):
        return {}
    try:
        found = orjson.loads(file.read_bytes())
        return {name: {who: float(seconds) for who, seconds in own.items()} for name, own in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} is damaged: {error}. Mend it, or remove it and give all extensions anew.") from error
