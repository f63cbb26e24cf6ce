"""The exports, read as their importers read them.

Canvas' gradebook_importer.rb, Moodle's CSV import and worksheet, and its `assignfeedback_file_zip_importer`.
"""

import csv
import re
import shutil
import sqlite3
from contextlib import closing
from zipfile import ZipFile

import orjson
import pytest
import sqlalchemy
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import Engine
from traitlets.config import Config

from lib.grading.commands.demo import run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.door.downloads import Collected, collected_file
from lib.grading.pages.exports import LmsExporter, escape_formula
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.pages.conftest import FILLINGS

pytestmark = pytest.mark.xdist_group("a graded class")

EXPORTERS = ("CanvasExporter", "MoodleExporter", "TextExporter")


def exported(course, exporter, *options, waits=True):
    done = course.runs_here(ExportApp, f"--exporter=lib.grading.pages.exports.{exporter}", "--to=out.csv", *options)
    assert done.returncode == 0, done.stderr
    course.complained = done.stderr
    assert ("wait to be marked" in done.stderr) == waits
    with (course.root / "out.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


TITLE = "Softmax classifier (1234)"
EMIL = "<script>alert('E')</script>", '"><img src=x onerror=alert(1)>'
CANVAS = [
    ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", TITLE],
    ["    Points Possible", "", "", "", "", "24"],
    [", ".join(EMIL[::-1]), "", "N-12", "emil", "", "19"],
    ["King, Ada", "77", "", "ada", "", "20"],
    ["Nguyễn, Dr., Bảo", "", "", "bao", "", "20"],
]
MOODLE = [
    ["First name", "Last name", "Username", "ID number", "Email address", ASSIGNMENT],
    [*EMIL, "emil", "N-12", "", "19"],
    ["Ada", "King", "ada", "77", "ada@example.org", "20"],
    ["Bảo", "Nguyễn, Dr.", "bao", "", "bao@example.org", "20"],
]


def test_an_importer_finds_heads_points_and_students(small_class):
    """The last three have names. Canvas finds an assignment by the id in brackets behind its title."""
    for exporter, (*heads, emil, ada, bao) in (("CanvasExporter", CANVAS), ("MoodleExporter", MOODLE)):
        rows = exported(small_class, exporter, f"--CanvasExporter.columns={{'{ASSIGNMENT}': '{TITLE}'}}")
        assert (rows[: len(heads)], rows[-3:]) == (heads, [emil, ada, bao])
        assert len(rows) - len(heads) == len({*FILLINGS, "lars"})
    some = exported(small_class, "MoodleExporter", "--student=['ada', 'emil']", f"--assignment=['{ASSIGNMENT}']")
    assert some == MOODLE[:3]


WORKSHEET = '''Identifier,"Full name","Email address",Status,Grade,"Maximum grade","Last modified (grade)",Notes
"Participant 501","Ada King",ADA@example.org,"Submitted for grading",,100.00,"Monday, 2 March 2026","Good, ""Ada"""
"Participant 502","=1+1",mona@example.org,"No submission",,100.00,-,
'''


def graded_worksheet(course, sheet, *options):
    """Have a worksheet of Moodle's filled in."""
    (course.root / "worksheet.csv").write_text(sheet, encoding="utf-8-sig")
    return exported(course, "MoodleWorksheetExporter", "--MoodleWorksheetExporter.worksheet=worksheet.csv", *options)


def test_a_worksheet_gets_grades_and_keeps_all_else_but_formulas(small_class):
    """Who has points and no row is named."""
    expected = list(csv.reader(WORKSHEET.splitlines()))
    expected[1][4], expected[2][1] = f"{20 / 24 * 100:.2f}", "'=1+1"
    assert graded_worksheet(small_class, WORKSHEET) == expected
    others = ", ".join(sorted({*FILLINGS, "lars"} - {"ada"}))
    assert f"has no row of these students, or several, and not their points: {others}." in small_class.complained


def with_these(small_class, database, ids):
    """Copy the gradebook, and add students with one submission each, and with half a point, 1 point, …"""
    shutil.copy(small_class.root / "gradebook.db", database)
    with Gradebook(f"sqlite:///{database}", "zerolayer") as gradebook:
        for halves, student in enumerate(ids, 1):
            gradebook.add_student(student)
            [notebook] = gradebook.add_submission(ASSIGNMENT, student).notebooks
            next(grade for grade in notebook.grades if grade.max_score == 4).manual_score = halves / 2
        gradebook.db.commit()
    return f"--db=sqlite:///{database}"


COLLECTED = {
    "{name}_{number}": {
        "Participant 41201,Jane Smith,": "Jane_Smith_41201",
        "Participant 41217,Jane Smith,": "Jane_Smith_41217",
        "Participant 41204,Conor O'Neil-Núñez,": "Conor_ONeil-Núñez_41204",
        "Participant 41206,Anna_Lena 王,": "Anna_Lena_王_41206",
        "Participant 99,Somebody Else,": "",
    },
    "{name}": {
        "Participant 501,Jane Smith,": "",
        "Participant 502,Jane Smith,": "",
        "Participant 503,Li Wei,": "Li_Wei",
    },
}
"""How `zip_collect` makes ids of the names of Moodle's files, rows of a worksheet, and whose points each gets."""


def test_a_worksheet_finds_who_was_collected_and_gives_a_namesake_nothing(small_class, tmp_path):
    for form, owners in COLLECTED.items():
        ids = [*filter(None, owners.values()), "Jane_Smith", "Jane_Smith_99"]
        db = with_these(small_class, tmp_path / f"{form}.db", ids)
        sheet = "\n".join(["Identifier,Full name,Grade", *owners])
        _, *rows = graded_worksheet(small_class, sheet, f"--LmsNames.student_id={form}", db)
        grades = {student: f"{halves / 2:.2f}" for halves, student in enumerate(ids, 1)}
        assert [row[-1] for row in rows] == [grades.get(student, "") for student in owners.values()]


NO_SHEET = "is no grading worksheet, with Identifier and Grade: found"
REFUSED = {
    f"points.csv {NO_SHEET} Name": ("MoodleWorksheet", "--MoodleWorksheetExporter.worksheet=points.csv"),
    f"empty.csv {NO_SHEET} nothing.": ("MoodleWorksheet", "--MoodleWorksheetExporter.worksheet=empty.csv"),
    "There is no worksheet 'no.csv'.": ("MoodleWorksheet", "--MoodleWorksheetExporter.worksheet=no.csv"),
    "Give it: --MoodleFeedbackExporter.worksheet=FILE": ("MoodleFeedback", "--to=out.csv"),
    "about one assignment, found none with a submission.": ("MoodleWorksheet", "--assignment=['hidden_layer']"),
    "no/out.csv: No such file or directory. Nothing was written. Mend this": ("Text", "--to=no/out.csv"),
    "submitted: Is a directory. Nothing was written. Mend this": ("Text", "--to=submitted"),
    "The gradebook has no assignment called no. Nothing was written.": ("Text", "--assignment=['no']"),
    "has no student called nobody. Nothing was written.": ("Text", "--student=['ada', 'nobody']"),
}


def test_what_keeps_the_file_from_being_written_is_told_in_a_sentence(small_class):
    for name, sheet in {"points.csv": "Name,Points\nAda,3\n", "empty.csv": ""}.items():
        (small_class.root / name).write_text(sheet)
    for why, (exporter, option) in REFUSED.items():
        done = small_class.runs_here(ExportApp, f"--exporter=lib.grading.pages.exports.{exporter}Exporter", option)
        assert (done.returncode, why in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_what_was_marked_and_graded_again_is_marked(small_class, tmp_path):
    """nbgrader asks for a person's eye once more; the points are there, and every page and file has the same."""
    course = small_class.copy(tmp_path)
    thirds = {"explain-gradient": 4 / 3, "explain-rate-and-batch": 0.1}
    students = (*FILLINGS, "lars")
    course.marks({(student, cell): points for student in students for cell, points in thirds.items()}, again=True)
    points = "21.4333"
    for exporter, column, key in (("TextExporter", 9, 3), ("CanvasExporter", 5, 3), ("MoodleExporter", 5, 2)):
        rows = exported(course, exporter, f"--assignment=['{ASSIGNMENT}']", waits=False)
        assert {row[key]: row[column] for row in rows}["ada"] == points
    page = text_of(course.report().replace("<", " <"))
    assert "Check 22 marks : these answers were graded again after they were marked." in page
    assert re.search(rf"King, Ada ada ✎ (numbers )?{re.escape(points)} 20", page)
    run(FeedbackApp, course.root, ASSIGNMENT)
    assert f"{points} of 24 points" in text_of(course.feedback("ada"))


FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1+1", "\t=1+1", "\r=1+1", "\n=1+1", '"=1+1', "'=1+1", "\u200b=1+1", "-1x",
    "\u00a0=1+1", "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "\t1", "=", "-2+3+cmd|' /C calc'!A0", "--1", "-1;2",
]  # fmt: skip
HARMLESS = [
    "-1,5", "Ada", "O'Neil", "Bảo", "", "a=b", "ada@example.org", "77", "-3.5", "-1e-05", "-", "    Points Possible",
    "2-1",
]  # fmt: skip


def test_what_reads_as_a_formula_is_made_text():
    assert [escape_formula(each) for each in FORMULAS + HARMLESS] == [*(f"'{each}" for each in FORMULAS), *HARMLESS]


def test_no_export_has_a_formula(small_class, tmp_path):
    course = small_class.copy(tmp_path)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer") as gradebook:
        gradebook.update_or_create_student(
            "ada", first_name='=HYPERLINK("//evil")', last_name="@SUM(A1);=2", email="+1", lms_user_id="-1+1"
        )
    for exporter in EXPORTERS:
        done = course.runs_here(ExportApp, f"--exporter=lib.grading.pages.exports.{exporter}", "--to=out.csv")
        text = (course.root / "out.csv").read_text(encoding="utf-8")
        assert done.returncode == 0 and "HYPERLINK" in text, done.stderr
        cells = [cell for mark in ",;\t" for row in csv.reader(text.splitlines(), delimiter=mark) for cell in row]
        assert not [cell for cell in cells if cell.lstrip(" \t\"'")[:1] in tuple("=+@") and not cell.startswith("'")]


def test_nbgraders_own_export_keeps_its_columns_and_numbers(small_class):
    done = small_class.runs_here(ExportApp, "--exporter=nbgrader.plugins.CsvExportPlugin", "--to=stock.csv")
    assert done.returncode == 0, done.stderr
    lines = (small_class.root / "stock.csv").read_text(encoding="utf-8").splitlines()
    stock = {line.split(",")[3]: line.split(",") for line in lines}
    ours = {row[3]: row for row in exported(small_class, "TextExporter", waits=False)}
    assert [ours[key] for key in ("student_id", "ada", "mona")] == [stock[key] for key in ("student_id", "ada", "mona")]
    assert ours["bao"][4] == "Nguyễn, Dr."  # which shifts all columns in nbgrader's own


def test_a_larger_class_takes_no_more_questions_to_the_gradebook(small_class, tmp_path):
    asked = {exporter: [] for exporter in EXPORTERS}
    for more in range(2):
        db = with_these(small_class, tmp_path / f"{more}.db", [f"more{number}" for number in range(20 * more)])
        for exporter, counts in asked.items():
            counted = []
            sqlalchemy.event.listen(Engine, "before_cursor_execute", lambda *about, to=counted: to.append(about[2]))
            rows = exported(small_class, exporter, db, waits=exporter != "TextExporter")
            counts.append(len(counted))
            assert any("more19" in row for row in rows) is bool(more)
    assert all(few == many for few, many in asked.values()), asked


def test_canvas_gets_back_the_number_that_it_put_into_a_files_name(small_class, tmp_path):
    """As it was noted when the file was collected, and no other: an account may be called `bob_2`."""
    ids = ("smithjane_12345", "kept_11111", "12345678", "bob_2")
    db = with_these(small_class, tmp_path / "canvas.db", ids)
    with Gradebook(db.removeprefix("--db="), "zerolayer") as gradebook:
        gradebook.update_or_create_student("kept_11111", lms_user_id="22222")
    note = collected_file(CourseDirectory(root=str(tmp_path)), ASSIGNMENT, Config())
    note.parent.mkdir(parents=True)
    noted = {"smithjane_12345": "12345", "kept_11111": "11111", "12345678": "12345678"}
    note.write_bytes(orjson.dumps(Collected(canvas=noted)))
    place = f"--ZipCollectApp.downloaded_directory={note.parents[1]}"
    rows = {row[3]: row[1] for row in exported(small_class, "CanvasExporter", db, place)}
    wanted = {"smithjane_12345": "12345", "kept_11111": "22222", "12345678": "12345678", "bob_2": "", "ada": "77"}
    assert {student: rows[student] for student in wanted} == wanted


def test_namesakes_come_by_id_however_a_database_has_them():
    with Gradebook("sqlite:///:memory:") as gradebook:
        for id, name in (("zoe", None), ("bob", "Young"), ("ada", None), ("max", None), ("ann", "Young")):
            gradebook.add_student(id, last_name=name)
        _, students = LmsExporter().chosen(gradebook)
        assert [student.id for student in students] == ["ada", "max", "zoe", "ann", "bob"]


SHEET = """Identifier,Email address,Grade
Participant 501,ADA@example.org,
Participant 502,mona@example.org,
Participant 77
"""
FINN = "Participant_77"
ZIPPED = {
    "each has a row": (SHEET, {"501": "ada", "77": FINN}, "emil"),
    "no number": (SHEET.replace("Participant 501", "Ada"), {"77": FINN}, "ada, emil"),
    "two rows": (SHEET.replace("mona@", "ada@"), {"77": FINN}, "ada, emil"),
}
"""Worksheets of Moodle's: whose page goes to which participant, and who is named since their row isn't certain."""


def test_each_page_goes_to_the_student_whose_it_is(small_class, tmp_path):
    """Ada, Emil and Finn have pages; Finn was collected from Moodle, without a name. Who has no page is named."""
    course = small_class.copy(tmp_path, "feedback")
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook, gradebook:
        for table, column in (("student", "id"), ("submitted_assignment", "student_id")):
            gradebook.execute(f"UPDATE {table} SET {column} = '{FINN}' WHERE {column} = 'finn'")
    for student in ("ada", "emil", FINN):
        folder = course.root / "feedback" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.html").write_text(student)
        (folder / "Full points.html").write_text("handed in by a student, and copied beside the page")
    options = ("--MoodleFeedbackExporter.worksheet=worksheet.csv", "--to=feedback.zip")
    for name, (sheet, pages, left) in ZIPPED.items():
        (course.root / "worksheet.csv").write_text(sheet)
        done = course.runs_here(ExportApp, "--exporter=lib.grading.pages.exports.MoodleFeedbackExporter", *options)
        assert done.returncode == 0, done.stderr
        with ZipFile(course.root / "feedback.zip") as file:
            found = {each: file.read(each).decode() for each in file.namelist()}
        # Moodle divides a name at `_`, and skips what begins with a dot or lies in a folder.
        named = {f"Participant_{at}_assignfeedback_file_{ASSIGNMENT}.html": student for at, student in pages.items()}
        assert found == named, name
        assert f"not their pages: {left}." in done.stderr
        without = ", ".join(sorted({*FILLINGS, "lars"} - {"ada", "emil", "finn"}))
        assert f"no feedback pages of these students: {without}." in done.stderr
