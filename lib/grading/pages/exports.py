"""Grades as a learning management system imports them: what `nbgrader export` writes, for Canvas and Moodle.

A score is nbgrader's: points and extra credit, less the penalty for being late. Only who handed something in has one:
nothing is said of the others, so nothing of theirs is changed. Students are told apart by nbgrader's own table: `id` is
taken for the login, and `email` and `lms_user_id` are what `nbgrader db student add` was given.
"""

import csv
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile

from nbgrader.api import Assignment, Gradebook, Student
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from sqlalchemy import select
from traitlets import Dict, Unicode

from lib.grading.book.canvas import CanvasFile
from lib.grading.book.marks import Total, above_maximum, format_points, read_marks
from lib.grading.book.penalties import renew_penalties
from lib.grading.door.downloads import LmsNames, numbers_in_canvas
from lib.grading.errors import ConfigError
from lib.grading.files import file_beside, is_file
from lib.grading.machine_faults import sentence

NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?(e[-+]?[0-9]+)?|-", re.ASCII | re.IGNORECASE)
"""What may begin with a sign and is no formula; a lone `-` is how Moodle says that there is nothing."""
OTHER_CELL = re.compile(r"(?<=\S)[;\t](?=[\s\"'`]*[=+\-@＝＋－＠])")
"""Where a spreadsheet that divides cells by semicolons or tabs would begin another one, with a formula in it."""
IDENTIFIER = re.compile(r"(?P<word>.*?)\s*(?P<number>[0-9]+)", re.ASCII | re.DOTALL)
"""How Moodle names an assignment's participant, such as `Participant 12345`."""
EXCUSED = "EX"
"""What Canvas writes for who need not do an assignment."""
Asked = TypeVar("Asked", Assignment, Student)
Table = dict[Student, dict[str, float]]
"""Each student's points, by assignment."""
Row = dict[str, str]
"""A row of a worksheet, by the columns' heads."""


def escape_formula(cell: object) -> str:
    """Write a cell so that a spreadsheet shows it and doesn't compute it: what reads as a formula gets an apostrophe.

    Names, addresses and titles are written by others. Spreadsheets skip blanks, quotes and letters that don't show in
    front of a formula, and take the wide signs of East Asian keyboards for the narrow ones. Where a semicolon or a tab
    divides cells, a formula may stand behind one. No id of Canvas or Moodle begins so, and numbers stay as they are.
    """
    text = str(cell)
    if NUMBER.fullmatch(text):
        return text
    text = OTHER_CELL.sub(r"\g<0>'", text)
    shown = unicodedata.normalize("NFKC", text).lstrip("\"'`")
    shown = "".join(letter for letter in shown if letter.isprintable() and not letter.isspace()).lstrip("\"'`")
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") or shown[:1] in tuple("=+-@") else text


def _asked(known: Mapping[str, Asked], names: Iterable[object], kind: str) -> list[Asked]:
    """Choose those with these names, all where there are none; exits with a sentence where one isn't known."""
    wanted = set(map(str, names))
    if unknown := sorted(wanted - known.keys()):
        sys.exit(f"The gradebook has no {kind} called {', '.join(unknown)}. Nothing was written.")
    return [one for name, one in known.items() if not wanted or name in wanted]


