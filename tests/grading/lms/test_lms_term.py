"""A term of ten weeks with two assignments, on Canvas and on Moodle: what an import changes there, cell by cell."""

# ruff: noqa: RUF012

import csv
import io
import json
import shutil
from datetime import datetime
from zipfile import ZipFile

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.authoring.build import BuildApp
from lib.authoring.new import NewApp
from tests.course import UNPROVED
from tests.grading.conftest import Course
from tests.submissions import as_bytes, cell

RIGHT = "def loss(y, yhat):\n    return np.mean((y - yhat) ** 2)"
WRONG = RIGHT.replace("mean", "sum")
NAMES = {"ada": ("Ada", "King"), "bo": ("Bo", "Ng"), "emil": ("Emil", "Stone"), "mia": ("Mia", "Noll")}
NAMES |= {"lea": ("Lea", "Weiß")}
"""Lea joins in week 4, Emil leaves in week 6, and Mia hands in nothing."""
BEGIN, END = ("ada", "bo", "emil", "mia"), ("ada", "bo", "lea", "mia")


class Canvas:
    """What Canvas holds, and its rules: gradebook_importer.rb, and `infer_comment_context_from_filename`."""

    heads = ("First (11)", "Quiz (12)", "Second (13)")
    other = "Quiz (12)"
    column = {"first": "First (11)", "second": "Second (13)"}
    ids = {student: str(101 + at) for at, student in enumerate(NAMES)}
    first, end = {"ada": "2", "bo": "0", "emil": "2"}, {"ada": "2.5", "bo": "2", "lea": "2"}
    second = {"ada": "0", "bo": "0", "lea": "10"}  # of 10 points; Ada was late, and had no more time

    def __init__(self):
        self.cells, self.files, self.works = {}, {}, {}

    def hand_in(self, student, assignment, content, late=False):
        number = 9001 + len(self.files)
        self.files[number] = student
        name = "".join(reversed(NAMES[student])).lower() + "_LATE" * late
        self.works[assignment, student] = (f"{name}_{self.ids[student]}_{number}_{assignment}.ipynb", content)

    def gradebook(self, students, _=""):
        lines = [["Student", "ID", "SIS Login ID", "Section", *self.heads, "Final Score"]]
        lines += [["    Points Possible", "", "", "", "2.00", "5.00", "10.00", "(read only)"]]
        for one in students:
            cells = [self.cells.get((one, head), "") for head in self.heads]
            lines.append([", ".join(reversed(NAMES[one])), self.ids[one], one, "1", *cells, ""])
        return written(lines)

    roster = gradebook

    def take(self, text, _):
        """Import a file: it counts the columns up to the section, and all others of an assignment are set."""
        heads, *rows = csv.reader(io.StringIO(text))
        assert heads[:4] == ["Student", "ID", "SIS Login ID", "Section"]
        who = {number: student for student, number in self.ids.items()}
        for row in rows:
            if row[1]:
                self.cells |= {(who[row[1]], head): cell for head, cell in zip(heads[4:], row[4:], strict=True)}

    def finds(self, name):
        """Return for whom an uploaded file is, and whether its attachment is one of theirs."""
        numbers = [piece for piece in name.split("_") if piece != "LATE" and piece.isdigit()][:2]
        [student] = [student for student, number in self.ids.items() if number == numbers[0]]
        assert self.files[int(numbers[1])] == student
        return student


