"""A term on Canvas: its gradebook gives the roster, its download the work, and the same file goes back with points."""

import csv
import io
from datetime import timedelta
from itertools import chain
from zipfile import ZipFile

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete
from lib.grading.judge.verdict import Verdict
from tests.browser import jupyter_lab
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.lms.test_collect import packed, set_due
from tests.sample_class import ANSWERS, RIGHT
from tests.submissions import as_bytes

pytestmark = pytest.mark.slow

TITLE = "Softmax classifier (1234)"
GRADEBOOK = f"""\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,"{TITLE}","Essay: softmax (77)",Current Score
,,,,,,Manual Posting,,
    Points Possible,,,,,,24.00,10.00,(read only)
"King, Ada",101,N-1,ada,Section 1,,,7.00,70.00
"Lopez, Ana",104,N-4,ana,Section 1,"=1+1",,,
"Nguyễn, Bảo",103,,bao,"Section 1, Section 2",,,,
"Roth, Hana",108,N-8,hana,Section 1,,EX,,
"Stone, Emil",102,N-2,emil@uni.example,Section 1,,,,
"Diaz, Gil",107,N-7,gil,Section 1,,,,
"Kim, Lee",105,N-5,,Section 1,,N/A,,
"Weiss, Mona",12345,N-6,mona,Section 1,,,,
"Student, Test",999,,0a1b2c,Section 1,,,,
"""
"""As Canvas writes it: two rows before the students, one of them the instructor's own. Mona's number could also be
somebody's whose work is anonymous."""
WRONG = {**RIGHT, "loss": ("-np.mean(y * np.log(yhat))", RIGHT["loss"][1])}
SCHEME = "1 point: the formula."
POINTS = {"King, Ada": "23.5", "Nguyễn, Bảo": "20", "Stone, Emil": "19", "Diaz, Gil": "20"}
"""What stands in the assignment's column in the end. Ada's written answers are marked, and nobody is late."""
EARLIER = f"kingada_LATE_101_9001_{ASSIGNMENT}.ipynb"
"""What Ada handed in first."""


def work(released, fillings=RIGHT):
    return as_bytes(complete(nbformat.read(released, as_version=4), fillings, ANSWERS))


@pytest.fixture(scope="module")
def term(new_course, tmp_path_factory):
    """The course is built, and everybody's work is collected; two students were late, one of whom had more time."""
    course = new_course(tmp_path_factory.mktemp("canvas"))
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    set_due(course)
    (course.root / "canvas.csv").write_text(GRADEBOOK, encoding="utf-8-sig")
    right, file = work(course.released()), f"{ASSIGNMENT}.ipynb"
    course.zip = {
        f"kingada_LATE_101_9001_{file}": work(course.released(), WRONG),
        f"kingada_LATE_101_9002_{ASSIGNMENT}-1.ipynb": right,
        f"stoneemil_102_9003_{file}": work(course.released(), WRONG),
        f"nguyễnbảo_LATE_103_9004_{file}": right,
        f"rothhana_108_9005_{file}": right,
        f"group3_107_9006_{file}": right,
        f"anon_x7Kd2_9007_{file}": right,
        f"LATE_anon_12345_9008_{file}": right,
        "lopezana_104_text.html": b"<p>I could not upload it.</p>",
        "kimlee_LATE_105_link.html": b"<a href='https://example.org'>here</a>",
    }
    course.roster = course.zerolayer("roster", "canvas.csv")
    course.before = course.zerolayer("extend", ASSIGNMENT, "ada", "--days", "2")
    (course.root / "submissions.zip").write_bytes(packed(*course.zip.items()))
    course.collected = course.zerolayer("collect", ASSIGNMENT, "submissions.zip")
    course.graded = course.zerolayer("grade", ASSIGNMENT)
    return course


def late(course):
    """What being late costs, by student."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {one.student_id: one.late_submission_penalty for one in gradebook.assignment_submissions(ASSIGNMENT)}


@pytest.fixture(scope="module")
def marked(term, browser):
    """Ada's answers are marked in formgrader, to which the report leads, and Bảo gets more time afterwards."""
    term.first_report = term.zerolayer("report", ASSIGNMENT)
    with jupyter_lab(term.root) as lab:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        lab.log_in(page)
        report = browser.new_page(viewport={"width": 390, "height": 800})
        report.goto((term.root / "reports" / f"{ASSIGNMENT}.html").as_uri())
        term.width = report.evaluate("document.documentElement.scrollWidth")
        address = report.get_by_label("King, Ada in formgrader").first.get_attribute("href")
        address = address.partition("#")[0].replace("http://localhost:8888", lab.url)
        page.goto(f"{address}#explain-gradient")
        page.locator("#explain-gradient.needs_manual_grade").wait_for()
        page.locator("#explain-gradient:focus").wait_for(state="attached")
        term.formgrader = page.locator("body").inner_text()
        for id, points in (("explain-gradient", "2"), ("explain-rate-and-batch", "1.5")):
            with page.expect_response(lambda answer: answer.request.method == "PUT"):
                page.locator(f"#{id}").fill(points)
                page.locator(f"#{id}").press("Tab")
    term.lateness = late(term)
    term.after = term.zerolayer("extend", ASSIGNMENT, "bao", "--until", "2026-03-08 12:00 UTC")
    return term


