"""`zerolayer export ASSIGNMENT`: points and feedback as Canvas and Moodle import them."""

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import orjson
from nbgrader.api import Student
from traitlets import Bool, Unicode

from lib.grading.book.gradebook import open_gradebook
from lib.grading.book.lms import IDENTIFIER, SECTION, LmsFile, Person
from lib.grading.book.marks import Class, Total, above_maximum, format_points, read_marks
from lib.grading.book.penalties import renew_penalties
from lib.grading.commands.command import Command, named_assignment, options
from lib.grading.door.collection import Note, note_file, read_collected
from lib.grading.door.lms_names import Owner, Refused, Roster
from lib.grading.files import file_beside, is_file, write_whole
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.names import visible
from lib.grading.pages.exports import escape_formula
from lib.grading.pages.feedback import PageMaker, render
from lib.grading.pages.lms_feedback import canvas_files, moodle_files, notebook_of, pack
from lib.grading.progress import say

EXCUSED = "EX"
"""What Canvas writes for who need not do an assignment."""
MODIFIED = "Last modified (grade)"
"""By this Moodle leaves alone what was graded there since, and it takes no worksheet without it."""
Row = tuple[Person, list[str]]


class LmsExportApp(Command):
    """Fill an LMS' own file with points, and pack feedback for it."""

    in_course = True
    name = "zerolayer-export"
    argument = "ASSIGNMENT"
    description = """
        Write points and feedback as Canvas and Moodle import them.

        --into names Canvas' gradebook or Moodle's grading worksheet, as it was downloaded. FILE-filled.csv is written
        beside it: with the students who have points, and only the columns that the import needs.
    """
    examples = """
        zerolayer export UNIT --into canvas.csv
        zerolayer export UNIT --into worksheet.csv --feedback feedback.zip
    """
    into = Unicode("", help="Canvas' gradebook or Moodle's worksheet, to be filled.").tag(config=True)
    feedback = Unicode(
        "", help="Where to write a zip of feedback. For Canvas it has what is new since the last one."
    ).tag(config=True)
    column = Unicode("", help="The column in Canvas, by title or number, if it isn't called as here.").tag(config=True)
    all = Bool(False, help="Whether the zip for Canvas has all feedback, also what isn't new.").tag(config=True)
    aliases = {
        **options("assignment", "db"),
        **{name: f"LmsExportApp.{name}" for name in ("into", "feedback", "column")},
    }
    flags = {**Command.flags, "all": ({"LmsExportApp": {"all": True}}, "Write all feedback for Canvas, new or not.")}

    uses = (UnitPreprocessor,)

    def start(self) -> None:
        """Write the files; exits with 1, and writes nothing, where one of them can't be used."""
        super().start()
        self.coursedir.assignment_id = assignment = named_assignment(self)
        if not (self.into or self.feedback):
            self.fail(f"Say what to write: {self.typed} {assignment} --into FILE.csv --feedback OUT.zip")
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.told_in_a_sentence("exported"), open_gradebook(url, course) as gradebook:
            worth = float(gradebook.find_assignment(assignment).max_score)
            renew_penalties(gradebook, self)
            marks = read_marks(gradebook, assignment)
            students = {one.id: one for one in gradebook.students}
            self.notes = read_collected(self.coursedir, assignment).notes
            self._warn(marks)
            file = LmsFile.read(Path(self.into), "canvas", "worksheet") if self.into else None
            rows = self._rows(file, {id: students[id] for id in marks}) if file else {}
            if file:
                points = {id: Total.of(marks[id].values()).points for id in rows}
                self._fill(file, rows, points, worth)
            if self.feedback:
                numbers = {id: person.number for id, (person, _) in rows.items()}
                self._write_feedback(marks, numbers if file and file.kind == "worksheet" else {})

    def _warn(self, marks: Class) -> None:
        """Log what a person may want to look at before points go out."""
        for student, more in above_maximum(marks):
            self.log.warning("%s has %s. If that is a slip, correct it in formgrader.", visible(student), more)
        if waiting := sum(Total.of(own.values()).waiting > 0 for own in marks.values()):
            self.log.warning("%s submissions have written answers that wait to be marked: they count 0.", waiting)

    def _rows(self, file: LmsFile, students: Mapping[str, Student]) -> dict[str, Row]:
        """Find each student's row; who has none, or one with somebody else, is logged."""
        known = defaultdict[tuple[str, str], list[Row]](list)
        for person, row in file.people():
            for key in _keys_of(file, person, row):
                known[key].append((person, row))
        found = dict[str, Row]()
        for id, student in students.items():
            rows = {tuple(row[1]): row for key in _keys(student, self.notes.get(id)) for row in known.get(key, ())}
            if len(rows) == 1:
                [found[id]] = rows.values()
        owners = Counter(tuple(row) for _, row in found.values())
        found = {id: (person, row) for id, (person, row) in found.items() if owners[tuple(row)] == 1}
        if left := sorted(students.keys() - found.keys()):
            self.log.warning(
                f"{self.into} has no row of these students, or several, and not their points: {', '.join(left)}."
                " `zerolayer roster` gives the gradebook their numbers, logins and addresses. Whose anonymous work is,"
                " that file doesn't say: type those points in by hand."
            )
        return found

    def _fill(self, file: LmsFile, rows: Mapping[str, Row], points: Mapping[str, float], worth: float) -> None:
        """Write the file's needed columns, with the points of all who have any."""
        column, is_canvas = file.column(self.column or self.coursedir.assignment_id), file.kind == "canvas"
        columns = [at for at, head in enumerate(file.heads) if head in (IDENTIFIER, MODIFIED) or at == column]
        if is_canvas:  # it counts the columns up to this one
            columns = [*range(file.heads.index(SECTION) + 1), column]
        everybody = [row for _, row in file.people()]
        lines = [file.heads, *(row for row in file.rows if is_canvas and not file.cell(row, "ID"))]
        excused, above, scales = list[str](), list[str](), set[float]()
        for id, (_, row) in sorted(rows.items(), key=lambda item: everybody.index(item[1][1])):
            most = file.maximum(row, column)
            scale = most / worth if most and worth else 1
            scales |= {scale} - {1}
            value = points[id] * scale
            filled = [*row, *[""] * (column + 1 - len(row))]
            if is_canvas and filled[column].strip().upper() == EXCUSED:
                excused.append(id)
                continue
            if not is_canvas and most and value > most:
                above.append(id)
                value = most
            filled[column] = (format_points(value) if is_canvas else f"{value:.2f}").replace(".", file.decimal_sign)
            lines.append(filled)
        place = Path(self.into).with_name(f"{Path(self.into).stem}-filled.csv")
        with file_beside(place) as part, part.open("w", newline="", encoding=file.encoding) as target:
            writer = csv.writer(target, delimiter=file.delimiter)
            writer.writerows([escape_formula(line[at] if at < len(line) else "") for at in columns] for line in lines)
        if scales:
            self.log.warning("The LMS has other points for it than %g: they are scaled.", worth)
        if excused:
            self.log.warning("Excused in Canvas, and left so: %s.", ", ".join(excused))
        if above:
            self.log.warning("Moodle takes no more than its maximum, and that is written for: %s.", ", ".join(above))
        say(f"{place} has the points of {len(rows) - len(excused)} students, to be imported.")

    def _write_feedback(self, marks: Class, numbers: Mapping[str, str]) -> None:
        """Write a zip of what the LMS takes: for Moodle by `numbers` of participants, or as they were collected."""
        assignment, maker, files, without = self.coursedir.assignment_id, PageMaker(self), dict[str, bytes](), []
        sent_file = note_file(self.coursedir, assignment, "feedback.json")
        sent = orjson.loads(sent_file.read_bytes()) if is_file(sent_file) else {}
        for student, notebooks in marks.items():
            folder = Path(self.coursedir.format_path(self.coursedir.autograded_directory, student, assignment))
            graded = {name: file for name in notebooks if is_file(file := folder / f"{name}.ipynb")}
            pages = {name: maker.read(file, assignment, student, notebooks[name]) for name, file in graded.items()}
            html = {name: render(page, folder) for name, page in pages.items()}
            note = self.notes.get(student)
            if number := numbers.get(student) or (note.number if note and note.lms == "moodle" else ""):
                files |= moodle_files(number, html)
            elif note and html:
                own = canvas_files(note, {name: notebook_of(pages[name], html[name]) for name in html})
                digests = {name: blake2b(content, digest_size=16).hexdigest() for name, content in own.items()}
                files |= {name: own[name] for name in own if self.all or sent.get(name) != digests[name]}
                sent |= digests
            else:
                without.append(student)
        if without:
            self.log.warning("These came from no LMS, and have no feedback there: %s.", ", ".join(sorted(without)))
        if not files:
            say("No feedback is new. With --all the zip has all of it.")
            return
        write_whole(Path(self.feedback), pack(files))
        write_whole(sent_file, orjson.dumps(sent))
        say(f"{self.feedback} has feedback in {len(files)} files, to be uploaded.")


