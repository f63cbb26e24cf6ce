"""The command `zerolayer`, as people type it."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from lib.grading.commands import COMMANDS, app
from lib.grading.commands.demo import next_steps
from lib.grading.judge.verdict import Verdict
from tests.grading import command_server

ROOT = Path(__file__).parents[3]


def zerolayer(*arguments, cwd=ROOT):
    return command_server.run("lib.grading", arguments, cwd, timeout=300)


def test_it_lists_its_commands():
    command = [Path(sysconfig.get_path("scripts"), "zerolayer")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout.partition("Subcommands")[2].partition("Options")[0].splitlines()
    for command in COMMANDS:
        described = said[said.index(command) + 1 :]
        assert described[0].startswith("    ")
        assert described[1][:1] != " ", "one line each, so that all of them are seen at once"


def test_each_command_is_called_as_the_list_has_it():
    assert [kind.name for kind in app.APPS.values()] == [f"zerolayer-{command}" for command in COMMANDS]


def test_it_can_be_imported_where_there_is_no_linux():
    """Not another system, but one without what the sandbox asks of Linux's own modules."""
    without = "import signal, sys; sys.modules.update(fcntl=None, resource=None); del signal.pidfd_send_signal"
    done = subprocess.run([sys.executable, "-c", f"{without}; import lib.grading.commands.app"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_it_says_that_there_is_no_such_command():
    done = zerolayer("grdae")
    assert done.returncode == 1
    assert "There is no command grdae" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command):
    done = zerolayer(command, "--help")
    assert done.returncode == 0
    assert "Examples" in done.stdout or "Options" in done.stdout
    usage = done.stdout.splitlines()[0]
    assert usage.startswith(f"Usage: zerolayer {command} ")
    examples = [line for line in done.stdout.splitlines() if line.strip().startswith(f"zerolayer {command} ")]
    assert len({len(line) - len(line.lstrip()) for line in examples}) <= 1, "they begin in one column"
    wanted = {
        "zip_collect": "ASSIGNMENT",
        "grade": "ASSIGNMENT",
        "feedback": "ASSIGNMENT",
        "watch": "ASSIGNMENT",
        "report": "ASSIGNMENT",
        "doctor": "",
    }
    assert wanted.get(command, "[") in usage


def test_grade_asks_for_an_assignment_and_for_submissions(tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    unnamed = zerolayer("grade", cwd=tmp_path)
    assert unnamed.returncode == 1
    assert "Name one assignment" in unnamed.stderr
    empty = zerolayer("grade", "softmax_classifier", cwd=tmp_path)
    assert empty.returncode == 1
    assert "No notebooks were matched" in empty.stderr


def test_a_file_that_cannot_be_written_ends_a_command_with_a_sentence(tmp_path):
    (tmp_path / "units").touch()
    done = zerolayer("new", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("units/mine: Not a directory.")
    assert "Traceback" not in done.stderr
    assert "Traceback" in zerolayer("new", "mine", "--debug", cwd=tmp_path).stderr


def test_a_unit_that_is_not_there_is_named():
    done = zerolayer("check", "sotfmax")
    assert done.returncode == 1
    assert "There is no unit called sotfmax. Name one unit, for example: zerolayer check hidden_layer." in done.stderr


def test_what_to_do_next_begins_with_how_to_find_the_commands(tmp_path, monkeypatch):
    programs = tmp_path / "my course"
    programs.mkdir()
    (programs / "activate").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(programs))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert f"\n  . '{programs}/activate'\n  zerolayer report mine" in next_steps(tmp_path, "mine")
    monkeypatch.setenv("VIRTUAL_ENV", "active")
    assert "activate" not in next_steps(tmp_path / "elsewhere", "mine")


def test_build_says_where_it_found_nothing(tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    done = zerolayer("build", cwd=tmp_path)
    assert done.returncode == 1
    assert "There are no notebooks in" in done.stderr


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


@pytest.mark.gives("zerolayer demo")
def test_the_demo_grades_a_class_and_names_its_mistakes(tmp_path):
    """In a clone, which has the solutions: the package may be installed elsewhere."""
    done = zerolayer("demo", f"--folder={tmp_path / 'course'}")
    assert done.returncode == 0, done.stderr
    assert " INFO]" not in done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if "/21 " in line)
    assert len(rows) == 12
    for student in ("ada", "bao"):
        assert rows[student].split(maxsplit=1) == ["21/21", "everything right"]
    named = {row.split(maxsplit=1)[1] for row in rows.values()}
    assert len(named) >= 9
    for student, row in rows.items():
        verdict = Verdict.load(tmp_path / "course" / "autograded" / student / "softmax_classifier")
        assert row.startswith(f"{verdict.points:g}/21")
        assert (tmp_path / "course" / "feedback" / student / "softmax_classifier" / "softmax_classifier.html").exists()
    again = zerolayer("demo", f"--folder={tmp_path / 'course'}")
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_a_demo_that_ends_early_says_where_its_course_is(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "solutions" / "softmax_classifier" / "softmax_classifier.ipynb").write_text("no notebook")
    scratch = tmp_path / "scratch"
    done = zerolayer("demo", f"--folder={scratch}", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"The scratch course is left as it is, to look at. It is {scratch}")
