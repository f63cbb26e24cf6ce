"""Gradebook, verdicts and folders tell of a submission alike, or grading makes them anew and the report says so."""

import json
import os
import re
import shutil

import nbformat
import pytest
from lib.grading.marking_queue import HANDED_IN, read_digest
from lib.grading.submissions.tries import digest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import run
from lib.grading.commands.report import ReportApp
from lib.grading.judge.verdict import FILE, LARGEST_FILE, DamagedVerdictError, Verdict
from lib.units.softmax_classifier.closed.sample_class import RIGHT
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.active import text_of
from tests.grading.conftest import Course
from tests.submissions import as_bytes, replaced, right

STUDENTS = ("ada", "emil", "finn")


@pytest.fixture(scope="module")
def graded_once(new_course, tmp_path_factory):
    """Three right submissions, graded."""
    course = new_course(tmp_path_factory.mktemp("drift") / "course")
    for student in STUDENTS:
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_bytes(as_bytes(right(nbformat.read(course.released(), as_version=4))))
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    return course


@pytest.fixture
def course(graded_once, tmp_path):
    """A copy of the course, in which each test may break something."""
    shutil.copytree(graded_once.root, tmp_path / "course", symlinks=True)
    return Course(tmp_path / "course")


def gradebook(course):
    return Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer")


def points(course):
    with gradebook(course) as book:
        return {one.student.id: one.score for one in book.assignment_submissions(ASSIGNMENT)}


def report(course, capsys, *arguments):
    """Write the report; give the page's text and what the command said."""
    run(ReportApp, course.root, ASSIGNMENT, *arguments)
    return text_of((course.root / "reports" / f"{ASSIGNMENT}.html").read_text()), capsys.readouterr().out


def not_json(path):
    path.write_text("{not json")


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def a_link(path):
    path.rename(path.with_name("elsewhere.json"))
    path.symlink_to("elsewhere.json")


def a_link_to_nothing(path):
    path.unlink()
    path.symlink_to("nothing")


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def huge(path):
    with path.open("r+b") as file:
        file.truncate(LARGEST_FILE + 1)


def gone(path):
    path.unlink()


def changed(**values):
    def change(path):
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    change.__name__ = ",".join(f"{key}={str(value)[:20]}" for key, value in values.items())
    return change


def changed_part(**values):
    def change(path):
        data = json.loads(path.read_text())
        data["parts"][0].update(values)
        path.write_text(json.dumps(data))

    change.__name__ = ",".join(f"part.{key}={value}" for key, value in values.items())
    return change


