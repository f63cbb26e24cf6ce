"""Who is who: the gradebook's students by all that Canvas and Moodle call them.

Canvas has one number for a student. Moodle has a new one in each assignment, so there a name counts, too, if only one
student has it; its grading worksheet has the number of each.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from lib.grading.files import put_in_place, remove
from lib.grading.lms.names import RENAME, UNNAMED, RefusedError, name_in_canvas, name_in_moodle
from lib.grading.lms.table import Person, Table
from lib.grading.safe_names import InvalidId, StudentId, parse_id
from lib.grading.submissions.collection_records import read_collection
from lib.grading.submissions.submitted_files import step_folder


class Students:
    """The students of a course: their `names` by id, and their ids by numbers, logins, addresses and names."""

    def __init__(self, gradebook: Gradebook, course: CourseDirectory, assignment: str = ""):
        """Read the gradebook, and the notes of earlier downloads: Moodle's numbers are those of `assignment`."""
        self.names, self._ids, alike = dict[str, str](), dict[tuple[str, str], str](), defaultdict[str, set[str]](set)
        for other in gradebook.assignments:
            for id, note in read_collection(course, other.name).notes.items():
                if note.lms == "canvas" or other.name == assignment:
                    self._ids[note.lms, note.number] = id
                if note.lms == "moodle":
                    alike[name_in_moodle(note.name)].add(id)
        for one in gradebook.students:
            first, last = one.first_name or "", one.last_name or ""
            self.names[one.id] = ", ".join(filter(None, (last, first)))
            alike[name_in_moodle(f"{first} {last}")].add(one.id)
            known = ("id", one.id), ("id", one.email), ("id", one.lms_user_id), ("canvas", one.lms_user_id)
            self._ids |= {(kind, value.casefold()): one.id for kind, value in known if value}
        self._by_name = {name: ids.pop() for name, ids in alike.items() if name and len(ids) == 1}

    def find(self, lms: str, number: str, name: str = "", *others: str) -> str:
        """Return the id of a student with this number, login, address or, in Moodle, name; "" if it isn't certain."""
        keys = [(lms, number), *(("id", other.casefold()) for other in others)]
        found = next((self._ids[key] for key in keys if key[1] and key in self._ids), "")
        return found or (self._by_name.get(name_in_moodle(name), "") if lms == "moodle" else "")

    def of_rows(self, table: Table) -> Iterator[tuple[Person, list[str], str]]:
        """Yield each person in a table with their row and their id, "" if it isn't certain."""
        people = [*table.people()]
        names = Counter(name_in_moodle(person.name) for person, _ in people)
        lms = "canvas" if table.kind == "canvas" else "moodle"
        for person, row in people:
            name = person.name if names[name_in_moodle(person.name)] == 1 else ""
            yield person, row, self.find(lms, person.number, name, person.login, person.email, person.own_number)

    def note_numbers(self, worksheet: Table) -> Iterator[tuple[str, str]]:
        """Match the numbers in Moodle by login and address; yield each old id that changes, and the new one."""
        for person, _ in worksheet.people():
            id = self.find("", "", "", person.login, person.email, person.own_number)
            before = self._ids.get(("moodle", person.number), id)
            if id:
                self._ids["moodle", person.number] = id
            if id and before != id:
                yield before, id

    def id_of(self, lms: str, number: str, name: str) -> StudentId:
        """Return the known id, or else one made of the LMS' name and number. Raises RefusedError if it isn't valid."""
        made = re.sub(r"[^\w-]+", "_", UNNAMED.sub("", name) or "student").strip("_")
        id = parse_id(self.find(lms, number, name) or "_".join(filter(None, (made, number))))
        if isinstance(id, InvalidId):
            raise RefusedError(f"has a name that can't be used as a student's id: {id.problem}. {RENAME}")
        return id

    def is_group(self, name: str, student: str) -> bool:
        """True if Canvas' name in a file isn't that of the student on the roster: then it is a group's."""
        return self.names.get(student, "") != "" and name_in_canvas(self.names[student]) != name.lower()


def rename(gradebook: Gradebook, course: CourseDirectory, assignment: str, old: str, new: str) -> None:
    """Move a submission, with the marks of a person, to another id that has none. `grade` grades it again there."""
    place, target = (step_folder(course, "submitted", id, assignment) for id in (old, new))
    if place.is_dir() and not target.exists():
        put_in_place(place, target)
    for step in ("submitted", "autograded", "feedback"):
        remove(step_folder(course, step, old, assignment))
    student = gradebook.update_or_create_student(new)
    submissions = {one.student_id: one for one in gradebook.assignment_submissions(assignment)}
    if old in submissions and new not in submissions:
        submissions[old].student = student
        gradebook.db.commit()
    elif old in submissions:
        gradebook.remove_submission(assignment, old)
    with suppress(MissingEntry):
        if not gradebook.student_submissions(old):
            gradebook.remove_student(old)