def test_the_roster_is_canvas_and_a_download_finds_its_students(term):
    assert "The roster has the 8 students in canvas.csv, 8 of them new." in term.roster.stdout
    with Gradebook(f"sqlite:///{term.root}/gradebook.db") as gradebook:
        numbers = {one.id: (one.lms_user_id, one.last_name) for one in gradebook.students if one.lms_user_id}
    assert numbers["ada"] == ("101", "King") and numbers["emil@uni.example"] == ("102", "Stone")
    assert numbers["kimlee_105"] == ("105", "Kim"), "without a login the id is that of a download"
    there = {folder.name for folder in (term.root / "submitted").iterdir()}
    assert there == {"ada", "emil@uni.example", "bao", "hana", "gil", "anon_x7Kd2", "anon_12345"}
    assert Verdict.load(term.root / "autograded" / "ada" / ASSIGNMENT).points == 20, "the later of two"
    again = term.zerolayer("roster", "canvas.csv")
    assert "The roster has the 8 students in canvas.csv, 0 of them new." in again.stdout
    assert "Also in the gradebook, but not in that file: anon_12345, anon_x7Kd2." in again.stdout


def test_what_can_be_no_notebook_is_listed_for_a_person(term):
    for student, file in (("ana", "lopezana_104_text.html"), ("kimlee_105", "kimlee_LATE_105_link.html")):
        assert f"{file}: {student} submitted no notebook." in " ".join(term.collected.stdout.split())
    assert "the download names it group3, which isn't gil. If that is a group, enter the" in term.collected.stdout


def test_more_time_counts_before_and_after_the_work_is_there(marked):
    assert "ada was late in Canvas, which doesn't say by how much, and has an extension" in marked.graded.stderr
    assert "ada has 2 days more for softmax_classifier, until 2026-03-03 12:00 UTC." in marked.before.stdout
    assert {who for who, cost in marked.lateness.items() if cost} == {"bao", "anon_12345"}
    assert "bao has 7 days more" in marked.after.stdout and "bao is now on time" in marked.after.stderr
    assert {who for who, cost in late(marked).items() if cost} == {"anon_12345"}


def test_more_time_that_cannot_be_given_changes_nothing(term):
    gil = f"gil has 1.5 days more for {ASSIGNMENT}, until 2026-03-03 00:00 UTC."
    told = {
        ("gil", "--days", "1.5"): gil,
        ("no", "--until", "2026-03-05"): "There is no student no. There are: ",
        ("gil", "--until", "2026-02-01"): "'2026-02-01' can't be used: that is -28.5 days",
        ("gil", "--days", "soon"): "'soon' can't be used: could not convert",
        ("gil", "--days", "1", "--until", "2026-03-05"): "'1 2026-03-05' can't be used: use either --days or --until",
        ("gil",): "'' can't be used: use either --days or --until",
        ("gil", "hana", "--days", "1"): "Name an assignment and a student",
    }
    for arguments, said in told.items():
        done = term.zerolayer("extend", ASSIGNMENT, *arguments)
        assert said in done.stdout + done.stderr and "Traceback" not in done.stderr
        assert done.returncode == (0 if said is gil else 1)
    with Gradebook(f"sqlite:///{term.root}/gradebook.db") as gradebook:
        more = {one.student_id: one.extension for one in gradebook.assignment_submissions(ASSIGNMENT)}
    assert (more["gil"], more["hana"]) == (timedelta(days=1.5), None)


def test_the_mark_scheme_stands_beside_the_answer_and_students_never_get_it(marked):
    assert f"Mark scheme from the solution\n{SCHEME}" in marked.formgrader.replace("\n\n", "\n")
    assert "7 of 7 feedback pages written in" in marked.zerolayer("feedback", ASSIGNMENT).stdout
    theirs = chain(marked.root.glob("notebooks/*/*.ipynb"), marked.root.glob("feedback/*/*/*.html"))
    assert [file for file in theirs if SCHEME in file.read_text()] == []


def test_the_report_knows_who_is_missing_and_fits_a_phone(marked):
    assert marked.width == 390
    assert marked.zerolayer("report", ASSIGNMENT).returncode == 0
    said = text_of((marked.root / "reports" / f"{ASSIGNMENT}.html").read_text().replace("<", " <"))
    assert "Missing: 1 Weiss, Mona" in said and "Canvas doesn't say" in said
    assert "Lopez, Ana ana : lopezana_104_text.html: ana submitted no notebook." in said


def test_what_goes_back_has_the_points_and_finds_its_owners(marked):
    done = marked.zerolayer("export", ASSIGNMENT, "--into", "canvas.csv", "--feedback", "feedback.zip")
    assert done.returncode == 0, done.stderr
    rows = csv.reader(io.StringIO((marked.root / "canvas-filled.csv").read_text("utf-8-sig")))
    assert {row[0]: row[-1] for row in rows if row[1].isdigit()} == POINTS
    assert "Excused in Canvas, and left unchanged: hana (Roth, Hana)." in done.stderr
    assert "Canvas hides whose work this is: anon_12345, anon_x7Kd2." in done.stderr
    with ZipFile(marked.root / "feedback.zip") as file:
        assert {*file.namelist()} == {name for name in marked.zip if name.endswith("ipynb")} - {EARLIER}


def test_points_above_a_maximum_are_named_wherever_points_are_shown(marked):
    with Gradebook(f"sqlite:///{marked.root}/gradebook.db") as gradebook:
        gradebook.find_grade("explain-gradient", ASSIGNMENT, ASSIGNMENT, "gil").manual_score = 22
        gradebook.db.commit()
    for command in (("feedback", ASSIGNMENT), ("report", ASSIGNMENT)):
        assert (done := marked.zerolayer(*command)).returncode == 0
        if command[0] == "feedback":
            assert "gil has 22 of 2 points for explain-gradient." in done.stderr
    said = text_of((marked.root / "reports" / f"{ASSIGNMENT}.html").read_text().replace("<", " <"))
    assert "More points than the maximum" in said and "22 of 2 points for explain-gradient" in said
