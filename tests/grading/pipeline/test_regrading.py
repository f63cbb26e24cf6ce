"""What was graded stands, unless gradebook, verdict and folder tell of it differently: then it is graded once more.

Nothing else is: who gave marks would have to look at them again.
"""

import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import run
from lib.grading.commands.report import ReportApp
from lib.grading.judge.verdict import FILE, LARGEST_FILE, DamagedVerdictError, Verdict
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.active import text_of
from tests.grading.conftest import Course, refusal
from tests.grading.pipeline.test_replay import hand_in
from tests.sample_class import RIGHT
from tests.submissions import as_bytes, replaced, right

STUDENTS = ("ada", "emil", "finn")
NOTEBOOK = f"{ASSIGNMENT}.ipynb"


@pytest.fixture(scope="module")
def graded_once(new_course, tmp_path_factory):
    """Three right submissions, graded."""
    course = new_course(tmp_path_factory.mktemp("due") / "course")
    for student in STUDENTS:
        hand_in(course, student, right(nbformat.read(course.released(), as_version=4)))
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    return course


@pytest.fixture
def course(graded_once, tmp_path):
    """A copy of the course, in which each test may break something."""
    shutil.copytree(graded_once.root, tmp_path / "course", symlinks=True)
    return Course(tmp_path / "course")


def place(course, student="ada"):
    return course.root / "autograded" / student / ASSIGNMENT / FILE


def gradebook(course):
    return Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer")


def points(course):
    with gradebook(course) as book:
        return {one.student.id: one.score for one in book.assignment_submissions(ASSIGNMENT)}


def report(course, capsys, *arguments):
    """Write the report; give the page's text and what the command said."""
    run(ReportApp, course.root, ASSIGNMENT, *arguments)
    return text_of((course.root / "reports" / f"{ASSIGNMENT}.html").read_text()), capsys.readouterr().out


def grade(course, again=0, *arguments):
    """Grade, and see that so many were due again; give what was said."""
    done = course.zerolayer("grade", ASSIGNMENT, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(STUDENTS) - again} skipped" in done.stdout if again < len(STUDENTS) else "skipped" not in done.stdout
    assert (f"{again} graded again" in done.stdout) == bool(again)
    return done.stdout


# A verdict's file may be anything


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_link(path):
    path.rename(path.with_name("elsewhere.json"))
    path.symlink_to("elsewhere.json")


def edit(path, change):
    """Write a verdict's file anew, after a change of its data."""
    change(data := json.loads(path.read_text()))
    path.write_text(json.dumps(data))


def with_values(of_part=False, **values):
    return lambda path: edit(path, lambda data: (data["parts"][0] if of_part else data).update(values))


