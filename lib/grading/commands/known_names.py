"""Checks of the assignment and the students that a command names: an unknown name ends it with a message."""

from fnmatch import fnmatchcase

from lib.grading.commands.command import Command, in_source
from lib.grading.gradebook.session import label, open_gradebook
from lib.grading.safe_names import InvalidId, unknown
from lib.grading.submissions.collection import read_collection
from lib.grading.submissions.submitted_files import find_submitted


def check_assignment(app: Command, name: str) -> str:
    """Return `name` if the course or its gradebook has such an assignment. Exits with 1 otherwise."""
    if name not in (known := in_source(app)):
        with app.exit_on_failure("read"), open_gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
            known += [one.name for one in gradebook.assignments]
    if name not in known:
        app.fail("%s", unknown("assignment", name, {*known}))
    return name


def check_student(app: Command, asked: str) -> None:
    """Exit with 1 if an id, or a pattern of ids, matches none of the `known_students`."""
    if asked not in ("", "*"):
        known = known_students(app)
        if not any(asked == id or fnmatchcase(id, asked) for id in known):
            app.fail("%s", unknown("student", asked, known.values()))


def known_students(app: Command) -> dict[str, str]:
    """Return the students in the gradebook or with a submission: by id, the id with the person's name."""
    course, assignment = app.coursedir, app.coursedir.assignment_id
    found = [id.name if isinstance(id, InvalidId) else id for id, _ in find_submitted(course, assignment)]
    left = [each.student or each.file for each in read_collection(course, assignment).left_out]
    with app.exit_on_failure("read"), open_gradebook(course.db_url, course.course_id) as gradebook:
        return {**{id: id for id in (*found, *left)}, **{one.id: label(one) for one in gradebook.students}}