class Moodle:
    """What Moodle holds, and its rules: assignfeedback_offline, update_grade, assignfeedback_file_zip_importer."""

    other = "Feedback comments"
    column = {"first": "first", "second": "second"}
    most = {"first": "2,00", "second": "100,00"}
    ids = {student: at for at, student in enumerate(NAMES)}
    first, end = {"ada": "2,00", "bo": "0,00", "emil": "2,00"}, {"ada": "2,00", "bo": "2,00", "lea": "2,00"}
    second = {"ada": "100,00", "bo": "0,00", "lea": "100,00"}  # Moodle's names don't tell who was late

    def __init__(self):
        self.cells, self.works = {}, {}

    def number(self, student, assignment):
        """Return a participant's number, which is another one in each assignment."""
        return {"first": 501, "second": 703}[assignment] + self.ids[student]

    def hand_in(self, student, assignment, content, late=False):
        folder = f"{' '.join(NAMES[student])}_{self.number(student, assignment)}_assignsubmission_file_"
        self.works[assignment, student] = (f"{folder}/{assignment}.ipynb", content)

    def roster(self, students):
        lines = [[*NAMES[one], f"{one}@example.org"] for one in students]
        return written([["First name", "Last name", "Email address"], *lines])

    def gradebook(self, students, assignment="first"):
        heads = ("Identifier", "Full name", "Status", "Grade", "Maximum grade", "Last modified (grade)", self.other)
        lines = [list(heads)]
        for one in students:
            grade, note = self.cells.get((one, assignment), ""), self.cells.get((one, self.other), "")
            identifier = f"Participant {self.number(one, assignment)}"
            lines.append([identifier, " ".join(NAMES[one]), "", grade, self.most[assignment], "-", note])
        return written(lines, ";")

    def take(self, text, assignment):
        """Import a worksheet: without these heads it is refused, as is a grade above the maximum."""
        heads, *rows = csv.reader(io.StringIO(text), delimiter=";")
        assert {"Identifier", "Grade", "Last modified (grade)"} <= set(heads)
        for row in rows:
            cells = dict(zip(heads, row, strict=True))
            student = self.finds(cells["Identifier"].replace(" ", "_"), assignment)
            assert float(cells["Grade"].replace(",", ".")) <= float(self.most[assignment].replace(",", "."))
            self.cells[student, assignment] = cells["Grade"]
            self.cells |= {(student, self.other): cells[self.other]} if self.other in cells else {}

    def finds(self, name, assignment="first"):
        number = int(name.split("_")[1])
        return next(student for student in NAMES if self.number(student, assignment) == number)


def written(lines, delimiter=","):
    csv.writer(file := io.StringIO(), delimiter=delimiter).writerows(lines)
    return file.getvalue()


class Term(Course):
    """A course, the LMS of its class, and what its instructor does with both."""

    def __init__(self, root, lms):
        super().__init__(root)
        self.lms, self.said = lms, {}

    def gives(self, *command, code=0):
        done = self.zerolayer(*command)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def saves(self, name, text):
        (self.root / name).write_text(text, "utf-8")
        return name

    def hand_in(self, student, assignment, code, late=False):
        notebook = nbformat.read(self.root / "notebooks" / assignment / f"{assignment}.ipynb", as_version=4)
        cell(notebook, "loss").source = code
        self.lms.hand_in(student, assignment, as_bytes(notebook), late)

    def grades(self, assignment):
        """Download what was handed in, collect and grade it."""
        with ZipFile(self.root / "submissions.zip", "w") as file:
            for name, content in (work for (of, _), work in self.lms.works.items() if of == assignment):
                file.writestr(name, content)
        said = self.gives("collect", assignment, "submissions.zip")
        self.gives("grade", assignment)
        return said

    def exports(self, assignment, file, *options):
        """Fill a file and import it; return what was said, and which cells of the LMS have changed."""
        said, before = self.gives("export", assignment, "--into", file, *options), dict(self.lms.cells)
        self.lms.take((self.root / f"{file.removesuffix('.csv')}-filled.csv").read_text("utf-8"), assignment)
        after = self.lms.cells
        return said, {key: after[key] for key in after if after[key] != before.get(key)}

    def students(self):
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            return {one.id for one in gradebook.students}

    def removes(self, student):
        """Take out whoever left: of the gradebook, and of the folders."""
        id = next(id for id in self.students() if id.startswith(student))
        for folder in ("submitted", "autograded"):
            shutil.rmtree(self.root / folder / id)
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            gradebook.remove_student(id)

    def adds(self, student, points):
        """Save points for something else, as formgrader does."""
        id = next(id for id in self.students() if id.startswith(student))
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            gradebook.find_grade("check-loss", "first", "first", id).extra_credit = points
            gradebook.db.commit()

    def feedback(self):
        with ZipFile(self.root / "feedback.zip") as file:
            return {self.lms.finds(name): file.read(name).decode() for name in file.namelist()}


