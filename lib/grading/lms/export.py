"""`zerolayer export ASSIGNMENT`: write points as a table, or points and feedback as Canvas and Moodle import them."""

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from nbgrader.plugins import CsvExportPlugin
from traitlets import Unicode

from lib.grading.commands.command import Command, check_assignment, named_assignment, options
from lib.grading.files import is_file, temporary_sibling_file
from lib.grading.gradebook.database import label, open_gradebook
from lib.grading.gradebook.lateness import renew_penalties
from lib.grading.gradebook.marks import Class, Total, above_maximum, format_points, read_marks
from lib.grading.lms.names import name_for_upload
from lib.grading.lms.students import Students
from lib.grading.lms.table import IDENTIFIER, SECTION, Table
from lib.grading.pages.feedback_maker import read_page, render, render_notebook
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.grading.safe_names import escape_formula, visible
from lib.grading.submissions.collection_records import read_collection
from lib.grading.submissions.submitted_files import step_folder

EXCUSED = "EX"
"""What Canvas writes in place of points for students who are excused."""
MODIFIED = "Last modified (grade)"
"""The column of Moodle's worksheet that protects newer grades in Moodle. The import requires it."""
MANY = 20
"""From this number on, students are counted and not named."""


class LmsExportApp(Command):
    """Write nbgrader's table of points; or fill a file from an LMS with points, and pack feedback for upload."""

    in_course = True
    name = "zerolayer-export"
    argument = "ASSIGNMENT"
    description = """
        Write points and feedback, also in the formats that Canvas and Moodle import.

        Without options the command writes grades.csv, with the columns of `nbgrader export`.

        --into names Canvas' gradebook or Moodle's grading worksheet, as it was downloaded. The command writes
        FILE-filled.csv next to it, with the students who have points and only the columns that the import needs.
    """
    examples = """
        zerolayer export UNIT
        zerolayer export UNIT --into canvas.csv
        zerolayer export UNIT --into worksheet.csv --feedback feedback.zip
    """
    into = Unicode("", help="Canvas' gradebook or Moodle's worksheet, to be filled.").tag(config=True)
    feedback = Unicode("", help="The zip of feedback to write.").tag(config=True)
    column = Unicode("", help="The column in Canvas, by title or number, if its name differs.").tag(config=True)
    aliases = {
        **options("assignment", "db"),
        **{name: f"LmsExportApp.{name}" for name in ("into", "feedback", "column")},
    }

    uses = (UnitPreprocessor,)

    def start(self) -> None:
        """Write the files. Exits with 1, and writes nothing, if one of them can't be used."""
        super().start()
        self.coursedir.assignment_id = assignment = check_assignment(self, named_assignment(self))
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.exit_on_failure("exported"), open_gradebook(url, course) as gradebook:
            worth = float(gradebook.find_assignment(assignment).max_score)
            renew_penalties(gradebook, self)
            marks = read_marks(gradebook, assignment)
            if not marks:
                self.fail(f"No submission of {assignment} is graded. Run `zerolayer grade {assignment}` first.")
            if not (self.into or self.feedback):
                grades = Path(self.coursedir.root, "grades.csv")
                CsvExportPlugin(parent=self, assignment=[assignment], to=str(grades)).export(gradebook)
                say(f"{grades} has the points of each student. Canvas and Moodle need --into and --feedback.")
                return
            self.names = {one.id: label(one) for one in gradebook.students}
            self.notes = read_collection(self.coursedir, assignment).notes
            table = Table.read(Path(self.into), "canvas", "worksheet") if self.into else None
            rows = self._rows(table, Students(gradebook, self.coursedir, assignment), marks) if table else {}
            totals = {student: Total.of(own.values()) for student, own in marks.items()}
            for student, more in above_maximum(marks):
                self.log.warning("%s has %s. If that is a mistake, correct it in formgrader.", visible(student), more)
            if waiting := [student for student, total in totals.items() if total.waiting]:
                self.log.warning("Unmarked written answers count as 0: %s.", self._listed(waiting))
            if table:
                self._fill(table, rows, {student: total.points for student, total in totals.items()}, worth)
            if self.feedback:
                people = [person for person, _ in table.people()] if table and table.kind == "worksheet" else []
                self._write_feedback(marks, {id: people[at].number for at, id in rows.items() if people})

    def _rows(self, table: Table, students: Students, marks: Class) -> dict[int, str]:
        """Return the student of each row who has points. Students without exactly one row are logged."""
        rows = {at: id for at, (_, _, id) in enumerate(students.of_rows(table)) if id in marks}
        times = Counter(rows.values())
        rows = {at: id for at, id in rows.items() if times[id] == 1}
        left = sorted(marks.keys() - rows.values())
        anonymous = [id for id in left if id in self.notes and self.notes[id].lms == "anonymous"]
        if anonymous:
            self.log.warning(
                f"Canvas hides whose work this is: {self._listed(anonymous)}. Post the grades there, or switch"
                " anonymous grading off, and collect a new download: the files' numbers show which student each"
                " submission belongs to."
            )
        if others := [id for id in left if id not in anonymous]:
            advice = "`zerolayer roster` adds their numbers and logins to the gradebook, from this file."
            if table.kind == "worksheet":
                advice = "Collect the download again with this file, which has the students' numbers."
            self.log.warning(f"{self.into} has no row, or several, for {self._listed(others)}. {advice}")
        return rows

    def _fill(self, table: Table, rows: Mapping[int, str], points: Mapping[str, float], worth: float) -> None:
        column, is_canvas = table.column(self.column or self.coursedir.assignment_id), table.kind == "canvas"
        columns = [at for at, head in enumerate(table.heads) if head in (IDENTIFIER, MODIFIED) or at == column]
        if is_canvas:  # its import finds the section by position
            columns = [*range(table.heads.index(SECTION) + 1), column]
        lines = [table.heads, *(row for row in table.rows if is_canvas and not table.cell(row, "ID"))]
        notes, filled = defaultdict[str, list[str]](list), 0
        for at, (_, row) in enumerate(table.people()):
            if (student := rows.get(at)) is None:
                continue
            most, line = table.maximum(row, column) or worth, [*row, *[""] * (column + 1 - len(row))]
            value = points[student] * (most / worth if worth else 1)
            if is_canvas and line[column].strip().upper() == EXCUSED:
                notes["Excused in Canvas, and left unchanged"].append(student)
                continue
            if most != worth:
                notes[f"Points scaled, since the LMS's maximum is not {worth:g}"].append(student)
            if value > most and not is_canvas:
                notes["Points reduced to Moodle's maximum, since it accepts no more"].append(student)
                value = most
            line[column] = (format_points(value) if is_canvas else f"{value:.2f}").replace(".", table.decimal_sign)
            lines.append(line)
            filled += 1
        place = Path(self.into).with_name(f"{Path(self.into).stem}-filled.csv")
        with temporary_sibling_file(place) as part, part.open("w", newline="", encoding=table.encoding) as target:
            writer = csv.writer(target, delimiter=table.delimiter)
            writer.writerows([escape_formula(line[at] if at < len(line) else "") for at in columns] for line in lines)
        for note, about in notes.items():
            self.log.warning("%s: %s.", note, self._listed(about))
        say(f"{place} is ready to import. Cells filled: {filled}; graded students without one: {len(points) - filled}.")

    def _write_feedback(self, marks: Class, numbers: Mapping[str, str]) -> None:
        """Write a zip of feedback for the LMS: for Moodle by the participants' `numbers`, or those of the downloads."""
        assignment, files = self.coursedir.assignment_id, dict[str, bytes]()
        without = defaultdict[str, list[str]](list)
        for student, notebooks in marks.items():
            folder = step_folder(self.coursedir, "autograded", student, assignment)
            pages = {
                name: read_page(file, assignment, student, own, self.log)
                for name, own in notebooks.items()
                if is_file(file := folder / f"{name}.ipynb")
            }
            note = self.notes.get(student)
            number = numbers.get(student) or (note.number if note and note.lms == "moodle" else "")
            if number and pages:
                about = f"Participant_{number}_assignfeedback_file"
                files |= {f"{about}_{name}.html": render(page, folder).encode() for name, page in pages.items()}
            elif note and pages:
                files |= {name_for_upload(note, name): render_notebook(page) for name, page in pages.items()}
            else:
                why = "their work was not collected from an LMS" if pages else "`zerolayer grade` has not graded them"
                without[why].append(student)
        for why, students in without.items():
            self.log.warning("No feedback, since %s: %s.", why, self._listed(sorted(students)))
        with temporary_sibling_file(Path(self.feedback)) as part, ZipFile(part, "w", ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        say(f"{self.feedback} is ready to upload, with {len(files)} files.")

    def _listed(self, students: list[str]) -> str:
        named = ", ".join(self.names.get(student, student) for student in students)
        return visible(named if len(students) < MANY else f"{len(students)} students")