STATEMENT = {"name": "a", "text": "b", "max_points": 1.0, "state": "right", "why": ""}
DAMAGES = [
    not_json, cut_short, emptied, a_link, a_link_to_nothing, a_folder, a_pipe, huge, gone,
    *(lambda path, text=text: path.write_text(text) for text in ("null", "[]", "3", '"verdict"', "{}", "[" * 10_000)),
    lambda path: path.write_bytes(b"\xff\xfe" * 50),
    changed(student="emil"), changed(assignment="another"), changed(seed="1"),
    changed(parts=None), changed(parts={}), changed(parts=[]), changed(parts=[1]), changed(remarks=[1]),
    changed(library_calls=7), changed(more=1), changed(points=20), changed(seed=True),
    changed_part(statements=[{**STATEMENT, "state": "splendid"}]), changed_part(statements=[{**STATEMENT, "why": 1}]),
    changed_part(statements=[{**STATEMENT, "max_points": "4"}]), changed_part(statements=[{"name": "a"}]),
    changed_part(statements=5), changed_part(mistake="text"), changed_part(mistake={"name": 1, "hint": ""}),
    changed_part(title=None), changed_part(id=[]), changed_part(problem=0),
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_verdict_is_never_read_as_one(course, damage):
    path = course.root / "autograded" / "ada" / ASSIGNMENT / FILE
    damage(path)
    for evidence in (False, True):
        with pytest.raises((DamagedVerdictError, FileNotFoundError)):
            Verdict.load(path.parent, evidence, of=(ASSIGNMENT, "ada"))


def test_one_damaged_verdict_is_for_a_person_and_grading_makes_it_anew(course, capsys):
    """Without --force, and without touching the others."""
    folders = {student: course.root / "autograded" / student / ASSIGNMENT for student in STUDENTS}
    before = {student: course.verdict(student) for student in STUDENTS}
    kept = (folders["finn"] / FILE).stat().st_ino
    cut_short(folders["ada"] / FILE)
    gone(folders["emil"] / FILE)
    page, _ = report(course, capsys)
    assert "ada ✎: the verdict's file can't be read as JSON" in page
    assert "emil ✎: the verdict's file is missing" in page
    assert "Handed in and not graded" in page
    pages = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert pages.returncode == 0, pages.stderr
    assert "Traceback" not in pages.stderr
    assert "The page of ada has no summary" in pages.stderr
    assert "The page of emil has no summary" in pages.stderr
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    assert "2 graded before, and now again" in done.stdout
    assert "1 skipped" in done.stdout
    assert {student: course.verdict(student) for student in STUDENTS} == before
    assert (folders["finn"] / FILE).stat().st_ino == kept
    assert "the verdict's file" not in report(course, capsys)[0]


OTHERS = {
    "another notebook": lambda data: data.update(notebook="another"),
    "a part less": lambda data: data["parts"].pop(),
    "a part more": lambda data: data["parts"].append(data["parts"][0] | {"id": "check-more"}),
    "a statement less": lambda data: data["parts"][0]["statements"].pop(),
}


@pytest.mark.parametrize("change", OTHERS)
def test_a_verdict_on_something_else_ends_no_report_and_is_made_anew(course, capsys, change):
    path = course.root / "autograded" / "ada" / ASSIGNMENT / FILE
    data, before = json.loads(path.read_text()), course.verdict("ada")
    OTHERS[change](data)
    path.write_text(json.dumps(data))
    report(course, capsys)
    done = course.zerolayer("grade", ASSIGNMENT)
    assert "1 graded before, and now again" in done.stdout, done.stderr
    assert course.verdict("ada") == before


def test_without_a_verdict_that_can_be_read_there_is_no_report_but_a_sentence(course, capsys):
    for student in STUDENTS:
        cut_short(course.root / "autograded" / student / ASSIGNMENT / FILE)
    with pytest.raises(SystemExit) as ended:
        run(ReportApp, course.root, ASSIGNMENT)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "There is no verdict" in said
    assert "The verdict.json of ada can't be read as JSON" in said


@pytest.mark.parametrize("evidence", [None, {}, {"shape": [1], "values": ["x"]}, {"shape": [2], "values": [1.0]}])
def test_damaged_evidence_costs_the_report_nothing_else(course, capsys, evidence):
    path = course.root / "autograded" / "ada" / ASSIGNMENT / FILE
    data = json.loads(path.read_text())
    assert data["parts"][0]["challenge"]
    data["parts"][0]["challenge"] = {"y_batch": evidence}
    path.write_text(json.dumps(data))
    _, said = report(course, capsys, "--student=ada")
    assert "ada.html" in said
    assert "21 of 21 points" in text_of((course.root / "reports" / ASSIGNMENT / "ada.html").read_text())
    assert "3 graded submissions" in said


def test_a_student_who_was_removed_leaves_the_report_and_the_exports(course, capsys):
    assert "emil" in report(course, capsys)[0]
    removed = course.nbgrader("db", "student", "remove", "emil", "--force")
    assert removed.returncode == 0, removed.stderr
    page, said = report(course, capsys)
    assert "emil" not in page
    assert "graded2" in page.replace(" ", "").replace("\n", "")
    assert "aren't in the gradebook: emil" in said
    for options in ((), ("--exporter=lib.grading.pages.exports.CanvasExporter",)):
        assert course.nbgrader("export", "--to=out.csv", *options).returncode == 0
        assert "emil" not in (course.root / "out.csv").read_text()


@pytest.mark.parametrize("roster", [(), STUDENTS])
def test_a_gradebook_that_was_made_anew_gets_all_again(course, capsys, roster):
    before = points(course)
    (course.root / "gradebook.db").unlink()
    assert course.zerolayer("build", ASSIGNMENT, UNPROVED).returncode == 0
    with gradebook(course) as book:
        for student in roster:
            book.add_student(student)
    with pytest.raises(SystemExit):
        report(course, capsys)
    said = capsys.readouterr().err
    assert "the gradebook doesn't have" in said if roster else "aren't in the gradebook: ada, emil, finn" in said
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    assert "3 graded before, and now again" in done.stdout
    assert "ada   the gradebook had nothing of it" in done.stdout
    assert points(course) == before
    assert "skipped" in course.zerolayer("grade", ASSIGNMENT).stdout


def test_points_that_differ_are_told_and_graded_again(course, capsys):
    with gradebook(course) as book:
        book.find_grade("check-cce", ASSIGNMENT, ASSIGNMENT, "ada").auto_score = 0.5
        book.find_grade("check-train", ASSIGNMENT, ASSIGNMENT, "emil").auto_score = None
        book.find_grade("check-train", ASSIGNMENT, ASSIGNMENT, "finn").manual_score = 1.5  # a person's mark is no drift
        book.db.commit()
    page, _ = report(course, capsys)
    for student in ("ada", "emil"):
        assert f"{student} ✎: the verdict's file has other points than the gradebook" in page
    assert "finn ✎: the verdict" not in page
    done = course.zerolayer("grade", ASSIGNMENT)
    assert "2 graded before, and now again" in done.stdout
    assert "1 skipped" in done.stdout
    assert points(course) == {"ada": 21, "emil": 21, "finn": 18.5}


def assert_other_work_of_ada_is_graded(course):
    file = course.root / "submitted" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    file.write_bytes(
        as_bytes(replaced(nbformat.read(file, as_version=4), "loss", RIGHT["loss"][0], "-np.mean(y * np.log(yhat))"))
    )
    done = course.zerolayer("grade", ASSIGNMENT)
    assert "ada  what was handed in has changed since" in done.stdout
    assert "2 skipped" in done.stdout
    assert points(course) == {"ada": 19, "emil": 21, "finn": 21}


def test_other_work_than_was_graded_is_graded_also_where_no_time_tells(course):
    """A later download of an LMS replaces files, and says nothing of when they were handed in."""
    file = course.root / "submitted" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    graded = course.root / "autograded" / "ada" / ASSIGNMENT / file.name
    assert read_digest(graded) == digest(file.parent)
    file.write_bytes(file.read_bytes())
    assert "3 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout
    assert_other_work_of_ada_is_graded(course)
    assert "3 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout


def test_other_work_than_an_earlier_version_graded_is_graded(course):
    """Versions before 0.4 kept no digest of what they graded, and `nbgrader autograde` keeps none."""
    for graded in (course.root / "autograded").glob(f"*/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"):
        times, content = graded.stat(), graded.read_bytes()
        graded.chmod(0o644)
        graded.write_bytes(re.sub(rb', ?"%s": ?"[0-9a-f]+"' % HANDED_IN.encode(), b"", content))
        assert graded.read_bytes() != content
        os.utime(graded, ns=(times.st_atime_ns, times.st_mtime_ns))
    emil = course.root / "submitted" / "emil" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    emil.write_bytes(emil.read_bytes())
    assert "3 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout
    assert_other_work_of_ada_is_graded(course)


def test_rows_without_a_folder_are_graded_again(course):
    shutil.rmtree(course.root / "autograded" / "ada")
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    assert course.verdict("ada").points == 21


def test_a_secret_that_was_lost_in_the_term_is_told(course):
    before = course.verdict("ada")
    (course.root / "judge_secret").unlink()
    done = course.zerolayer("grade", ASSIGNMENT, "--force", "--student=ada")
    assert done.returncode == 0, done.stderr
    assert "judge_secret was missing and has been made anew, though 3 submissions were graded" in done.stderr
    assert course.verdict("ada").seed != before.seed
    assert "judge_secret" not in course.zerolayer("grade", ASSIGNMENT, "--force", "--student=ada").stderr


@pytest.mark.parametrize("place", ["reports", f"reports/{ASSIGNMENT}.html", f"reports/{ASSIGNMENT}"])
def test_where_no_report_can_be_written_there_is_a_sentence(course, capsys, place):
    """What stands in the way is another kind of file: that also stops root, whom no permission does."""
    (course.root / place).parent.mkdir(exist_ok=True)
    if place.endswith("html"):
        (course.root / place).mkdir()
    else:
        (course.root / place).write_text("in the way")
    with pytest.raises(SystemExit) as ended:
        run(ReportApp, course.root, ASSIGNMENT, "--student=ada")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "can't be written: " in said
    assert "Errno" not in said


def test_a_read_only_course_is_told_in_a_sentence(course):
    """As somebody whom permissions do stop, where root runs the tests."""
    reports = course.root / "reports"
    reports.mkdir()
    reports.chmod(0o555)
    if os.access(reports, os.W_OK):
        pytest.skip("no permission stops this user")
    done = course.zerolayer("report", ASSIGNMENT)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "can't be written" in done.stderr


def test_a_gradebook_that_cannot_be_read_is_told_in_a_sentence(course):
    (course.root / "gradebook.db").write_bytes(b"not a database " * 100)
    done = course.zerolayer("report", ASSIGNMENT)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "can't be read" in done.stderr