STATEMENT = {"name": "a", "text": "b", "max_points": 1.0, "state": "right"}
TEXTS = ("{not json", "", "null", "[]", "3", "{}", "[" * 10_000)
DAMAGES = {
    **{f"the text {text[:9]!r}": lambda path, text=text: path.write_text(text) for text in TEXTS},
    "no letters": lambda path: path.write_bytes(b"\xff\xfe" * 50),
    "cut short": cut_short,
    "gone": Path.unlink,
    "a link": a_link,
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: os.truncate(path, LARGEST_FILE + 1),
    **{
        f"{name} = {value!r}": with_values(**{name: value})
        for name, value in (
            ("student", "emil"), ("assignment", "another"), ("seed", "1"), ("seed", True), ("parts", None),
            ("parts", {}), ("parts", []), ("parts", [1]), ("remarks", [1]),
            ("reasons", "a"), ("reasons", [1]), ("waits", []), ("waits", {"a": 1}), ("digest", 1),
        )
    },
    **{
        f"part's {name} = {value!r}": with_values(of_part=True, **{name: value})
        for name, value in (
            ("statements", [{**STATEMENT, "state": "splendid"}]), ("statements", [{**STATEMENT, "why": 1}]),
            ("statements", [{**STATEMENT, "max_points": "4"}]), ("statements", [{"name": "a"}]), ("statements", 5),
            ("mistake", "text"), ("mistake", {"name": 1, "hint": ""}), ("title", None), ("id", []), ("problem", 0),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_verdict_is_never_read_as_one(graded_once, tmp_path, damage):
    damage(shutil.copy(place(graded_once), tmp_path / FILE))
    with pytest.raises(DamagedVerdictError):
        Verdict.load(tmp_path, of=(ASSIGNMENT, "ada"))


def test_one_damaged_verdict_is_for_a_person_and_grading_makes_it_anew(course, capsys):
    """Without --force, and without touching the others."""
    before, kept = {student: course.verdict(student) for student in STUDENTS}, place(course, "finn").stat().st_ino
    cut_short(place(course))
    place(course, "emil").unlink()
    page, _ = report(course, capsys)
    assert "ada ✎: the verdict's file can't be read as JSON" in page
    assert "emil ✎: the verdict's file is missing" in page
    assert "Grade 2 submissions" in page
    pages = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert pages.returncode == 0, pages.stderr
    assert "Traceback" not in pages.stderr
    assert all(f"The page of {student} has no summary" in pages.stderr for student in ("ada", "emil"))
    said = grade(course, 2)
    assert "emil  its verdict.json is missing" in said
    assert {student: course.verdict(student) for student in STUDENTS} == before
    assert place(course, "finn").stat().st_ino == kept
    assert "the verdict's file" not in report(course, capsys)[0]


OTHERS = {
    "on another notebook": (lambda data: data.update(notebook="another"), "has other parts or points"),
    "a part less": (lambda data: data["parts"].pop(), "has other parts or points"),
    "a statement less": (lambda data: data["parts"][0]["statements"].pop(), "has other parts or points"),
    "other points": (lambda data: data["parts"][0]["statements"][0].update(state="wrong"), "had other points"),
    "of other work": (lambda data: data.update(digest="0" * 32), "submitted files have changed"),
    "of no work": (lambda data: data.update(digest=""), "submitted files have changed"),
}


def test_verdicts_on_something_else_end_no_report_and_are_made_anew(course, capsys):
    before, changes = {student: course.verdict(student) for student in STUDENTS}, iter(OTHERS.values())
    while changed := dict(zip(STUDENTS, changes, strict=False)):
        for student, (change, _) in changed.items():
            edit(place(course, student), change)
        report(course, capsys)
        said = grade(course, len(changed))
        for student, (_, told) in changed.items():
            assert re.search(f"{student} .*{told}", said)
        assert {student: course.verdict(student) for student in STUDENTS} == before


# The gradebook may be another one


def test_a_student_who_was_removed_is_to_be_graded_again_or_removed_and_has_no_points(course, capsys):
    assert "emil" in report(course, capsys)[0]
    removed = course.nbgrader("db", "student", "remove", "emil", "--force")
    assert removed.returncode == 0, removed.stderr
    page, said = report(course, capsys)
    assert "covers 2 graded submissions" in said
    assert page.count("emil") == 1
    assert "emil: the verdict's file is about a submission that the gradebook doesn't have: if the student has" in page
    exported = course.nbgrader("export", "--to=out.csv")
    assert exported.returncode == 0
    assert "emil" not in (course.root / "out.csv").read_text()


def test_a_gradebook_that_was_made_anew_gets_all_again(course, capsys):
    """Also of students whom nobody has added to it."""
    before = points(course)
    (course.root / "gradebook.db").unlink()
    assert course.zerolayer("build", ASSIGNMENT, UNPROVED).returncode == 0
    with gradebook(course) as book:
        book.add_student("ada")
    said = refusal(capsys, run, ReportApp, course.root, ASSIGNMENT)
    assert said.count("the gradebook doesn't have") == 3
    assert "ada   the gradebook had no marks for it" in grade(course, 3)
    assert points(course) == before
    grade(course)


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
    grade(course, 2)
    assert course.zerolayer("grade", ASSIGNMENT, "--force").returncode == 0
    assert points(course) == {"ada": 20, "emil": 20, "finn": 17.5}


# What was handed in may be other work


def test_other_work_than_was_graded_is_graded_also_where_no_time_tells(course):
    """A later download of an LMS replaces files, and says nothing of when they were handed in. Nor does a folder that
    is gone: its rows in the gradebook stand for nothing."""
    file = course.root / "submitted" / "ada" / ASSIGNMENT / NOTEBOOK
    file.write_bytes(file.read_bytes())
    grade(course)
    wrong = replaced(nbformat.read(file, as_version=4), "loss", RIGHT["loss"][0], "-np.mean(y * np.log(yhat))")
    file.write_bytes(as_bytes(wrong))
    assert "ada  the submitted files have changed since" in grade(course, 1)
    assert points(course) == {"ada": 19, "emil": 20, "finn": 20}
    grade(course)
    shutil.rmtree(place(course).parent)
    assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    assert course.verdict("ada").points == 19


def test_a_secret_that_was_lost_in_the_term_is_told(course):
    before = course.verdict("ada")
    (course.root / "judge_secret").unlink()
    done = course.zerolayer("grade", ASSIGNMENT, "--force", "--student=ada")
    assert done.returncode == 0, done.stderr
    assert "judge_secret was missing and has been created again, but 3 submissions were graded" in done.stderr
    assert course.verdict("ada").seed != before.seed
    assert "judge_secret" not in course.zerolayer("grade", ASSIGNMENT, "--force", "--student=ada").stderr
