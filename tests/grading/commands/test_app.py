"""The command `zerolayer`, as people type it: its commands, their options, and how each of them ends."""

import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

from lib.grading.commands import COMMANDS, app
from lib.grading.judge.verdict import Verdict
from tests.course import UNPROVED
from tests.grading import command_server
from tests.grading.conftest import Course

ROOT = Path(__file__).parents[3]
UNIT = "tiny"


def zerolayer(*arguments, cwd=ROOT):
    return command_server.run("lib.grading", arguments, cwd)


def test_it_lists_its_commands():
    command = [Path(sysconfig.get_path("scripts"), "zerolayer")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("Usage: zerolayer COMMAND")
    said = done.stdout.partition("Subcommands")[2].partition("Options")[0].splitlines()
    assert [line for line in said if line in COMMANDS] == [*COMMANDS]
    assert sum(line.startswith("    ") for line in said) == len(COMMANDS), "one line each: all are seen at once"
    assert [kind.name for kind in app.APPS.values()] == [f"zerolayer-{command}" for command in COMMANDS]


def test_it_can_be_imported_where_there_is_no_linux():
    """Not another system, but one without what the sandbox asks of Linux's own modules."""
    without = "import signal, sys; sys.modules.update(fcntl=None, resource=None); del signal.pidfd_send_signal"
    done = subprocess.run([sys.executable, "-c", f"{without}; import lib.grading.commands.app"], cwd=ROOT, check=False)
    assert done.returncode == 0


ARGUMENTS = dict.fromkeys(COMMANDS, "[") | dict.fromkeys(("grade", "feedback", "report"), "ASSIGNMENT")
ARGUMENTS |= {"doctor": "", "new": "NAME", "check": "NAME"}
"""How what stands behind a command begins, in its help."""


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        app.APPS[command]().parse_command_line(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Usage: zerolayer {command} ") and ARGUMENTS[command] in lines[0]
    examples = [line for line in lines if line.strip().startswith(f"zerolayer {command}")]
    assert len({len(line) - len(line.lstrip()) for line in examples}) <= 1, "they begin in one column"


EVERYWHERE = {"course-dir", "log-level", "debug", "quiet"}
BUILD = {"assignment", "notebook", "db", "course", "no-db", "source_with_tests"}
RUN = {"assignment", "db", "jobs", "scheduler", "timeout", "no-sandbox"}
OPTIONS = {
    "demo": {"folder"},
    "doctor": set(),
    "new": {"assignment"},
    "check": {"assignment", "part", "quick"},
    "build": BUILD | {"due"},
    "bundle": BUILD,
    "site": BUILD,
    "grade": RUN | {"student", "notebook", "force", "f"},
    "feedback": {"assignment", "student", "notebook", "db", "jobs"},
    "report": {"assignment", "db", "server"},
    "collect": {"db"},
    "export": {"assignment", "db", "into", "feedback", "column"},
}
"""What each command has besides those of `EVERYWHERE`; whatever else is typed goes to JupyterLab from `lab`."""


@pytest.mark.parametrize("command", OPTIONS)
def test_each_command_has_the_options_that_work_for_it_and_refuses_all_others(command):
    """traitlets only warns of `--student=x`, and goes on. Two of these are nbgrader's own."""
    kind, off = app.APPS[command], []
    assert {*kind.aliases, *kind.flags} == EVERYWHERE | OPTIONS[command]
    for name in ("--no_such_option", "--create", "--no-execute", "-o"):
        for typed in ([name], [f"{name}=x"], [UNIT, name, "x"]):
            with redirect_stderr(StringIO()) as said, pytest.raises(SystemExit) as ended:
                kind().parse_command_line(typed)
            off += [] if ended.value.code == 1 and name.lstrip("-") in said.getvalue() else [(typed, said.getvalue())]
    assert not off


@pytest.fixture(scope="module")
def course(small_course, tmp_path_factory):
    """A course of one small unit, with somebody's work, which is graded."""
    course = Course(shutil.copytree(small_course.root, tmp_path_factory.mktemp("options") / "course"))
    shutil.copytree(course.root / "notebooks", course.root / "submitted" / "ada")
    assert course.zerolayer("grade", UNIT).returncode == 0
    return course


@pytest.mark.parametrize(
    ("command", "option", "told"),
    [
        *((each, "--course-dir={root}/units", "There is no nbgrader_config.py in") for each in ("grade", "report")),
        *((each, "--assignment=other", "Name one assignment") for each in ("build", "grade", "feedback")),
        ("check", "--assignment=other", "Name one unit, for example: zerolayer check "),
        ("new", "--assignment=other", "Name the new unit"),
        ("grade", "--debug", "DEBUG"),
        ("grade", "--log-level=DEBUG", "DEBUG"),
        *((each, "--student=nobody", "There is no student nobody. There is: ada.") for each in ("grade", "feedback")),
        *((each, "--notebook=t", "There is no notebook t. There is: tiny.") for each in ("build", "grade", "feedback")),
        ("build", "--no-db", "is ready"),
        *((command, "--db=sqlite:///none.db", "has no assignment tiny") for command in ("grade", "report")),
        ("report", "--db=sqlite:///nbgrader_config.py", "The gradebook can't be used: file is not a database."),
        ("grade", "--timeout=x", "A setting can't be used"),
        *((command, "--jobs=x", "expected an int, not the str 'x'") for command in ("grade", "feedback")),
        ("grade", "--scheduler=nowhere", "No Dask scheduler with workers answers"),
        ("demo", "--folder={root}", "is not empty"),
        ("grade", "--force", "1 of 1 submissions graded"),
        ("grade", "-f", "1 of 1 submissions graded"),
    ],
)  # fmt: skip
def test_an_option_that_is_taken_has_an_effect(course, command, option, told):
    more = (UNPROVED,) if command == "build" else ()
    done = course.zerolayer(command, UNIT, *more, option.format(root=course.root))
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


UNKNOWN = {"check": "unit", "demo": "unit"}
"""What other commands call an assignment."""


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"doctor", "new", "quickstart", "roster"}))
def test_each_command_says_which_names_there_are_the_nearest_first(course, command):
    more = {"extend": ["ada", "--days", "2"], "collect": ["work.zip"], "export": ["--into=x.csv"], "lab": ["--version"]}
    done = course.zerolayer(command, "tinny", *more.get(command, []))
    assert done.returncode == 1
    assert f"There is no {UNKNOWN.get(command, 'assignment')} tinny. There" in done.stderr
    assert re.search(r"There (is|are): tiny\b", done.stderr)


