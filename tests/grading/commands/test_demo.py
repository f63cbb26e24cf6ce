"""The sample class of `zerolayer demo`, and the course that `zerolayer quickstart` makes."""

from pathlib import Path

import nbformat

from lib.answer_key import SampleClass
from lib.blanks import open_blanks
from lib.grading.commands.demo import write_sample_class
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course

ROOT = Path(__file__).parents[3]
NAME = "hidden_layer"
SOLUTION = ROOT / "solutions" / NAME / f"{NAME}.ipynb"


def test_a_cell_that_is_not_among_a_students_has_the_solutions_code(tmp_path):
    sample = SampleClass({"ada": {}, "emil": {"relu": ("input", "")}}, {"explain-zero": "All are alike."})
    write_sample_class(sample, ROOT / "notebooks", tmp_path, NAME)
    notebooks = (
        nbformat.read(tmp_path / student / NAME / f"{NAME}.ipynb", as_version=4) for student in ("ada", "emil")
    )
    ada, emil = ({cell.id: cell.source for cell in notebook.cells} for notebook in notebooks)
    code = [cell.id for cell in nbformat.read(SOLUTION, as_version=4).cells if cell.cell_type == "code"]
    assert not [id for id in code if "#?" in ada[id] or open_blanks(ada[id])]
    assert {id for id in ada if ada[id] != emil[id]} == {"relu"}
    assert "        self.output = np.maximum(input, 0)" in ada["relu"].splitlines()
    assert "        self.output = input  # every entry: itself where positive, else 0" in emil["relu"].splitlines()
    assert len(open_blanks(emil["relu"])) == 1
    assert ada["explain-zero"] == "All are alike."


def test_a_new_folder_is_a_course_that_can_be_graded(tmp_path):
    """The name is the course's on the exchange; a folder with files stays as it is."""
    done = Course(tmp_path).zerolayer("quickstart", "deep_learning")
    assert done.returncode == 0, done.stderr
    course = Course(tmp_path / "deep_learning")
    assert sorted(path.name for path in course.root.iterdir()) == [
        *("gradebook.db", "nbgrader_config.py", "notebooks", "solutions"),
    ]
    assert 'course_id = "deep_learning"' in (course.root / "nbgrader_config.py").read_text()
    assert course.released().read_bytes() == (ROOT / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_bytes()
    again = Course(tmp_path).zerolayer("quickstart", "deep_learning")
    assert again.returncode == 1 and "is not empty" in again.stderr
