"""nbgrader's gradebook: opened, and queried for what several commands need."""

from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, InvalidEntry, Notebook, SourceCell, Student, SubmittedAssignment
from sqlalchemy import make_url, or_, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError


def open_gradebook(db_url: str, course_id: str = "default_course") -> Gradebook:
    """Open nbgrader's gradebook, which creates its tables and the course's row if necessary.

    nbgrader's own steps use the default as the course's name, whatever its real name is.
    """
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        with suppress(OSError):  # SQLite's own message is better
            Path(url.database).touch()  # SQLite would create the file without the group's permissions in the umask
    for _ in range(2):  # another program may be creating the tables, and then the row, at the same time
        with suppress(IntegrityError, ProgrammingError, OperationalError, InvalidEntry):
            return Gradebook(db_url, course_id)
    return Gradebook(db_url, course_id)


def has_roster(gradebook: Gradebook) -> bool:
    """True if the gradebook has a roster, without which no student can be missing.

    Grading itself adds students only by id and with a submission.
    """
    about = (Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    by_hand = or_(*(column.is_not(None) for column in about), Student.id.not_in(select(SubmittedAssignment.student_id)))
    return gradebook.db.execute(select(Student.id).where(by_hand).limit(1)).first() is not None


def label(student: Student) -> str:
    """Return a student's id, with the name if known."""
    name = ", ".join(filter(None, (student.last_name, student.first_name)))
    return f"{student.id} ({name})" if name else student.id


def cells_of_all(gradebook: Gradebook) -> dict[str, set[str]]:
    """Return the names of each assignment's cells."""
    rows = select(Assignment.name, SourceCell.name).join_from(SourceCell, Notebook).join(Assignment)
    found = defaultdict[str, set[str]](set)
    for assignment, cell in gradebook.db.execute(rows):
        found[assignment].add(cell)
    return found
