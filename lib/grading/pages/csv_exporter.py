"""The CSV file of `nbgrader export`: nbgrader's own columns, without formulas."""

import csv
import sys
from pathlib import Path

from nbgrader.api import Gradebook, Student
from nbgrader.plugins import ExportPlugin
from sqlalchemy import select

from lib.grading.files import temporary_sibling_file
from lib.grading.gradebook.lateness import renew_penalties
from lib.grading.gradebook.marks import Total, above_maximum, read_marks
from lib.grading.machine_faults import sentence
from lib.grading.safe_names import escape_formula

COLUMNS = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
    "late_submission_penalty", "score", "max_score",
)  # fmt: skip


class TextExporter(ExportPlugin):
    """Replaces nbgrader's exporter, which escapes neither formulas nor commas, and runs a query for each score."""

    def export(self, gradebook: Gradebook) -> None:
        """Override nbgrader's export. As there, a student without a submission has 0 points."""
        # Also by id, because nbgrader leaves the order of equal names to the database.
        by_name = select(Student).order_by(Student.last_name, Student.first_name, Student.id)
        assignments = {str(one.name): one for one in gradebook.assignments}
        students = {str(one.id): one for one in gradebook.db.scalars(by_name)}
        for kind, known, asked in (("assignment", assignments, self.assignment), ("student", students, self.student)):
            if unknown := sorted({*map(str, asked)} - known.keys()):
                sys.exit(f"The gradebook has no {kind} called {', '.join(unknown)}. Nothing was written.")
        renew_penalties(gradebook, self)
        rows: list[tuple[object, ...]] = [COLUMNS]
        for name in filter(lambda name: not self.assignment or name in self.assignment, assignments):
            assignment, marks = assignments[name], read_marks(gradebook, name)
            for student, more in above_maximum(marks):
                self.log.warning("%s has %s. If that is a mistake, correct it in formgrader.", student, more)
            times = {one.student_id: one.timestamp for one in assignment.submissions}
            for id in filter(lambda id: not self.student or id in self.student, students):
                total, one = Total.of(marks.get(id, {}).values()), students[id]
                about = (name, assignment.duedate, times.get(id), id, one.last_name, one.first_name, one.email)
                rows.append((*about, total.earned, total.penalty, total.points, assignment.max_score))
        place = Path(self.to or "grades.csv")
        try:
            with temporary_sibling_file(place) as part, part.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(
                    ["" if cell is None else escape_formula(cell) for cell in row] for row in rows
                )
        except OSError as error:
            sys.exit(f"{sentence(error)} Nothing was written. Choose another file with --to.")
        self.log.info("%s is ready.", place)