class LmsExporter(ExportPlugin):
    """What the exporters share: whom and what they are asked for, the scores, and the file."""

    default_name = "grades.csv"

    def chosen(self, gradebook: Gradebook) -> tuple[list[Assignment], list[Student]]:
        """Give the assignments and the students that were asked for, all by default.

        Students come by name, as nbgrader has them, and those of one name by id: there its order is the database's.
        """
        by_name = select(Student).order_by(Student.last_name, Student.first_name, Student.id)
        assignments = {str(one.name): one for one in gradebook.assignments}
        students = {str(one.id): one for one in gradebook.db.scalars(by_name)}
        return _asked(assignments, self.assignment, "assignment"), _asked(students, self.student, "student")

    def totals(self, gradebook: Gradebook, assignments: Iterable[Assignment]) -> dict[str, dict[str, Total]]:
        """Read what all have, by the name of the assignment and by student.

        nbgrader's own objects ask for each score apart, and each such question goes through all grades.
        """
        renew_penalties(gradebook, self)
        marks = {str(one.name): read_marks(gradebook, one.name) for one in assignments}
        for student, more in chain.from_iterable(map(above_maximum, marks.values())):
            self.log.warning("%s has %s. If that is a slip, correct it in formgrader, and export again.", student, more)
        return {
            name: {student: Total.of(notebooks.values()) for student, notebooks in students.items()}
            for name, students in marks.items()
        }

    def scores(self, gradebook: Gradebook) -> tuple[Table, dict[str, float]]:
        """Read the scores: the points of the students who have any, and the best there is in each assignment."""
        assignments, students = self.chosen(gradebook)
        worth = {str(one.name): float(one.max_score) for one in assignments}
        totals = self.totals(gradebook, assignments)
        found = {
            student: {name: totals[name][student.id] for name in sorted(worth) if student.id in totals[name]}
            for student in students
        }
        if waiting := sum(total.waiting > 0 for own in found.values() for total in own.values()):
            self.log.warning(
                "%s submissions have written answers that wait to be marked: they count 0 so far.", waiting
            )
        table = {student: {name: own[name].points for name in own} for student, own in found.items() if own}
        return table, {name: worth[name] for name in sorted(worth) if any(name in own for own in table.values())}

    def write(
        self,
        rows: Iterable[Iterable[object]],
        quoting: Literal[0, 1] = csv.QUOTE_ALL,
        delimiter: str = ",",
        encoding: str = "utf-8",
    ) -> None:
        """Write a CSV file to where `--to` says; exits with a sentence where it can't be written there."""
        with self.write_target() as target, target.open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, quoting=quoting, delimiter=delimiter)
            writer.writerows([escape_formula(cell) for cell in row] for row in rows)
        self.log.info("%s is ready to be imported.", self.place)

    @property
    def place(self) -> Path:
        """Where the file will lie."""
        return Path(self.to or self.default_name)

    @contextmanager
    def write_target(self) -> Iterator[Path]:
        """Give where to write what will lie in that place; exits with a sentence where that can't be done."""
        try:
            with file_beside(self.place) as part:
                yield part
        except OSError as error:
            sys.exit(f"{sentence(error)} Nothing was written. Mend this, or name another place with --to.")


class TextExporter(LmsExporter):
    """nbgrader's own export, in its own columns; no cell is a formula, and a comma in a name divides nothing."""

    columns = (
        "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
        "late_submission_penalty", "score", "max_score",
    )  # fmt: skip

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`. As in nbgrader's, who handed in nothing has 0 points."""
        assignments, students = self.chosen(gradebook)
        totals = self.totals(gradebook, assignments)
        rows: list[Iterable[object]] = [self.columns]
        for assignment in assignments:
            times = {one.student_id: one.timestamp for one in assignment.submissions}
            for student in students:
                total = totals[assignment.name].get(student.id, Total())
                about = (assignment.name, assignment.duedate, times.get(student.id))
                names = (student.id, student.last_name, student.first_name, student.email)
                row = (*about, *names, total.earned, total.penalty, total.points, assignment.max_score)
                rows.append(tuple("" if cell is None else cell for cell in row))
        self.write(rows, csv.QUOTE_MINIMAL)


class CanvasExporter(LmsExporter):
    """Points for Canvas: the gradebook that it exported, with the assignments' columns filled, or a file of their own.

    In that file a student is found by Canvas' number, else by login or SIS ID, and a column by its title or number. The
    number is the roster's, or that in the name of the file that was collected from a download. Points are scaled to the
    points possible there. Nothing else is changed, and who has points and no row is logged.

    A file of their own is for a class of which Canvas' gradebook isn't at hand: a row of points possible, then one for
    each student. Canvas finds students by any of these, too, and offers to make a column that it doesn't know.
    """

    default_name = "canvas.csv"
    gradebook = Unicode("", help="The file that Canvas wrote as Export Entire Gradebook, to be filled.").tag(
        config=True
    )
    columns = Dict(
        help="For each assignment its column in Canvas, by its title or number; by default the assignment's name."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`; exits with a sentence where Canvas' file, or a column, can't be found."""
        table, best = self.scores(gradebook)
        names = (one.name for one in gradebook.assignments)
        numbers = numbers_in_canvas(self.parent.coursedir, names, self.config)
        if self.gradebook:
            self._fill(table, best, numbers)
            return
        heads = [self.columns.get(name, name) for name in best]
        rows: list[list[object]] = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *heads]]
        rows.append(["    Points Possible", "", "", "", "", *(format_points(points) for points in best.values())])
        for student, scores in table.items():
            name = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
            own = student.lms_user_id or ""
            ids = [own, ""] if own.isdigit() else [numbers.get(student.id, ""), own]
            rows.append([name, *ids, student.id, "", *_points(scores, best)])
        self.write(rows)

    def _fill(self, table: Table, best: Mapping[str, float], numbers: Mapping[str, str]) -> None:
        """Write points into the columns of Canvas' own file."""
        try:
            file = CanvasFile.read(Path(self.gradebook))
            columns = {name: file.column(str(self.columns.get(name, name))) for name in best}
        except ConfigError as error:
            sys.exit(f"{error} Nothing was written.")
        if len({*columns.values()}) < len(columns):
            sys.exit(f"Several assignments have one column in {file.name}: {', '.join(columns)}. Nothing was written.")
        if self.place.resolve() == Path(self.gradebook).resolve():
            sys.exit(f"{self.place} is Canvas' own file. Name another place with --to. Nothing was written.")
        row_of = self._rows(file, table, numbers)
        for name, column in columns.items():
            possible, excused = file.possible(column), []
            scale = possible / best[name] if possible and best[name] else 1
            if scale != 1:
                self.log.warning("%s has %g points there, and %g here: they are scaled.", name, possible, best[name])
            for student, row in row_of.items():
                if name in table[student]:
                    row += [""] * (column + 1 - len(row))
                    if row[column].strip().upper() == EXCUSED:
                        excused.append(student.id)
                    else:
                        row[column] = format_points(table[student][name] * scale)
            if excused:
                self.log.warning("Excused from %s in Canvas, and left so: %s.", name, ", ".join(excused))
        self.write([file.heads, *file.rows], csv.QUOTE_MINIMAL, file.delimiter, file.encoding)

    def _rows(self, file: CanvasFile, table: Table, numbers: Mapping[str, str]) -> dict[Student, list[str]]:
        """Find each student's row; who has none, or one with somebody else, is logged."""
        rows: dict[tuple[str, str], list[str]] = {}
        for enrolled, row in file.students():
            rows |= {
                ("sis", enrolled.sis): row,
                ("login", enrolled.login.casefold()): row,
                ("id", enrolled.number): row,
            }
        found: dict[Student, list[str]] = {}
        for student in table:
            own = student.lms_user_id or ""
            hidden = student.id.removeprefix("anon_")  # of digits alone it could be somebody else's number
            keys = [("id", own), ("id", numbers.get(student.id, "")), ("login", student.id.casefold()), ("sis", own)]
            keys += [] if hidden.isdigit() else [("id", hidden)]
            own_rows = {id(rows[key]): rows[key] for key in keys if key[1] and key in rows}
            if len(own_rows) == 1:  # a number of another kind may be somebody else's here
                [found[student]] = own_rows.values()
        owners = Counter(map(id, found.values()))
        row_of = {student: row for student, row in found.items() if owners[id(row)] == 1}
        if left := sorted(student.id for student in table if student not in row_of):
            anonymous = " Whose the anonymous ones are, that file doesn't say: type their points into SpeedGrader."
            self.log.warning(
                f"{self.gradebook} has no row of these students, or one for two of them, and not their points:"
                f" {', '.join(left)}. `zerolayer roster` with that file gives them Canvas' numbers."
                + (anonymous if any(id.startswith("anon_") for id in left) else "")
            )
        return row_of


