"""`zerolayer roster FILE`: add the students in Canvas' gradebook or Moodle's participants to nbgrader's gradebook."""

from collections import Counter, defaultdict
from pathlib import Path

from nbgrader.api import Gradebook, Student

from lib.grading.commands.command import Command, options
from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.lms_files import LmsFile, Person
from lib.grading.progress import say
from lib.grading.safe_names import InvalidId, parse_id, visible
from lib.grading.submissions.collection import known_numbers, read_collection, read_former_students
from lib.grading.submissions.lms_names import Owner, RefusedError, Roster, name_in_canvas, name_in_moodle


class RosterApp(Command):
    """Fill nbgrader's table of students from a Canvas or Moodle file."""

    in_course = True
    name = "zerolayer-roster"
    argument = "FILE"
    description = """
        Read the list of students. Canvas: Grades, Export, Export Entire Gradebook. Moodle: Participants, Select all,
        Download table data as CSV.

        Students in the gradebook or in a download keep their id; for others it is the login or the email address.
        The command removes no one, and doesn't add students in `left.txt`.
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
            known = {one.id: one for one in gradebook.students}
            ids = self._people_by_id(gradebook, LmsFile.read(Path(self.extra_args[0]), "canvas", "participants"))
            for id, person in ids.items():
                one = known.get(id) or Student(id=id)
                one.last_name, one.first_name = person.last_name, person.first_name
                one.email = person.email or one.email
                one.lms_user_id = person.number or person.own_number or one.lms_user_id
                gradebook.db.add(one)
            gradebook.db.commit()
        new = len(ids.keys() - known.keys())
        say(f"The roster has the {len(ids)} students in {self.extra_args[0]}, {new} of them new.")
        if others := sorted(known.keys() - ids.keys()):
            say(visible(f"Also in the gradebook, but not in that file: {', '.join(others)}."))

    def _people_by_id(self, gradebook: Gradebook, file: LmsFile) -> dict[str, Person]:
        """Exits with 1 if two people would have the same id."""
        students, found, alike = gradebook.students, dict[str, Person](), defaultdict[str, set[str]](set)
        collected = {one.name: read_collection(self.coursedir, one.name) for one in gradebook.assignments}
        for id, note in (item for each in collected.values() for item in each.notes.items() if item[1].lms == "moodle"):
            alike[name_in_moodle(note.name)].add(id)
        left = read_former_students(self.coursedir, [one.id for one in students], collected)
        roster = Roster(students, known_numbers(collected))
        known = {key.casefold(): one.id for one in students for key in (one.id, one.email, one.lms_user_id) if key}
        people = [person for person, _ in file.people()]
        names = Counter(name_in_moodle(f"{person.first_name} {person.last_name}") for person in people)
        for person in people:  # by the id in the gradebook or a download, else the login or the email address
            name, last_first = f"{person.first_name} {person.last_name}", person.last_name + person.first_name
            if file.kind == "canvas":
                owner = Owner("canvas", name_in_canvas(last_first), person.number)
                ids = [roster.known(owner), person.login]
            else:
                owner, here = Owner("moodle", name, ""), alike[name_in_moodle(name)]
                ids = [known.get(key.casefold(), "") for key in (person.email, person.own_number, person.login)]
                ids += [*(here if len(here) == names[name_in_moodle(name)] == 1 else ()), person.login, person.email]
            try:
                id = next((id for id in ids if id and not isinstance(parse_id(id), InvalidId)), "") or roster.id_of(
                    owner
                )
            except RefusedError as refused:
                self.fail("%s", f"{name} {refused} Nothing was changed.")
            if id in found:
                both = " and ".join(f"{one.last_name} ({one.number or one.email})" for one in (found[id], person))
                self.fail("%s", f"Both {both} would have the id {id}. Nothing was changed.")
            found[id] = person
        return {id: person for id, person in found.items() if id not in left}
