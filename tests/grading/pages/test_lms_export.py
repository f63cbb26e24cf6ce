"""`zerolayer export`: whose row is whose, and what goes into it and up to the LMS."""

import csv
import json
import re
from zipfile import ZipFile

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from lib.grading.lms.export import LmsExportApp
from lib.grading.lms.names import name_for_upload
from lib.grading.submissions.collection_records import CollectedSubmission, CollectionRecords, write_collection
from tests.course import ASSIGNMENT

pytestmark = pytest.mark.xdist_group("a graded class")


def exported(course, sheet, *options, encoding="utf-8-sig"):
    """Have a file filled; return its rows, and what was said."""
    (course.root / "sheet.csv").write_text(sheet, encoding)
    done = course.runs_here(LmsExportApp, ASSIGNMENT, "--into=sheet.csv", *options)
    assert done.returncode == 0, done.stderr
    text = (course.root / "sheet-filled.csv").read_text(encoding)
    return list(csv.reader(text.splitlines(), delimiter=";" if ";" in sheet else ",")), done.stdout + done.stderr


HEADS = "Student,ID,SIS User ID,SIS Login ID,Section"
CANVAS = f"""{HEADS},Notes,Softmax Classifier (1234),Essay: softmax (77),Final Score
,,,,,,Manual Posting,,
    Points Possible,,,,,,48.00,10.00,(read only)
"=1+1, Ada",77,,,"1, 2",x,,7.00,
"Ng, Emil",102,N-12,nobody,1,,3.00,,
"Ng, Bao",103,,BAO,1,,ex,,
"Ng, Mona",104,,mona,1,,5.00,,
"""
"""Emil has a SIS ID as the roster has it, Bao's login is in capitals, and he is excused."""


def test_canvas_gets_only_the_rows_and_columns_that_are_filled(small_class):
    rows, said = exported(small_class, CANVAS)
    heads = [*HEADS.split(","), "Softmax Classifier (1234)"]
    assert rows[:3] == [heads, ["", *[""] * 4, "Manual Posting"], ["    Points Possible", *[""] * 4, "48.00"]]
    assert rows[3:] == [
        ["'=1+1, Ada", "77", "", "", "1, 2", "40"],
        ["Ng, Emil", "102", "N-12", "nobody", "1", "38"],
    ]
    assert "Excused in Canvas, and left unchanged: bao (Nguyễn, Dr., Bảo)." in said
    assert re.search("or several, for .*finn.*gail.*`zerolayer roster` adds", said)
    assert re.search("Unmarked written answers count as 0: (.+, ){10}", said)
    assert re.search(r"Points scaled, since the LMS's maximum is not 24: ada( \(.*\))?, emil", said)


def test_a_file_keeps_its_own_signs(small_class):
    sheet = f"{HEADS},A (1)\n    Points Possible,,,,,2.50\nAda,77,,,1,7.50\n".replace(",", ";").replace(".", ",")
    rows, _ = exported(small_class, sheet, "--column=1", encoding="utf-8")
    assert rows[-1] == ["Ada", "77", "", "", "1", "2,0833"]


WORKSHEET = """Identifier,Full name,Email address,Grade,Maximum grade,Last modified (grade),Feedback comments
Participant 501,Ada King,ADA@example.org,,100.00,"Monday, 2 March",Good
Participant 502,Mona,mona@example.org,7.00,100.00,-,
Participant 503,Conor O'Neil,,,20.00,-,
Participant 41201,Li Wei,,,100.00,-,
Participant 41217,Li Wei,,,100.00,-,
"""
STUDENTS = {"Conor_ONeil_503": 10, "Li_Wei_41217": 12, "Li_Wei": 12, "other": 30}
"""Students and points. Those with a number were collected from Moodle, and so was the last one."""
NUMBERS = {"Conor_ONeil_503": "503", "Li_Wei_41217": "41217", "other": "41201"}


@pytest.fixture
def moodle_class(small_class, tmp_path):
    """The class, with some who have points of another way."""
    course = small_class.copy(tmp_path)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer") as gradebook:
        for student, points in STUDENTS.items():
            gradebook.add_student(student)
            [notebook] = gradebook.add_submission(ASSIGNMENT, student).notebooks
            next(grade for grade in notebook.grades if grade.max_score == 4).manual_score = points
        gradebook.db.commit()
    notes = {id: CollectedSubmission("moodle", "", number, False, 0, 0.0, {}, "") for id, number in NUMBERS.items()}
    write_collection(CourseDirectory(root=str(course.root)), ASSIGNMENT, CollectionRecords(notes))
    return course