class MoodleExporter(LmsExporter):
    """The file that Moodle imports under Grades, Import, CSV file; map from e-mail address, username or ID number."""

    default_name = "moodle.csv"

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`."""
        table, best = self.scores(gradebook)
        rows: list[list[object]] = [["First name", "Last name", "Username", "ID number", "Email address", *best]]
        for student, scores in table.items():
            known = (student.first_name, student.last_name, student.id, student.lms_user_id, student.email)
            rows.append([*(value or "" for value in known), *_points(scores, best, missing="-")])
        self.write(rows)


class MoodleWorksheetExporter(LmsExporter):
    """A Moodle assignment's offline grading worksheet, with the grades filled in.

    The worksheet is one that was downloaded from the assignment. Its `Identifier`, `Participant 12345`, has the number
    that Moodle also puts into the names of the files in a download: who was collected from one is found by it. All
    others are found by the roster. Points are scaled to the worksheet's maximum grade; rows of students without a score
    stay as they are. Who has a score and no row, or several, as namesakes may have, is logged.
    """

    default_name = "moodle_worksheet.csv"
    worksheet = Unicode("", help="The worksheet as it was downloaded from the assignment in Moodle.").tag(config=True)
    found_by = ("Email address", "ID number", "Username")
    """Columns that tell who a row is about; Moodle shows those that the course allows."""

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`; exits with a sentence where there is no worksheet, or no one assignment."""
        table, best = self.scores(gradebook)
        self.only_one(best)
        heads, rows = self.read_worksheet()
        for student, own in self.row_of(table, rows, "points").items():
            own["Grade"] = _scaled(table[student], best, own)
        self.write([heads, *(row.values() for row in rows)])

    def only_one(self, assignments: Collection[str]) -> str:
        """Give the assignment that it is about; exits with a sentence where there are several, or none."""
        if len(assignments) != 1:
            named = ", ".join(assignments) or "none with a submission"
            sys.exit(f"A worksheet is about one assignment, found {named}. Name it: --assignment=\"['my_assignment']\"")
        return next(iter(assignments))

    def row_of(self, students: Iterable[Student], rows: Iterable[Row], what: str) -> dict[Student, Row]:
        """Find each student's row. Who has none, or several, doesn't get `what`, and is logged."""
        found: dict[Student, list[Row]] = {student: [] for student in students}
        owner: dict[str, Student] = {}
        for student in found:
            owner |= {key.casefold(): student for key in (student.email, student.lms_user_id, student.id) if key}
        for row in rows:
            keys = [key.casefold() for key in self._keys(row)]
            if (own := next((owner[key] for key in keys if key in owner), None)) is not None:
                found[own].append(row)
        if left := sorted(student.id for student, own in found.items() if len(own) != 1):
            self.log.warning(
                f"{self.worksheet} has no row of these students, or several, and not their {what}: {', '.join(left)}."
                " Give each the e-mail address that Moodle knows, with `nbgrader db student add ID --email=…` and all"
                " else that the roster has of them, which this replaces. Or give them theirs by hand."
            )
        return {student: own[0] for student, own in found.items() if len(own) == 1}

    def _keys(self, row: Row) -> Iterator[str]:
        """Give what may tell a row's student: what the roster has, then ids as `zip_collect` makes them.

        Where submissions are anonymous, the word before the number is the name in the files' names, too.
        """
        yield from (row.get(column, "").strip() for column in self.found_by)
        if found := participant(row):
            lms, names = LmsNames(parent=self), (row.get("Full name"), found["word"])
            yield from (lms.id_in("moodle", name, found["number"]) for name in names if name)

    def read_worksheet(self) -> tuple[list[str], list[Row]]:
        """Read the worksheet's heads and rows; exits with a sentence where it is none."""
        if not Path(self.worksheet).is_file():
            sys.exit(f"There is no worksheet {self.worksheet!r}. Give it: --{type(self).__name__}.worksheet=FILE")
        with Path(self.worksheet).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            heads, rows = list(reader.fieldnames or ()), list(reader)
        if not {"Identifier", "Grade"} <= set(heads):
            sys.exit(
                f"{self.worksheet} is no grading worksheet, with Identifier and Grade: found"
                f" {', '.join(heads) or 'nothing'}. In Moodle, set the language to English, and choose Submissions,"
                " Download grading worksheet."
            )
        return heads, rows