def _keys_of(file: LmsFile, person: Person, row: list[str]) -> set[tuple[str, str]]:
    """Return by what a row's student may be known; of Moodle's rows also the ids that a download gives."""
    keys = {(file.kind, person.number), ("own", person.own_number)}
    keys |= {("login", person.login.casefold()), ("email", person.email.casefold())}
    if file.kind == "worksheet":
        for name in (file.cell(row, "Full name"), file.cell(row, IDENTIFIER).removesuffix(person.number).strip()):
            with suppress(Refused):
                keys.add(("login", Roster((), {}).id_of(Owner("moodle", name, person.number)).casefold()))
    return {(kind, value) for kind, value in keys if value}


def _keys(student: Student, note: Note | None) -> set[tuple[str, str]]:
    """Return by what a student may be known."""
    id, own, hidden = student.id.casefold(), student.lms_user_id or "", student.id.removeprefix("anon_")
    keys = {("login", id), ("email", id), ("email", (student.email or "").casefold()), ("own", own)}
    # Of digits alone what is hidden could be somebody else's number.
    keys |= {("canvas", own), ("canvas", "" if hidden.isdigit() or hidden == student.id else hidden)}
    if note:
        keys.add(({"moodle": "worksheet"}.get(note.lms, note.lms), note.number))
    return {(kind, value) for kind, value in keys if value}
