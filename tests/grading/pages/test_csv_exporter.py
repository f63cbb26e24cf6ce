"""What `nbgrader export` writes: nbgrader's own columns, and no formula."""

import csv
import re

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp

from lib.grading.commands.demo import run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.safe_names import escape_formula
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.pages.conftest import FILLINGS

pytestmark = pytest.mark.xdist_group("a graded class")

OURS = "--exporter=lib.grading.pages.csv_exporter.TextExporter"


def exported(course, *options):
    done = course.runs_here(ExportApp, OURS, "--to=out.csv", *options)
    assert done.returncode == 0, done.stderr
    with (course.root / "out.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_what_was_marked_and_graded_again_is_marked(small_class, tmp_path):
    """nbgrader asks for a person's eye once more; the points are there, and every page and file has the same."""
    course = small_class.copy(tmp_path)
    thirds = {"explain-gradient": 4 / 3, "explain-rate-and-batch": 0.1}
    students = (*FILLINGS, "lars")
    course.marks({(student, cell): points for student in students for cell, points in thirds.items()}, again=True)
    points = "21.4333"
    assert {row[3]: row[9] for row in exported(course, f"--assignment=['{ASSIGNMENT}']")}["ada"] == points
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
            "ada", first_name='=HYPERLINK("//evil")', last_name="@SUM(A1);=2", email="+1"
        )
    exported(course)
    text = (course.root / "out.csv").read_text(encoding="utf-8")
    assert "HYPERLINK" in text
    cells = [cell for mark in ",;\t" for row in csv.reader(text.splitlines(), delimiter=mark) for cell in row]
    assert not [cell for cell in cells if cell.lstrip(" \t\"'")[:1] in tuple("=+@") and not cell.startswith("'")]


def test_nbgraders_own_columns_and_numbers_are_kept(small_class):
    done = small_class.runs_here(ExportApp, "--exporter=nbgrader.plugins.CsvExportPlugin", "--to=stock.csv")
    assert done.returncode == 0, done.stderr
    lines = (small_class.root / "stock.csv").read_text(encoding="utf-8").splitlines()
    stock = {line.split(",")[3]: line.split(",") for line in lines}
    ours = {row[3]: row for row in exported(small_class)}
    assert [ours[key] for key in ("student_id", "ada", "mona")] == [stock[key] for key in ("student_id", "ada", "mona")]
    assert ours["bao"][4] == "Nguyễn, Dr."  # which shifts all columns in nbgrader's own
    some = exported(small_class, "--student=['ada', 'emil']", f"--assignment=['{ASSIGNMENT}']")
    assert {row[3] for row in some} == {"student_id", "ada", "emil"}