def rights(root, *names):
    """Return what the group and all others may do, by path, in these files and folders and all that is in them."""
    paths = [path for name in names for path in (root / name, *(root / name).rglob("*"))]
    return {str(path.relative_to(root)): path.lstat().st_mode & 0o077 for path in paths}


OF_A_CLASS = ("gradebook.db", "autograded", "feedback", "reports")


@pytest.mark.parametrize("shared", [False, True])
def test_what_a_class_wrote_and_earned_is_for_its_teachers(small_course, tmp_path, shared):
    course = Course(shutil.copytree(small_course.root, tmp_path / "course"))
    shutil.copytree(course.root / "notebooks", course.root / "submitted" / "ada")
    (course.root / "submitted" / "ada" / UNIT / "more.ipynb").write_text("{")
    (course.root / "submitted").chmod(0o700)
    option = f"--CourseDirectory.groupshared={shared}"
    for command in ("grade", "feedback", "report"):
        done = course.zerolayer(command, UNIT, option)
        assert done.returncode in (0, 3), done.stderr
    found = rights(course.root, *OF_A_CLASS)
    bits = [found[f"{name}/ada/{UNIT}"] for name in ("autograded", "feedback")]
    if shared:
        assert all(bit & 0o070 for bit in bits)
        assert {name: bit for name, bit in found.items() if bit & 0o007 and (course.root / name).is_dir()} == {}
    else:
        assert {name: bit for name, bit in found.items() if bit} == {}
        assert "Other accounts" not in course.zerolayer("doctor").stdout
        (course.root / "gradebook.db").chmod(0o644)
        assert "Try: chmod -R go= gradebook.db\n" in course.zerolayer("doctor").stdout
    assert rights(course.root, "notebooks")[f"notebooks/{UNIT}/{UNIT}.ipynb"] == 0o044


def test_options_may_stand_anywhere(course):
    for words in (["--quiet", "grade", UNIT], ["grade", "--student", "ada", UNIT], ["grade", UNIT, "--student", "ada"]):
        done = zerolayer(*words, cwd=course.root)
        assert (done.returncode, "1 of 1" in done.stdout or "1 skipped" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("grdae",), "There is no command grdae. There are: grade, "),
        (("watch", "tiny"), "`zerolayer watch` is gone. Run `zerolayer grade` from a systemd timer or a cron line."),
        (("grade", "--seen", "ada", "tiny"), "--seen is gone: `grade` lists only what it has just graded"),
        (("build",), "There are no notebooks in"),
        (("new", "mine"), "units/mine/closed: Not a directory."),
    ],
)  # fmt: skip
def test_a_command_that_cannot_do_its_work_ends_with_a_sentence(tmp_path, command, told):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "units").touch()
    done = zerolayer(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert told in done.stderr and "Traceback" not in done.stderr
    assert command[0] != "new" or "Traceback" in zerolayer(*command, "--debug", cwd=tmp_path).stderr


def test_lab_opens_a_copy_and_keeps_what_was_done_in_it(tmp_path):
    """JupyterLab itself is asked for its version only: the browser tests start it for real."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    assert zerolayer("lab", "--version", cwd=tmp_path).returncode == 0
    copy = tmp_path / "my_work" / "softmax_classifier" / "softmax_classifier.ipynb"
    assert copy.read_bytes() == (tmp_path / "notebooks" / copy.relative_to(tmp_path / "my_work")).read_bytes()
    copy.write_text("my own")
    zerolayer("lab", "--version", cwd=tmp_path)
    assert copy.read_text() == "my own"


@pytest.mark.slow
def test_the_demo_grades_a_class_and_names_its_mistakes(tmp_path):
    """In a clone, which has the solutions: the package may be installed elsewhere."""
    done = zerolayer("demo", f"--folder={tmp_path / 'course'}")
    assert done.returncode == 0, done.stderr
    assert " INFO]" not in done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if "/20 " in line)
    assert rows["ada"].endswith(" everything right") and rows["bao"].endswith(" everything right")
    assert len(rows) == 12 and len({row.split(maxsplit=1)[1] for row in rows.values()}) >= 9
    for student, row in rows.items():
        verdict = Verdict.load(tmp_path / "course" / "autograded" / student / "softmax_classifier")
        assert row.split()[0] == f"{verdict.points:g}/20"
        assert (tmp_path / "course" / "feedback" / student / "softmax_classifier" / "softmax_classifier.html").exists()
