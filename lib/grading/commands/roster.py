"""`zerolayer roster FILE`: the gradebook's students are those of Canvas' gradebook, or of Moodle's participants."""

from collections import Counter, defaultdict
from pathlib import Path

from nbgrader.api import Gradebook, Student

from lib.grading.commands.command import Command, options
from lib.grading.gradebook.lms_files import LmsFile, Person
from lib.grading.gradebook.session import open_gradebook
from lib.grading.names import InvalidId, parse_id, visible
from lib.grading.progress import say
from lib.grading.submissions.collection import known_numbers, read_collection, read_former_students
from lib.grading.submissions.lms_names import Owner, RefusedError, Roster, name_in_canvas, name_in_moodle


class RosterApp(Command):
    """Fill nbgrader's table of students from a file of Canvas or Moodle."""

    in_course = True
    name = "zerolayer-roster"
    argument = "FILE"
    description = """
        Read who is in the course. Canvas: Grades, Export, Export Entire Gradebook. Moodle: Participants, Select all,
        Download table data as CSV.

        A student's id is the one that a download gave this person; for all others it is the login, or the address.
        Nobody is removed, and who is in `left.txt` isn't added.
    """
    examples = "zerolayer roster canvas.csv"
    aliases = options("db")

    def start(self) -> None:
        """Read the file; exits with 1, and changes nothing, where it can't be used."""
        super().start()
        if len(self.extra_args) != 1:
            self.fail(f"Name the file that Canvas or Moodle exported, for example: {self.typed} canvas.csv")
        with (
            self.told_in_a_sentence("given a roster"),
            open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook,
        ):
            known = {one.id: one for one in gradebook.students}
            ids = self._ids(gradebook, LmsFile.read(Path(self.extra_args[0]), "canvas", "participants"))
            for id, person in ids.items():
                one = known.get(id) or Student(id=id)
                one.last_name, one.first_name = person.last_name, person.first_name
                one.email = person.email or one.email
                one.lms_user_id = person.number or person.own_number or one.lms_user_id
                gradebook.db.add(one)
            gradebook.db.commit()
        new = len(ids.keys() - known.keys())
        say(f"The roster has the {len(ids)} students of {self.extra_args[0]}; new: {new}.")
        if others := sorted(known.keys() - ids.keys()):
            say(visible(f"The gradebook also has {', '.join(others)}, who are not in that file."))

    def _ids(self, gradebook: Gradebook, file: LmsFile) -> dict[str, Person]:
        """Return everybody by id: what the gradebook or a download has, else the login or the address, else as a
        download's. Exits with 1 where two would have the same."""
        students, found, alike = gradebook.students, dict[str, Person](), defaultdict[str, set[str]](set)
        collected = {one.name: read_collection(self.coursedir, one.name) for one in gradebook.assignments}
        for id, note in (item for each in collected.values() for item in each.notes.items() if item[1].lms == "moodle"):
            alike[name_in_moodle(note.name)].add(id)
        left = read_former_students(self.coursedir, [one.id for one in students], collected)
        roster = Roster(students, known_numbers(collected))
        known = {key.casefold(): one.id for one in students for key in (one.id, one.email, one.lms_user_id) if key}
        people = [person for person, _ in file.people()]
        names = Counter(name_in_moodle(f"{person.first_name} {person.last_name}") for person in people)
        for person in people:
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
