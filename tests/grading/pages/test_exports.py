"""The exports, read as their importers read them.

Canvas' gradebook_importer.rb, Moodle's CSV import and worksheet, and its `assignfeedback_file_zip_importer`.
"""

import csv
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

WORKSHEET = '''\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum grade","Last modified (grade)",Notes
"Participant 501","Ada King",ADA@example.org,"Submitted for grading",,100.00,"Monday, 2 March 2026","Good, ""Ada"""
"Participant 502","=1+1",mona@example.org,"No submission",,100.00,-,
'''
EXPORTERS = ("CanvasExporter", "MoodleExporter", "TextExporter")


def exported(course, exporter, *options, waits=True):
    done = course.runs_here(ExportApp, f"--exporter=lib.grading.pages.exports.{exporter}", "--to=out.csv", *options)
    assert done.returncode == 0, done.stderr
    course.complained = done.stderr
    assert ("wait to be marked" in done.stderr) == waits
    with (course.root / "out.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_canvas_finds_its_header_points_and_students(small_class):
    """An assignment by the id in brackets behind its title."""
    option = f"--CanvasExporter.columns={{'{ASSIGNMENT}': 'Softmax classifier (1234)'}}"
    head, points, *students = exported(small_class, "CanvasExporter", option)
    assert "Student" in head[0] and "ID" in head[1]
    assert head[2:5] == ["SIS User ID", "SIS Login ID", "Section"]
    assert head[5:] == ["Softmax classifier (1234)"]
    assert "Points Possible" in points[0] and points[5] == "24"
    rows = {row[3]: row for row in students}
    assert rows["ada"] == ["King, Ada", "77", "", "ada", "", "20"]
    assert rows["emil"][1:3] == ["", "N-12"]
    assert rows["bao"][0] == "Nguyễn, Dr., Bảo"
    assert set(rows) == {*FILLINGS, "lars"}
    assert all(len(row) == len(head) for row in students)


def test_moodle_can_map_each_way_of_telling_a_student(small_class):
    head, *students = exported(small_class, "MoodleExporter")
    assert head == ["First name", "Last name", "Username", "ID number", "Email address", ASSIGNMENT]
    rows = {row[2]: dict(zip(head, row, strict=True)) for row in students}
    assert rows["ada"]["Email address"] == "ada@example.org"
    assert rows["ada"]["ID number"] == "77"
    verdict = small_class.verdict("finn")
    assert float(rows["finn"][ASSIGNMENT]) == verdict.points
    assert "mona" not in rows
    some = exported(small_class, "MoodleExporter", "--student=['ada', 'emil']", f"--assignment=['{ASSIGNMENT}']")
    assert [row[2] for row in some[1:]] == ["emil", "ada"]


def test_a_worksheet_gets_grades_and_keeps_all_else_but_formulas(small_class):
    """Who has points and no row is named."""
    sheet = small_class.root / "worksheet.csv"
    sheet.write_text(WORKSHEET, encoding="utf-8")
    before = list(csv.reader(WORKSHEET.removeprefix("\ufeff").splitlines()))
    after = exported(small_class, "MoodleWorksheetExporter", f"--MoodleWorksheetExporter.worksheet={sheet}")
    assert (after[1][4], after[2][1]) == (f"{20 / 24 * 100:.2f}", f"'{before[2][1]}")
    after[1][4], after[2][1] = "", before[2][1]
    assert after == before
    [said] = [line for line in small_class.complained.splitlines() if "has no row of these students" in line]
    listed = said.split("not their points: ")[1].split(". ")[0].split(", ")
    assert set(listed) == {*FILLINGS, "lars"} - {"ada"}


COLLECTED = {
    "Participant 41201": ("Jane Smith", "Jane_Smith_41201"),
    "Participant 41217": ("Jane Smith", "Jane_Smith_41217"),
    "Participant 41204": ("Conor O'Neil-Núñez", "Conor_ONeil-Núñez_41204"),
    "Participant 41206": ("Anna_Lena 王", "Anna_Lena_王_41206"),
}
"""Identifiers of Moodle, the full names there, and the ids that `zip_collect` makes of the names of their files."""


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


@pytest.mark.parametrize("named", [True, False], ids=["with names", "with anonymous submissions"])
def test_a_worksheet_finds_who_was_collected_by_moodles_number(small_class, tmp_path, named):
    ids = {number: id if named else number.replace(" ", "_") for number, (_, id) in COLLECTED.items()}
    db = with_these(small_class, tmp_path / "moodle.db", [*ids.values(), "Jane_Smith_99"])
    sheet = tmp_path / "worksheet.csv"
    rows = [[number, *([name] if named else []), "", "24.00"] for number, (name, _) in COLLECTED.items()]
    rows += [["Participant 99", *(["Somebody Else"] if named else []), "", "24.00"]]
    with sheet.open("w", newline="", encoding="utf-8") as file:
        heads = ["Identifier", *(["Full name"] if named else []), "Grade", "Maximum Grade"]
        csv.writer(file).writerows([heads, *rows])
    after = exported(small_class, "MoodleWorksheetExporter", f"--MoodleWorksheetExporter.worksheet={sheet}", db)
    assert [row[-2] for row in after[1:]] == ["0.50", "1.00", "1.50", "2.00", ""]


def test_where_ids_are_names_a_namesake_who_handed_in_nothing_gets_no_points(small_class, tmp_path):
    db = with_these(small_class, tmp_path / "moodle.db", ["Jane_Smith", "Li_Wei"])
    sheet = tmp_path / "worksheet.csv"
    rows = ["Participant 501,Jane Smith,", "Participant 502,Jane Smith,", "Participant 503,Li Wei,", "Participant 504"]
    sheet.write_text("\n".join(["Identifier,Full name,Grade", *rows]))
    options = (f"--MoodleWorksheetExporter.worksheet={sheet}", "--LmsNames.student_id={name}", db)
    after = exported(small_class, "MoodleWorksheetExporter", *options)
    assert [row[-1] for row in after[1:]] == ["", "", "1.00", ""]


MOODLE = ("MoodleWorksheetExporter", "--MoodleWorksheetExporter.worksheet=sheet.csv")
REFUSED = {
    "Name,Points\nAda,3\n": (*MOODLE, "sheet.csv is no grading worksheet, with Identifier and Grade: found Name"),
    "": (*MOODLE, "sheet.csv is no grading worksheet, with Identifier and Grade: found nothing."),
    "no sheet": (*MOODLE, "There is no worksheet 'sheet.csv'. Give it: --MoodleWorksheetExporter.worksheet=FILE"),
    "no page": ("MoodleFeedbackExporter", "--to=out.csv", "--MoodleFeedbackExporter.worksheet=FILE"),
    "no folder": ("TextExporter", "--to=nowhere/out.csv", "nowhere/out.csv: No such file or directory. Nothing was"),
    "a folder": ("TextExporter", "--to=submitted", "submitted: Is a directory. Nothing was written. Mend this"),
    "assignment": ("TextExporter", "--assignment=['no']", "The gradebook has no assignment called no. Nothing was"),
    "student": ("TextExporter", "--student=['ada', 'nobody']", "has no student called nobody. Nothing was written."),
}  # fmt: skip


@pytest.mark.parametrize("sheet", REFUSED)
def test_what_keeps_the_file_from_being_written_is_told_in_a_sentence(small_class, sheet):
    exporter, option, why = REFUSED[sheet]
    path = small_class.root / "sheet.csv"
    path.unlink(missing_ok=True)
    if exporter == MOODLE[0] and sheet != "no sheet":
        path.write_text(sheet)
    done = small_class.runs_here(ExportApp, f"--exporter=lib.grading.pages.exports.{exporter}", option)
    assert done.returncode == 1 and why in done.stderr
    assert "Traceback" not in done.stderr


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
    assert "Written answers to mark None waits. Marked, and graded again since The points that you gave count." in page
    assert f"King, Ada ✎ numbers {points} of 24" in page or f"King, Ada ✎ {points} of 24" in page
    run(FeedbackApp, course.root, ASSIGNMENT)
    assert f"{points} of 24 points" in text_of(course.feedback("ada"))


FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1+1", "\t=1+1", "\r=1+1", "\n=1+1", '"=1+1', "'=1+1", "\u200b=1+1",
    "\ufeff=1+1", "\u00a0=1+1",
    "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "\t1", "=", "-2+3+cmd|' /C calc'!A0", "--1", "-1;2", "-1x",
]  # fmt: skip
HARMLESS = [
    "Ada", "O'Neil", "Bảo", "", "a=b", "ada@example.org", "77", "-3.5", "-1e-05", "-", "    Points Possible", "2-1",
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
    written = {}
    for exporter in ("nbgrader.plugins.CsvExportPlugin", "lib.grading.pages.exports.TextExporter"):
        done = small_class.runs_here(ExportApp, f"--exporter={exporter}", "--to=out.csv")
        assert done.returncode == 0, done.stderr
        written[exporter] = (small_class.root / "out.csv").read_text(encoding="utf-8")
    head, *lines = [line.split(",") for line in written["nbgrader.plugins.CsvExportPlugin"].splitlines()]
    stock = {line[head.index("student_id")]: dict(zip(head, line, strict=False)) for line in lines}
    ours = {
        row["student_id"]: row for row in csv.DictReader(written["lib.grading.pages.exports.TextExporter"].splitlines())
    }
    assert [*ours["ada"]] == head
    assert stock["ada"] == ours["ada"]
    assert stock["mona"] == ours["mona"]
    assert ours["bao"]["last_name"] == "Nguyễn, Dr."  # which shifts all columns in nbgrader's own


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


SHEET = """Identifier,Full name,Email address,Grade,Maximum Grade
Participant 501,Ada King,ADA@example.org,,100.00
Participant 502,Mona Missing,mona@example.org,,100.00
Participant 77,Finn Finnsson,,,100.00
"""


@pytest.fixture
def fed_back(small_class, tmp_path):
    """The small class with a worksheet of Moodle's, and with pages of Ada and Emil; Finn was collected from Moodle."""
    course = small_class.copy(tmp_path, "feedback")
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook, gradebook:
        for table, column in (("student", "id"), ("submitted_assignment", "student_id")):
            gradebook.execute(f"UPDATE {table} SET {column} = 'Finn_Finnsson_77' WHERE {column} = 'finn'")
    for student in ("ada", "emil", "Finn_Finnsson_77"):
        folder = course.root / "feedback" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.html").write_text(f"the page of {student}")
        (folder / "Full points.html").write_text("handed in by a student, and copied beside the page")
    return course


def zipped(course, worksheet=SHEET):
    (course.root / "worksheet.csv").write_text(worksheet)
    options = ("--MoodleFeedbackExporter.worksheet=worksheet.csv", "--to=feedback.zip")
    done = course.runs_here(ExportApp, "--exporter=lib.grading.pages.exports.MoodleFeedbackExporter", *options)
    assert done.returncode == 0, done.stderr
    with ZipFile(course.root / "feedback.zip") as file:
        return {whose(name): file.read(name).decode() for name in file.namelist()}, done.stderr


def whose(name):
    """Find the participant and the file's name there: the rule of `is_valid_filename_for_import`."""
    assert not name.startswith((".", "~")) and "/" not in name
    _, number, kind, plugin, file = name.split("_", 4)
    assert (kind, plugin) == ("assignfeedback", "file") and number.isdigit()
    return int(number), file


def test_each_page_goes_to_the_student_whose_it_is(fed_back):
    """Who has no page, or no row, is named."""
    found, said = zipped(fed_back)
    page = f"{ASSIGNMENT}.html"
    assert found == {(501, page): "the page of ada", (77, page): "the page of Finn_Finnsson_77"}
    [without_page] = [line for line in said.splitlines() if "no feedback pages of these students" in line]
    assert "bao" in without_page and "emil" not in without_page and "mona" not in without_page
    assert "not their pages: emil." in said


@pytest.mark.parametrize(
    ("before", "after"), [("Participant 501", "Ada"), ("mona@", "ada@")], ids=["no number", "two rows"]
)
def test_whose_row_is_not_certain_gets_nothing_and_is_named(fed_back, before, after):
    found, said = zipped(fed_back, SHEET.replace(before, after))
    assert "not their pages: ada, emil." in said
    assert [number for number, _ in found] == [77]
