"""The zip of feedback pages, read as Moodle reads it: `assignfeedback_file_zip_importer`."""

import shutil
import sqlite3
from contextlib import closing
from zipfile import ZipFile

import pytest
from nbgrader.apps import ExportApp

from tests.course import ASSIGNMENT
from tests.grading.conftest import Course

EXPORTER = "MoodleFeedbackExporter"
WORKSHEET = """Identifier,Full name,Email address,Grade,Maximum Grade
Participant 501,Ada King,ADA@example.org,,100.00
Participant 502,Mona Missing,mona@example.org,,100.00
Participant 77,Finn Finnsson,,,100.00
"""


@pytest.fixture
def graded(small_class, tmp_path):
    """The small class with a worksheet of Moodle's, and with pages of Ada and Emil; Finn was collected from Moodle."""
    shutil.copytree(small_class.root, tmp_path / "course")
    course = Course(tmp_path / "course")
    (course.root / "worksheet.csv").write_text(WORKSHEET)
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook, gradebook:
        for table, column in (("student", "id"), ("submitted_assignment", "student_id")):
            gradebook.execute(f"UPDATE {table} SET {column} = 'Finn_Finnsson_77' WHERE {column} = 'finn'")
    shutil.rmtree(course.root / "feedback", ignore_errors=True)
    for student in ("ada", "emil", "Finn_Finnsson_77"):
        folder = course.root / "feedback" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.html").write_text(f"the page of {student}")
        (folder / ".made_from.json").write_text("{}")
        (folder / "Full points.html").write_text("handed in by a student, and copied beside the page")
    return course


def exported(course, *options):
    exporter = f"--exporter=lib.grading.pages.feedback_zip.{EXPORTER}"
    worksheet = f"--{EXPORTER}.worksheet=worksheet.csv"
    return course.runs_here(ExportApp, exporter, worksheet, "--to=feedback.zip", *options)


def whose(name):
    """Find the participant and the file's name there: the rule of `is_valid_filename_for_import`."""
    assert not name.startswith((".", "~")) and "/" not in name
    _, number, kind, plugin, file = name.split("_", 4)
    assert (kind, plugin) == ("assignfeedback", "file") and number.isdigit()
    return int(number), file


def test_each_page_goes_to_the_student_whose_it_is(graded):
    done = exported(graded)
    assert done.returncode == 0, done.stderr
    with ZipFile(graded.root / "feedback.zip") as file:
        found = {whose(name): file.read(name).decode() for name in file.namelist()}
    page = f"{ASSIGNMENT}.html"
    assert found == {(501, page): "the page of ada", (77, page): "the page of Finn_Finnsson_77"}


def test_who_has_no_page_or_no_row_is_named(graded):
    said = exported(graded).stderr
    [without_page] = [line for line in said.splitlines() if "no feedback pages of these students" in line]
    assert "bao" in without_page and "emil" not in without_page and "mona" not in without_page
    [without_row] = [line for line in said.splitlines() if "has no row of these students" in line]
    assert "not their pages: emil." in without_row


def test_who_has_no_number_in_the_worksheet_is_named(graded):
    """Without it Moodle can't tell whose a page is."""
    (graded.root / "worksheet.csv").write_text(WORKSHEET.replace("Participant 501", "Ada"))
    assert "not their pages: ada, emil." in exported(graded).stderr


def test_two_students_who_share_a_row_get_nothing_of_each_other(graded):
    (graded.root / "worksheet.csv").write_text(WORKSHEET.replace("mona@", "ada@"))
    done = exported(graded)
    assert "not their pages: ada, emil." in done.stderr
    with ZipFile(graded.root / "feedback.zip") as file:
        assert [whose(name)[0] for name in file.namelist()] == [77]


def test_without_a_worksheet_the_option_is_named(graded):
    (graded.root / "worksheet.csv").unlink()
    done = exported(graded)
    assert done.returncode == 1 and f"--{EXPORTER}.worksheet=FILE" in done.stderr
    assert not (graded.root / "feedback.zip").exists()