class MoodleFeedbackExporter(MoodleWorksheetExporter):
    """The zip that a Moodle assignment takes under "Upload multiple feedback files in a zip".

    Moodle knows by the second part of a file's name, which `_` divides, whose it is, and by the two after that what it
    is. The number is in the `Identifier` of the assignment's grading worksheet, in which students are found as for the
    worksheet's grades. A page that it has already is passed over there, and one that has changed replaces it.
    """

    default_name = "moodle_feedback.zip"

    def export(self, gradebook: Gradebook) -> None:
        """Called by `nbgrader export`; exits with a sentence where there is no worksheet, or no one assignment."""
        table, best = self.scores(gradebook)
        assignment = self.only_one(best)
        _, rows = self.read_worksheet()
        course = CourseDirectory(parent=self)
        # These alone: what nbgrader copies beside them was handed in, and may look as if an instructor had written it.
        names = sorted(f"{notebook.name}.html" for notebook in gradebook.find_assignment(assignment).notebooks)
        pages = {}
        for student in table:
            place = Path(course.format_path(course.feedback_directory, student.id, assignment))
            pages[student] = [*filter(is_file, (place / name for name in names))]
        if missing := sorted(student.id for student, own in pages.items() if not own):
            self.log.warning(
                f"There are no feedback pages of these students: {', '.join(missing)}. Write them with `zerolayer"
                f" feedback {assignment}`, and then give this command again."
            )
        having = [student for student in pages if pages[student]]
        with self.write_target() as target, ZipFile(target, "w", ZIP_DEFLATED) as file:
            for student, row in self.row_of(having, filter(participant, rows), "pages").items():
                for page in pages[student]:
                    file.write(page, f"Participant_{participant(row)['number']}_assignfeedback_file_{page.name}")
        self.log.info("%s is ready to be uploaded, with %s pages.", self.place, len(file.namelist()))


def participant(row: Row) -> dict[str, str]:
    """Read the `word` and the `number` of a row's `Identifier`, by which Moodle knows a participant, if it has them."""
    found = IDENTIFIER.fullmatch(row["Identifier"].strip())
    return found.groupdict() if found else {}


def _scaled(own: Mapping[str, float], best: Mapping[str, float], row: Mapping[str, str]) -> str:
    """Turn points into the worksheet's: its heads are in the case of whichever Moodle it is from."""
    [(name, most)] = best.items()
    maximum = {head.casefold(): value for head, value in row.items()}.get("maximum grade") or most
    return f"{own[name] / most * float(maximum):.2f}" if most else "0.00"


def _points(own: Mapping[str, float], best: Iterable[str], missing: str = "") -> list[str]:
    return [format_points(own[name]) if name in own else missing for name in best]
