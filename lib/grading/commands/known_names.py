"""Names that a command was given: of an assignment and of students. One that nobody knows ends it with a sentence."""

from fnmatch import fnmatchcase

from lib.grading.commands.command import Command, in_source
from lib.grading.gradebook.session import label, open_gradebook
from lib.grading.names import InvalidId, unknown
from lib.grading.submissions.collection import read_collection
from lib.grading.submissions.submitted_files import find_submitted


def check_assignment(app: Command, name: str) -> str:
    """Return the name of an assignment that the course or its gradebook has; else exits with 1."""
    if name not in (known := in_source(app)):
        with app.told_in_a_sentence("read"), open_gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
            known += [one.name for one in gradebook.assignments]
    if name not in known:
        app.fail("%s", unknown("assignment", name, {*known}))
    return name


def check_student(app: Command, asked: str) -> None:
    """Exit with 1 where an id, or a pattern of ids, is no student's of the assignment: see `known_students`."""
    if asked not in ("", "*"):
        known = known_students(app)
        if not any(asked == id or fnmatchcase(id, asked) for id in known):
            app.fail("%s", unknown("student", asked, known.values()))


def known_students(app: Command) -> dict[str, str]:
    """Return who is in the gradebook or has submitted something: by id, the id with the person's name."""
    course, assignment = app.coursedir, app.coursedir.assignment_id
    found = [id.name if isinstance(id, InvalidId) else id for id, _ in find_submitted(course, assignment)]
    left = [each.student or each.file for each in read_collection(course, assignment).left_out]
    with app.told_in_a_sentence("read"), open_gradebook(course.db_url, course.course_id) as gradebook:
        return {**{id: id for id in (*found, *left)}, **{one.id: label(one) for one in gradebook.students}}
