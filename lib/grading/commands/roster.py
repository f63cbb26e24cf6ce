"""`zerolayer roster canvas.csv`: the roster has the students of Canvas' gradebook, with Canvas' own numbers."""

from pathlib import Path

from nbgrader.api import Gradebook, Student

from lib.grading.book.canvas import CanvasFile, Enrolled
from lib.grading.book.gradebook import open_gradebook
from lib.grading.commands.command import Command, options
from lib.grading.door.downloads import LmsNames, numbers_in_canvas
from lib.grading.names import NoId, parse_id, visible
from lib.grading.progress import say


class RosterApp(Command):
    """Fill nbgrader's table of students from the file that Canvas exports."""

    in_course = True
    name = "zerolayer-roster"
    argument = "FILE"
    description = """
        Read who is in the course from Canvas: Grades, Export, Export Entire Gradebook.

        A student's id is the one that a download gave this person; for all others it is the login. Nobody is removed.
    """
    examples = "zerolayer roster canvas.csv"
    aliases = options("db")

    def start(self) -> None:
        """Read the file; exits with 1, and changes nothing, where it can't be used."""
        super().start()
        if len(self.extra_args) != 1:
            self.fail(f"Name the file that Canvas exported, for example: {self.typed} canvas.csv")
        with (
            self.told_in_a_sentence("given a roster"),
            open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook,
        ):
            students = [student for student, _ in CanvasFile.read(Path(self.extra_args[0])).students()]
            ids = self._ids(gradebook, students)
            known = {one.id: one for one in gradebook.students}
            for id, student in ids.items():
                one = known.get(id) or Student(id=id)
                one.last_name, one.first_name = student.last_name, student.first_name
                one.lms_user_id = student.number
                gradebook.db.add(one)
            gradebook.db.commit()
        new = len(ids.keys() - known.keys())
        say(f"The roster has the {len(ids)} students of {self.extra_args[0]}; new: {new}.")
        if others := sorted(known.keys() - ids.keys()):
            say(visible(f"The gradebook also has {', '.join(others)}, who are not in that file."))

    def _ids(self, gradebook: Gradebook, students: list[Enrolled]) -> dict[str, Enrolled]:
        """Give everybody's id: what the roster or a download has for the number, else the login, else as a download's.

        Exits with 1 where two would have the same.
        """
        numbers = numbers_in_canvas(self.coursedir, (one.name for one in gradebook.assignments), self.config)
        known = {number: id for id, number in numbers.items()}
        known |= {one.lms_user_id: one.id for one in gradebook.students if one.lms_user_id}
        names, found = LmsNames(parent=self), dict[str, Enrolled]()
        for student in students:
            id = known.get(student.number) or parse_id(student.login)
            if isinstance(id, NoId):
                id = names.id_in("canvas", student.last_name + student.first_name, student.number)
            if not id:
                self.fail("%s", f"No id can be made for {student.last_name} ({student.number}). Nothing was changed.")
            if id in found:
                both = f"{found[id].last_name} ({found[id].number}) and {student.last_name} ({student.number})"
                self.fail("%s", f"Both {both} would have the id {id}. Nothing was changed.")
            found[id] = student
        return found
