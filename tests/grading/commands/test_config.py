"""A configuration that can't be read, isn't there, or doesn't judge: a command says so and does nothing."""

import shutil

import pytest

from lib.grading.commands import app
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.report import ReportApp
from tests.grading.conftest import Course

UNIT, CONFIG, JSON = "tiny", "nbgrader_config.py", "nbgrader_config.json"
IN_COURSE = [name for name, kind in app.APPS.items() if kind.in_course]


@pytest.fixture
def course(small_course, tmp_path):
    course = Course(shutil.copytree(small_course.root, tmp_path / "course"))
    shutil.copytree(course.root / "notebooks", course.root / "submitted" / "ada")
    return course


def refused(course, kind, *arguments):
    """Run a command that has to be refused in a sentence; return that."""
    done = course.runs_here(kind, UNIT, *arguments)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (course.root / "autograded" / "ada").exists()
    return done.stderr


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (CONFIG, "c = get_config()\nc.X = (\n", "line 2: SyntaxError"),
        (CONFIG, "c = get_config()\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
        (CONFIG, "import no_such_module\n", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        (CONFIG, "import json\njson.loads('{')\n", "line 2: JSONDecodeError"),
        (CONFIG, "import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
        (CONFIG, "x = '\udcff'\n", "SyntaxError"),
        (JSON, '{"Autograde": ', "line 1: JSONDecodeError"),
        (JSON, '{"version": 7}', "ValueError: Unknown version of JSON config file: 7"),
    ],
)
def test_each_way_to_fail_is_told_with_its_place(tmp_path, file, text, told):
    (tmp_path / file).write_text(text, errors="surrogateescape")
    said = refused(Course(tmp_path), ReportApp)
    assert str(tmp_path / file) in said
    assert told in said


def test_every_command_of_a_course_refuses_a_broken_configuration_and_none(tmp_path):
    off = []
    for name in IN_COURSE:
        (tmp_path / CONFIG).write_text("\nc.Autograde.force = = True\n")
        off += [name] if "line 2: SyntaxError" not in refused(Course(tmp_path), app.APPS[name]) else []
        (tmp_path / CONFIG).unlink()
        [said] = refused(Course(tmp_path), app.APPS[name]).strip().splitlines()  # nbgrader would warn once more
        off += [name] if f"There is no nbgrader_config.py in {tmp_path}" not in said else []
    assert not off and len(IN_COURSE) > 5


def test_a_secret_that_is_none_is_refused_before_anything_is_graded(course):
    (course.root / "judge_secret").write_text("")
    assert "judge_secret must contain the course's secret" in refused(course, GradeApp)
