"""`grade` on one file: the points of a class, without a course."""

import nbformat
import pytest

from lib.grading import unit_registry
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
