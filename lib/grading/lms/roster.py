"""`zerolayer roster FILE`: add the students in Canvas' gradebook or Moodle's participants to nbgrader's gradebook."""

from pathlib import Path

from nbgrader.api import Gradebook, Student

from lib.grading.commands.command import Command, options
from lib.grading.errors import ConfigError
from lib.grading.gradebook.database import open_gradebook
from lib.grading.lms.names import name_in_canvas
from lib.grading.lms.students import Students
from lib.grading.lms.table import Person, Table
from lib.grading.progress import say
from lib.grading.safe_names import InvalidId, parse_id, visible


class RosterApp(Command):
    """Fill nbgrader's table of students from a Canvas or Moodle file."""

    in_course = True
    name = "zerolayer-roster"
    argument = "FILE"
    description = """
        Read the list of students. Canvas: Grades, Export, Export Entire Gradebook. Moodle: Participants, Select all,
        Download table data as CSV.

        Students in the gradebook or in a download keep their id; for others it is the login or the email address.
        The command removes no one.
    """
    examples = "zerolayer roster canvas.csv"
    aliases = options("db")

    def start(self) -> None:
        """Read the file. Exits with 1, and changes nothing, if it can't be used."""
        super().start()
        if len(self.extra_args) != 1:
            self.fail(f"Name the file that Canvas or Moodle exported, for example: {self.command_name} canvas.csv")
        with (
            self.exit_on_failure("given a roster"),
            open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook,
        ):
            read_roster(
                gradebook,
                Students(gradebook, self.coursedir),
                Table.read(Path(self.extra_args[0]), "canvas", "participants"),
            )


def read_roster(gradebook: Gradebook, students: Students, table: Table) -> None:
    """Add the people in a table to the gradebook. Raises ConfigError, and changes nothing, if two have the same id."""
    found = dict[str, Person]()
    for person, _, known_id in students.of_rows(table):
        ids = known_id, person.login, person.email
        id = next((id for id in ids if id and not isinstance(parse_id(id), InvalidId)), "")
        id = id or students.id_of("canvas", person.number, name_in_canvas(person.last_name + person.first_name))
        if id in found:
            both = " and ".join(f"{one.last_name} ({one.number or one.email})" for one in (found[id], person))
            raise ConfigError(f"Both {both} would have the id {id}. Nothing was changed.")
        found[id] = person
    known = {one.id: one for one in gradebook.students}
    for id, person in found.items():
        one = known.get(id) or Student(id=id)
        one.last_name, one.first_name = person.last_name, person.first_name
        one.email = person.email or one.email
        one.lms_user_id = person.number or person.own_number or one.lms_user_id
        gradebook.db.add(one)
    gradebook.db.commit()
    say(f"The roster has the {len(found)} students in {table.name}, {len(found.keys() - known.keys())} of them new.")
    if others := sorted(known.keys() - found.keys()):
        say(visible(f"Also in the gradebook, but not in that file: {', '.join(others)}."))
