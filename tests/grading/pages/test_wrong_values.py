"""A gradebook that was edited by hand: text in the place of a number or a time is named, and never counted as 0."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from lib.grading.commands.quicker import GradesApp
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course

OF_FINN = "(SELECT id FROM submitted_assignment WHERE student_id = 'finn')"
MARK = f"""UPDATE grade SET manual_score = '2,5'
    WHERE notebook_id IN (SELECT id FROM submitted_notebook WHERE assignment_id IN {OF_FINN})"""
WRONG = {
    MARK: "in its table grade, manual_score of finn is '2,5', where a number is expected",
    f"UPDATE submitted_notebook SET late_submission_penalty = 'none' WHERE assignment_id IN {OF_FINN}": (
        "in its table submitted_notebook, late_submission_penalty of finn is 'none', where a number is expected"
    ),
    "UPDATE submitted_assignment SET timestamp = 'late' WHERE student_id = 'finn'": (
        "in its table submitted_assignment, timestamp of finn is 'late', where a time in UTC such as"
    ),
    "UPDATE submitted_assignment SET timestamp = '2026-03-01 12:00:00+02:00' WHERE student_id = 'finn'": (
        "timestamp of finn is '2026-03-01 12:00:00+02:00', where a time in UTC such as"
    ),
    "UPDATE submitted_assignment SET extension = '2 days' WHERE student_id = 'finn'": (
        "extension of finn is '2 days', where a length such as 1970-01-03 00:00:00, which is two days, is expected"
    ),
    "UPDATE assignment SET duedate = '31.1.2100'": "in its table assignment, duedate of ",
    "UPDATE grade_cells SET max_score = 'x'": "in its table grade_cells, max_score of check-",
}
RIGHT = (
    """UPDATE submitted_assignment SET extension = '1970-01-03 00:00:00.000000', timestamp = '2026-03-01 12:00:00'"""
)
COMMANDS = (
    ("report", ASSIGNMENT),
    ("feedback", ASSIGNMENT),
    ("grade", ASSIGNMENT),
    ("export", "--exporter=lib.grading.pages.exports.CanvasExporter"),
    ("watch", ASSIGNMENT, "--once"),
)


@pytest.fixture
def course(small_class, tmp_path):
    shutil.copytree(small_class.root, tmp_path / "course")
    return Course(tmp_path / "course")


def edit(course, statement):
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        assert database.execute(statement).rowcount > 0
        database.commit()


@pytest.mark.parametrize("statement", WRONG)
def test_a_value_that_is_none_is_named(course, statement):
    edit(course, statement)
    done = course.runs_here(GradesApp)
    assert done.returncode == 1
    assert WRONG[statement] in done.stderr
    assert not (course.root / "grades.csv").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_refuses_it_in_a_sentence(course, command):
    edit(course, MARK)
    done = course.zerolayer(*command)
    assert done.returncode == 1
    assert f"The gradebook can't be used: {WRONG[MARK]}" in done.stderr
    assert "Traceback" not in done.stderr


def test_times_as_sqlite_keeps_them_are_none_of_these(course):
    edit(course, RIGHT)
    done = course.runs_here(GradesApp)
    assert done.returncode == 0, done.stderr
