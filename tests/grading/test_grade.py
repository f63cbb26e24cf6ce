"""`grade` on one file: the points of a class, without a course."""

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.grading import unit_registry
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.errors import ConfigError
from lib.grading.grade import grade
from lib.grading.submissions.restore import course_id
from lib.right_code import solutions_of
from tests.course import ASSIGNMENT


def test_one_file_is_graded_by_the_steps_of_a_class(lockable_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [solution] = solutions_of(unit_registry.find_all()[ASSIGNMENT].folder)
    assert grade(solution).points == 20
    notebook = nbformat.read(solution, as_version=4)
    [loss] = [cell for cell in notebook.cells if course_id(cell) == "loss"]
    loss.source = (
        loss.source.replace("/ y.shape[1]", "").replace("/ y.size", "")
        + "\nright = cce\ncce = lambda *a: 3 * right(*a)"
    )
    notebook.cells = [cell for cell in notebook.cells if course_id(cell) != "check-cce"]
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    one, again = (grade("ada.ipynb", ASSIGNMENT, seed=7) for _ in range(2))
    assert one == again and one.seed == 7 and one.points < 20
    wrong = next(each for part in one.parts for each in part.statements if each.why)
    assert float(wrong.why.found) == pytest.approx(3 * float(wrong.why.expected), rel=1e-3)
    assert not list(tmp_path.glob("*.db"))


def test_what_cannot_be_graded_is_said(lockable_here, tmp_path):
    with pytest.raises(FileNotFoundError):
        grade(tmp_path / "ada.ipynb")
    (tmp_path / "ada.ipynb").write_text("{no")
    with pytest.raises(ConfigError, match="There is no unit ada"):
        grade(tmp_path / "ada.ipynb")
    verdict = grade(tmp_path / "ada.ipynb", ASSIGNMENT)
    assert (verdict.points, verdict.reasons) == (0, ("could not be read or run",))
    assert "can't be read as JSON" in verdict.remarks[0].text


ROOT = Path(__file__).parents[2]
SUMMED = re.compile(r" / (y\.shape\[1\]|y\.size|len\(y\[0\]\))")


@pytest.fixture
def ada(tmp_path, monkeypatch):
    """A folder with ada.ipynb, whose loss is the sum over the batch, as in the documents' examples."""
    monkeypatch.chdir(tmp_path)
    [solution] = solutions_of(unit_registry.find_all()[ASSIGNMENT].folder)
    notebook = json.loads(solution.read_text())
    [loss] = [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "loss"]
    loss["source"] = SUMMED.sub("", "".join(loss["source"]))
    (tmp_path / "ada.ipynb").write_text(json.dumps(notebook))
    return tmp_path


def test_the_examples_in_the_documents_run(lockable_here, ada, capsys):
    assert doctest.testfile(str(ROOT / "README.md"), module_relative=False) == (0, 3)
    teaching = (ROOT / "docs/teaching.md").read_text()
    [example] = re.findall(r"```python\n(from lib\.grading\.grade.*?)```", teaching, re.DOTALL)
    (ada / "submitted/ada/softmax_classifier").mkdir(parents=True)
    (ada / "ada.ipynb").rename(ada / "submitted/ada/softmax_classifier/softmax_classifier.ipynb")
    exec(example, {})
    assert "The loss 0 The loss of a batch" in capsys.readouterr().out.replace("0.0", "0")


def test_the_command_prints_the_verdict_on_a_file(lockable_here, ada):
    def run(*words):
        command = [sys.executable, "-m", "lib.grading", "grade", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=ada, env=environment, capture_output=True, text=True)

    wrong = run("ada.ipynb")
    assert wrong.returncode == 0, wrong.stderr
    assert wrong.stdout.startswith("19 of 20 points")
    found, expected, mistake = re.search(r"found: (\S+)\n *expected: (\S+)\n *mistake: (.*)", wrong.stdout).groups()
    assert float(found) > 1.5 * float(expected) and "not its mean" in mistake
    (ada / "broken.ipynb").write_text("{no")
    broken = run("broken.ipynb", f"--assignment={ASSIGNMENT}")
    assert broken.returncode == NEEDS_A_PERSON and "can't be read as JSON" in broken.stdout
    assert broken.stdout.startswith("0 of 20 points")
    missing = run("nowhere.ipynb")
    assert missing.returncode == 1 and "nowhere.ipynb: No such file" in missing.stderr
    assert {each.name for each in ada.iterdir()} == {"ada.ipynb", "broken.ipynb"}
