"""A configuration that can't be read, isn't there, or doesn't judge: a command says so and does nothing."""

import pytest

from lib.grading.commands.demo import run
from lib.grading.commands.report import ReportApp
from tests.course import ASSIGNMENT

CONFIG = "nbgrader_config.py"
STOCK = """
c.Autograde.sanitize_preprocessors.append("nbgrader.preprocessors.ClearOutput")
c.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.Execute", "lib.grading.submissions.scores.SaveScores"]
"""
FAULTS = {
    "syntax": ("c = get_config()\nc.X = (\n", "line 2: SyntaxError"),
    "exception": ("c = get_config()\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero"),
    "import": ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
    "deep": ("def f():\n    raise ValueError('deep')\n\nf()\n", "line 2: ValueError: deep"),
    "inside a library": ("import json\njson.loads('{')\n", "line 2: JSONDecodeError"),
    "exit": ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
    "bytes": (b"x = '\xff'\n", "SyntaxError"),
    "NUL": ("\0", "Error: source code"),
}


@pytest.fixture(scope="module")
def built(new_course, tmp_path_factory):
    course = new_course(tmp_path_factory.mktemp("config") / "course")
    (course.root / "submitted" / "ada" / ASSIGNMENT).mkdir(parents=True)
    (course.root / "submitted" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_bytes(course.released().read_bytes())
    return course


@pytest.fixture
def course(built):
    """The course, with its own configuration again afterwards."""
    own = (built.root / CONFIG).read_bytes()
    yield built
    (built.root / CONFIG).write_bytes(own)
    (built.root / "nbgrader_config.json").unlink(missing_ok=True)


def refused(course, *command):
    """Give a command that has to be refused in a sentence; return that."""
    done = course.zerolayer(*command)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (course.root / "autograded" / "ada").exists()
    return done.stderr


@pytest.mark.parametrize("command", ["grade", "build", "bundle", "report"])
def test_every_command_refuses_a_broken_configuration(course, command):
    with (course.root / CONFIG).open("a") as config:
        config.write("\nc.Autograde.force = = True\n")
    said = refused(course, command, ASSIGNMENT, *(["--force"] if command == "grade" else []))
    line = (course.root / CONFIG).read_text().count("\n")
    assert f"{course.root / CONFIG}, line {line}: SyntaxError" in said


@pytest.mark.parametrize("fault", FAULTS)
def test_each_way_to_fail_is_told_with_its_place(course, fault, capsys):
    text, told = FAULTS[fault]
    (course.root / CONFIG).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SystemExit) as ended:
        run(ReportApp, course.root, ASSIGNMENT)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert str(course.root / CONFIG) in said
    assert told in said


@pytest.mark.parametrize("text", ['{"Autograde": ', "[1, 2]", '{"version": 7}'])
def test_settings_in_json_are_no_exception(course, text, capsys):
    (course.root / "nbgrader_config.json").write_text(text)
    with pytest.raises(SystemExit) as ended:
        run(ReportApp, course.root, ASSIGNMENT)
    assert ended.value.code == 1
    assert "nbgrader_config.json" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["grade", "build", "report"])
def test_a_course_without_a_configuration_is_refused(course, command):
    (course.root / CONFIG).unlink()
    said = refused(course, command, ASSIGNMENT)
    assert f"There is no nbgrader_config.py in {course.root}" in said
    assert len(said.strip().splitlines()) == 1  # nbgrader's own warning would say it again


@pytest.mark.parametrize("command", ["grade", "build"])
def test_a_configuration_of_nbgraders_own_steps_is_refused(course, command):
    """Stock steps would give full marks for what didn't run, and release the solutions."""
    (course.root / CONFIG).write_text('c.CourseDirectory.course_id = "zerolayer"\n')
    folders = ("--CourseDirectory.source_directory=solutions", "--CourseDirectory.release_directory=notebooks")
    before = course.released().read_bytes()
    said = refused(course, command, ASSIGNMENT, *folders)
    assert course.released().read_bytes() == before
    assert "preprocessors lacks lib.grading." in said
    assert str(course.root / CONFIG) in said


def test_settings_that_override_the_judge_are_refused(course):
    with (course.root / CONFIG).open("a") as config:
        config.write(STOCK)
    assert "autograde_preprocessors lacks lib.grading.submissions.preprocessors.WriteChallenge" in refused(
        course, "grade", ASSIGNMENT, "--force"
    )


@pytest.mark.parametrize("unit", ["no_such_module.UNIT", "lib.grading.judge.NO_UNIT", "json.decoder.x.y"])
def test_a_unit_that_is_not_there_is_told(course, unit):
    with (course.root / CONFIG).open("a") as config:
        config.write(f'\nc.UnitPreprocessor.units = {{"{ASSIGNMENT}": "{unit}"}}\n')
    assert f"The unit that UnitPreprocessor.units names for {ASSIGNMENT} fails" in refused(course, "grade", ASSIGNMENT)


@pytest.mark.parametrize("written", ["", "secret", "\0" * 64])
def test_a_secret_that_is_none_is_refused_before_anything_is_graded(course, written):
    (course.root / "judge_secret").write_text(written)
    said = refused(course, "grade", ASSIGNMENT)
    assert "judge_secret has to hold the course's secret" in said
    (course.root / "judge_secret").unlink()


@pytest.mark.parametrize(
    ("command", "setting"),
    [("grade", "Grade.jobs"), ("feedback", "ClassFeedback.jobs"), ("zip_collect", "Download.most")],
)
def test_a_setting_that_is_no_number_is_told_by_every_command(course, command, setting):
    archive = course.root / "downloaded" / ASSIGNMENT / "archive"
    archive.mkdir(parents=True, exist_ok=True)
    (archive / "ada_1_1_work.ipynb").touch()
    said = refused(course, command, ASSIGNMENT, f"--{setting}=x")
    kind, name = setting.split(".")
    assert f"A setting can't be used: The {name!r} trait of a {kind} instance expected an int, not the str 'x'." in said