def test_a_worksheet_gets_the_grades_of_certain_rows(moodle_class):
    """A namesake gets nothing of another's, and nobody more than Moodle takes."""
    rows, said = exported(moodle_class, WORKSHEET)
    assert rows[0] == ["Identifier", "Grade", "Last modified (grade)"]
    grades = {identifier.removeprefix("Participant "): grade for identifier, grade, _ in rows[1:]}
    assert grades == {"501": f"{20 / 24 * 100:.2f}", "503": "8.33", "41201": "100.00", "41217": "50.00"}
    assert "Points reduced to Moodle's maximum, since it accepts no more: other." in said
    assert "has 30 of 4 points for" in said and re.search(
        "several, for Li_Wei, bao.*emil.*Collect the download again with this file", said
    )


def test_moodle_gets_the_page_of_each_student_whose_row_is_certain(moodle_class):
    _, said = exported(moodle_class, WORKSHEET, "--feedback=out.zip")
    with ZipFile(moodle_class.root / "out.zip") as file:
        pages = {name: file.read(name).decode() for name in file.namelist()}
    assert [*pages] == [f"Participant_501_assignfeedback_file_{ASSIGNMENT}.html"]
    assert [*pages.values()] == [small_page(moodle_class, "ada")]
    assert "No feedback, since their work was not collected from an LMS: " in said


def small_page(course, student):
    assert course.zerolayer("feedback", ASSIGNMENT, f"--student={student}").returncode == 0
    return course.feedback(student)


UPLOADED = {
    f"kingada_LATE_101_9001_{ASSIGNMENT}.ipynb": ("canvas", "101", f"kingada_LATE_101_9001_{ASSIGNMENT}.ipynb"),
    f"anon_x7Kd2_9002_{ASSIGNMENT}.ipynb": ("anonymous", "x7Kd2", f"anon_x7Kd2_9002_{ASSIGNMENT}.ipynb"),
    "louis_14_102_9003_a_1.ipynb": ("canvas", "102", "student_102_9003_a_1.ipynb"),
}
"""Downloaded files, the LMS and the number, and the name that goes up: Canvas takes a name's first two numbers."""


@pytest.mark.parametrize("name", UPLOADED)
def test_canvas_gets_a_file_by_whose_name_it_finds_its_owner(name):
    lms, number, expected = UPLOADED[name]
    note = CollectedSubmission(lms, "", number, False, 0, 0.0, {f"{ASSIGNMENT}.ipynb": name}, "")
    assert name_for_upload(note, ASSIGNMENT) == expected


def test_what_students_write_is_shown_as_text_in_the_notebook_that_goes_up(small_class, tmp_path):
    course = small_class.copy(tmp_path)
    comment = "<img src=x onerror=alert(1)>\n\n![](http://example.org/x.png)"
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer") as gradebook:
        gradebook.find_comment("explain-gradient", ASSIGNMENT, ASSIGNMENT, "emil").manual_comment = comment
        gradebook.db.commit()
    note = CollectedSubmission(
        "canvas", "emil", "5", False, 6, 0.0, {f"{ASSIGNMENT}.ipynb": f"emil_5_6_{ASSIGNMENT}.ipynb"}, ""
    )
    write_collection(CourseDirectory(root=str(course.root)), ASSIGNMENT, CollectionRecords({"emil": note}))
    done = course.runs_here(LmsExportApp, ASSIGNMENT, "--feedback=out.zip")
    assert "ready to upload, with 1 files" in done.stdout, done.stderr
    with ZipFile(course.root / "out.zip") as file:
        cells = json.loads(file.read(f"emil_5_6_{ASSIGNMENT}.ipynb"))["cells"]
    assert "<h1>19 of 20 points so far</h1>" in cells[0]["source"] and "<a " not in cells[0]["source"]
    [below] = [cell["source"] for cell in cells if "onerror" in cell["source"]]
    assert "\n" not in below and "&lt;img" in below and below.startswith("<p><b>Comment:")
    [check] = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == "check-cce"]
    assert "The loss is the mean over all entries of the matrix" in str(check["outputs"])


REFUSED = {
    "has no columns ID and Section or Grade and Identifier: found Name, Points.": "Name,Points\nAda,3\n",
    "no column for 'softmax_classifier': found 'A (1)'": f"{HEADS},A (1)\nAda,77,,,1,\n",
}


def test_what_keeps_a_file_from_being_filled_is_told_in_a_sentence(small_class):
    for why, sheet in REFUSED.items():
        (small_class.root / "sheet.csv").write_text(sheet)
        done = small_class.runs_here(LmsExportApp, ASSIGNMENT, "--into=sheet.csv")
        assert (done.returncode, why in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_without_a_file_to_fill_nbgraders_table_has_the_points(small_class):
    done = small_class.runs_here(LmsExportApp, ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    table = csv.DictReader((small_class.root / "grades.csv").read_text().splitlines())
    [finn] = [row for row in table if row["student_id"] == "finn"]
    with Gradebook(f"sqlite:///{small_class.root / 'gradebook.db'}") as gradebook:
        assert float(finn["score"]) == gradebook.find_submission(ASSIGNMENT, "finn").score > 0