@pytest.fixture(scope="module")
def two_units(tmp_path_factory, lockable_here):
    course = Course(tmp_path_factory.mktemp("two") / "course")
    course.root.mkdir()
    for unit in ("first", "second"):
        for app, *arguments in ((NewApp, unit), (BuildApp, unit, UNPROVED)):
            done = course.runs_here(app, *arguments)
            assert done.returncode == 0, done.stderr
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for unit in ("first", "second"):
            gradebook.find_assignment(unit).duedate = datetime(2026, 3, 1, 12)
        gradebook.db.commit()
    return course


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Canvas, Moodle])
def test_a_term_changes_only_the_cells_that_it_has_points_for(two_units, tmp_path, kind):
    shutil.copytree(two_units.root, tmp_path / "course")
    term = Term(tmp_path / "course", lms := kind())
    at = lms.column
    # Week 1 to 3: a roster, and the first assignment.
    assert "4 of them new." in term.gives("roster", term.saves("roster.csv", lms.roster(BEGIN)))
    week_1 = {unit: term.saves(f"{unit}.csv", lms.gradebook(BEGIN, unit)) for unit in at}
    for student, code in (("ada", RIGHT), ("bo", WRONG), ("emil", RIGHT)):
        term.hand_in(student, "first", code)
    assert "first: 3 new; 0 need a person." in term.grades("first")
    _, changed = term.exports("first", week_1["first"], "--feedback", "feedback.zip")
    assert changed == {(student, at["first"]): points for student, points in lms.first.items()}
    pages = term.feedback()
    assert pages.keys() == lms.first.keys() and "0 of 2 points" in pages["bo"]
    # Week 4 to 6: somebody joins, another column is filled, somebody hands in again, and somebody leaves.
    lms.cells |= {(student, lms.other): "4" for student in NAMES}
    assert "1 of them new." in term.gives("roster", term.saves("roster.csv", lms.roster(NAMES)))
    lea = next(id for id in term.students() if id.startswith("lea"))
    term.gives("extend", "first", lea, "--days", "3")
    term.hand_in("lea", "first", RIGHT, late=True)
    term.hand_in("bo", "first", RIGHT)
    assert "first: 1 new, 1 replaced, 2 unchanged; 0 need a person." in term.grades("first")
    term.removes("emil")
    # Week 7 to 10: the second assignment, and points for a good question.
    for student, code, late in (
        ("ada", RIGHT, True),
        ("bo", WRONG, False),
        ("lea", RIGHT, False),
    ):
        term.hand_in(student, "second", code, late)
    assert "second: 3 new; 0 need a person." in term.grades("second")
    term.adds("ada", 0.5)
    before = dict(lms.cells)
    for assignment, expected in (("first", lms.end), ("second", lms.second)):
        said, _ = term.exports(assignment, week_1[assignment])
        assert f", or several, for {lea} (Weiß, Lea). " in said and "graded students without one: 1." in said
        term.exports(assignment, term.saves("now.csv", lms.gradebook(END, assignment)))
        before |= {(student, at[assignment]): points for student, points in expected.items()}
    assert lms.cells == before
    term.gives("export", "first", "--feedback", "feedback.zip")
    pages = term.feedback()
    if kind is Canvas:
        assert pages.keys() == {"ada", "bo", "lea"}
        assert "2.5 of 2 points" in json.loads(pages["ada"])["cells"][0]["source"]
