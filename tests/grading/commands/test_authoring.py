"""docs/authoring.md: its example, followed to the letter, makes a unit that has no fault and grades a class.

Faults are planted in copies of it, several at a time: `check` names them all, and nothing that only follows from them.
"""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import nbformat
import numpy as np
import pytest

import lib.units
from lib.answer_key import Mistake
from lib.grading.commands.agreement import faults_of_draws, faults_of_worth, names_called
from lib.grading.commands.build import Hidden
from lib.grading.commands.open_half import faults_of_bundle, faults_of_open_half
from lib.grading.commands.proof import faults_of_cells, first_error
from lib.grading.judge.verdict import Verdict
from lib.grading.units import Place
from lib.unit import Part
from tests.grading import relu_unit
from tests.grading.conftest import QUICK, Course
from tests.grading.relu_unit import ANSWER_KEY
from tests.submissions import cell
from tests.variants import written

UNIT = "linear_regression"
PAGE = (Path(__file__).parents[3] / "docs" / "authoring.md").read_text()
FILES = dict(re.findall(r"```i?python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
CELLS = ("loss", "check-loss", "gradient", "check-gradient")
BLANKS = {"loss": "np.mean((w @ X - y) ** 2)", "gradient": "2 * X @ (w @ X - y) / y.size"}


def flagged(name, source):
    """A cell with what Create Assignment writes into it."""
    tested = name.startswith("check-")
    points = {"points": 0} if tested else {}
    own = {"grade": tested, "solution": not tested, "locked": tested, "task": False, "schema_version": 3}
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": {**own, **points, "grade_id": name}}, id=name)


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    """A course in an empty folder, with the page's example in the place of the exercise that `new` gives."""
    course = Course(tmp_path_factory.mktemp("author"))
    begun = course.zerolayer("new", UNIT)
    assert begun.returncode == 0, begun.stderr
    for name, text in FILES.items():
        if name.endswith(".py"):
            (course.root / name).write_text(text)
    path = course.root / "solutions" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    kept = [cell for cell in notebook.cells if cell.id in ("title", "setup-text", "setup")]
    made = FILES[f"solutions/{UNIT}/{UNIT}.ipynb"].rstrip().split("\n# ----\n")
    notebook.cells = [*kept, *map(flagged, CELLS, made)]
    nbformat.write(notebook, path)
    return course


def hand_in(course, student, blanks):
    notebook = nbformat.read(course.root / "notebooks" / UNIT / f"{UNIT}.ipynb", as_version=4)
    for name, code in blanks.items():
        cell(notebook, name).source = cell(notebook, name).source.replace("?", code, 1)
    folder = course.root / "submitted" / student / UNIT
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{UNIT}.ipynb")


def test_the_page_stays_short():
    assert len(PAGE.splitlines()) < 135


@pytest.mark.gives(f"zerolayer new {UNIT}", f"zerolayer check {UNIT}")
def test_the_example_is_a_unit_without_a_fault(course):
    checked = course.zerolayer("check", UNIT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{UNIT} has no fault" in checked.stdout


@pytest.mark.gives(f"zerolayer build {UNIT}", f"zerolayer grade {UNIT}")
def test_it_grades_a_class(course):
    built = course.zerolayer("build", UNIT)
    assert built.returncode == 0, built.stderr
    hand_in(course, "ada", BLANKS)
    hand_in(course, "ben", {**BLANKS, "gradient": "X @ (w @ X - y) / y.size"})
    hand_in(course, "cleo", {"loss": "'a text'"})
    graded = course.zerolayer("grade", UNIT, *QUICK)
    assert graded.returncode in (0, 3), graded.stderr
    verdicts = {name: Verdict.load(course.root / "autograded" / name / UNIT) for name in ("ada", "ben", "cleo")}
    assert {name: verdict.points for name, verdict in verdicts.items()} == {"ada": 3, "ben": 2, "cleo": 0}
    mistakes = [part.mistake and part.mistake.name for part in verdicts["ben"].parts]
    assert mistakes == [None, "The factor 2 of the square is missing"]


@pytest.mark.gives(f"zerolayer bundle {UNIT}")
def test_the_bundle_has_no_answer(course):
    made = course.zerolayer("bundle", UNIT)
    assert made.returncode == 0, made.stderr
    with ZipFile(course.root / "dist" / f"{UNIT}.zip") as bundle:
        texts = [bundle.read(name) for name in bundle.namelist()]
        [wheel] = [name for name in bundle.namelist() if name.endswith(".whl")]
        with bundle.open(wheel) as file, ZipFile(file) as packed:
            texts += map(packed.read, packed.namelist())
            assert f"lib/units/{UNIT}/exercise.py" in packed.namelist()
    assert not [code for code in BLANKS.values() for text in texts if code.encode() in text]


TITLE, OPEN, CLOSED = (f"units/{UNIT}/{file}" for file in ("__init__.py", "exercise.py", "closed/__init__.py"))
NOTEBOOK = f"solutions/{UNIT}/{UNIT}.ipynb"
MADE = 'UNIT = Unit("linear_regression", "Linear regression", PARTS)'
ASKED = 'Question("steps", "How many?", ("1", "2"), 2, "So it is.")'
SUMMED, SLOPE = "return np.sum((w @ X - y) ** 2)", "return 2 * X @ (w @ X - y) / y.size"
HINT = '    hint = "Compute the loss of two samples by hand, and compare it with each step of your code."\n'
CALLED = 'return gradient(point, inputs["X"], inputs["y"])'
FAULTS = {
    "before anything is run": {
        "a draw on which right code fails": (OPEN, "(3, 8)),", "(3, 8)) if rng.random() < 0.9 else None,"),
        "a mistake without a hint": (CLOSED, '"Divide by the number of samples."', '""'),
        "no choice is the one that is so": (
            TITLE,
            MADE,
            f"from lib.unit import Question\n{MADE[:-1]}, questions=({ASKED},))",
        ),
        "a file for students that leads to the answers": (OPEN, "def draw(", "import lib.reference\n\n\ndef draw("),
        "a file for students that shows the blank at": (OPEN, "def draw(", f"# {SLOPE}\ndef draw("),
    },
    "while it is run": {
        "a statement without a hint": (OPEN, HINT, ""),
        "there.\nFound:    same_as=('The mean',)": (CLOSED, 'samples."', 'samples.", same_as=("The mean",)'),
        "a mistake that the desk does not call by its name": (CLOSED, SUMMED, SUMMED.replace("sum", "summ")),
        "a statement that desk and judge see differently": (
            OPEN,
            '    point = "w"\n',
            '    point = "w"\n\n    def holds(self, inputs, *subjects):\n        """Agree."""\n',
        ),
        "a cell of the solution that ends in an error.\nFound:    ValueError": (
            NOTEBOOK,
            "%load_ext lib.blanks",
            "%load_ext lib.blanks\\n\",\n    \"int('x')",
        ),
        "the solution does not earn its points": (NOTEBOOK, f"{SLOPE}  #? return ?", "return 3 * X @ y  #? return ?"),
    },
    "in what the checks say": {
        "a check that calls the right answer wrong": (OPEN, "2.0),)", "3.0),)"),
        "a marker that says nothing about what the ? is for": (NOTEBOOK, "  # the mean squared error", ""),
        "some draws.\nFound:    all 2 points in 12 of 98 draws": (
            CLOSED,
            SUMMED,
            f"{SUMMED} / (1 if X[0, 0] < 1.2 else y.size)\n\n\n"
            'in_loss("The squared errors are summed, not averaged", "Divide by the number of samples.")(_summed)',
        ),
        "a part that loses points by a mistake in another": (
            OPEN,
            CALLED,
            f'X, y = inputs["X"], inputs["y"]\n        {CALLED} * loss(point, X, y) / np.square(point @ X - y).mean()',
        ),
    },
    "in right code": {
        "a statement that returns something at the desk": (
            OPEN,
            "    def result(",
            "    def holds(self, inputs, loss):\n        return loss(**inputs) > 0\n\n    def result(",
        ),
        "a loss of its own in place of the student's, as spies.within(gradient, loss=": (
            CLOSED,
            SLOPE,
            f"{SLOPE} * loss(w, X, y) / np.square(w @ X - y).mean()",
        ),
    },
}
TOLD = {"before anything is run": 6, "while it is run": 7, "in what the checks say": 5, "in right code": 3}
"""How many faults are told. A draw counts for both parts, and a wrong example too."""


@pytest.mark.parametrize("when", FAULTS)
def test_check_finds_all_faults_and_says_what_to_try(course, tmp_path, when):
    wrong = Course(tmp_path / "wrong")
    shutil.copytree(course.root, wrong.root, ignore=shutil.ignore_patterns("autograded", "__pycache__", "gradebook.db"))
    for file, old, new in FAULTS[when].values():
        text = (wrong.root / file).read_text()
        assert old in text
        (wrong.root / file).write_text(text.replace(old, new))
    checked = wrong.zerolayer("check", UNIT)
    assert checked.returncode == 1
    assert "Traceback" not in checked.stdout + checked.stderr
    assert [fault for fault in FAULTS[when] if fault not in checked.stdout] == [], checked.stdout + checked.stderr
    assert [checked.stdout.count(word) for word in ("\nFound:", "\nExpected:", "\nTry:")] == [TOLD[when]] * 3, (
        checked.stdout
    )


DRAWS = {
    "a part whose right answer is often the same": lambda rng: relu_unit.draw(np.random.default_rng(rng.integers(3))),
    "gave a set as 'set', but a challenge holds arrays": lambda rng: relu_unit.draw(rng) | {"set": {"a"}},
    "ZeroDivisionError: division by zero": lambda rng: 1 / 0,
}


@pytest.mark.parametrize("fault", DRAWS)
def test_a_draw_that_cannot_be_used_is_told(fault):
    [told] = faults_of_draws(ANSWER_KEY, replace(relu_unit.relu, draw=DRAWS[fault]), "closed")
    assert fault in str(told)


@pytest.mark.parametrize(("unit", "leaks"), [("softmax_classifier", 2), ("mine", 1)])
def test_what_this_package_shows_gives_away_only_its_own_units(unit, leaks):
    hidden = [Hidden("notebook, line 2", "X.mean(axis=1, keepdims=True)")]
    folder = Path(lib.units.__file__).parent / unit if unit != "mine" else Path("course/units/mine")
    shown = dict.fromkeys(("lib/data.py", f"lib/units/{unit}/a.py"), b"X.mean(axis=1, keepdims=True)")
    found = list(faults_of_bundle(shown, Place(unit, f"lib.units.{unit}", folder), hidden))
    assert len(found) == leaks and f"lib/units/{unit}/a.py" in str(found[-1])


def test_a_hidden_file_is_looked_through_that_only_student_code_can_read(tmp_path):
    hidden = [Hidden("notebook, line 2", "X.mean(axis=1, keepdims=True)")]
    (tmp_path / ".notes.txt").write_text("X.mean(axis=1, keepdims=True)")
    [fault] = faults_of_open_half(Place("mine", "lib.units.mine", tmp_path), ANSWER_KEY, hidden)
    assert f"{tmp_path / '.notes.txt'}: a file for students that shows the blank at notebook, line 2" in str(fault)


def test_a_part_without_points_is_for_practice_unless_it_has_mistakes():
    practice = Part("check-practice", "Practice", (), (), dict)
    in_practice = Mistake("check-practice", "A slip", "Look again.", {})
    for mistakes, count in (((), 0), ((in_practice,), 1)):
        key = replace(ANSWER_KEY, mistakes=(*ANSWER_KEY.mistakes, *mistakes))
        assert len([*faults_of_worth(key, practice, "closed")]) == count


def test_an_error_that_is_meant_is_neither_a_fault_nor_said_to_be_the_reason_of_one():
    meant, slip = (
        nbformat.v4.new_code_cell("?", id=name, outputs=[nbformat.v4.new_output("error", ename="E", evalue=name)])
        for name in ("meant", "slip")
    )
    meant.metadata.tags = ["raises-exception"]
    ran = nbformat.v4.new_notebook(cells=[meant, slip])
    assert first_error(ran) == "The cell 'slip' ended in E: slip"
    [fault] = faults_of_cells(ANSWER_KEY, ran, "unit.ipynb")
    assert "cell 'slip'" in str(fault)


def test_right_code_that_is_a_class_calls_other_code_by_its_name_too():
    code = written("def loss(): return 1\nclass Model:\n    def train(self): return loss()")
    key = replace(ANSWER_KEY, right={name: code[name] for name in ("loss", "Model")})
    assert names_called(key, replace(ANSWER_KEY.parts[0], subjects=("Model",))) == {"loss"}


def test_a_unit_without_its_notebook_is_told_in_a_sentence(course, tmp_path):
    wrong = Course(tmp_path / "wrong")
    shutil.copytree(course.root, wrong.root, ignore=shutil.ignore_patterns("solutions", "autograded", "gradebook.db"))
    checked = wrong.zerolayer("check", UNIT)
    assert (checked.returncode, checked.stdout) == (1, "")
    assert "a unit without its solution notebook" in checked.stderr
    assert "Traceback" not in checked.stderr
