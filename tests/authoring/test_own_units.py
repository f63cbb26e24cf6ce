"""A unit of one's own, from `new` to a graded class: docs/authoring.md, followed to the letter."""

import shutil
import sys
from zipfile import ZipFile

import nbformat
import pytest

from lib.authoring.new import TEMPLATE
from lib.grading.commands.demo import CHECKOUT
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.judge import words
from lib.grading.judge.verdict import Verdict
from tests.authoring.broken import LOSS
from tests.authoring.own_unit import BLANKS, BLOCKS, OPEN, PAGE, UNIT, begin, refused, succeeds
from tests.browser import jupyter_lab
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import QUICK, Course
from tests.submissions import cell

THIEVES = ("closed", "closed.right", "reference")


def hand_in(course, unit, student, **code):
    """Fill the blank of each cell that is named with an expression, or the cell with several lines."""
    notebook = nbformat.read(course.root / "notebooks" / unit / f"{unit}.ipynb", as_version=4)
    for name, text in code.items():
        source = cell(notebook, name).source
        cell(notebook, name).source = text if "\n" in text else source.replace("?", text, 1)
    folder = course.root / "submitted" / student / unit
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{unit}.ipynb")


def thief(module, name):
    return f"from {module} import *\nfrom {module} import {name}"


READ_ALL = """
import pathlib, sys, lib.units
found = [path for folder in [*lib.units.__path__, *sys.path] for path in pathlib.Path(folder).glob('*/closed/*')]
found += [path for folder in lib.units.__path__ for path in pathlib.Path(folder).parent.rglob('*.ipynb')]
texts = [text for text in (path.read_text() for path in found) if 'where submissions run' not in text]
def loss(y, yhat):
    raise RuntimeError('found: ' + ' '.join(map(str, found)) if texts else 'nothing')
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    """A course in an empty folder: `new`, the page's second part, another unit, and a class."""
    course = begin(tmp_path_factory.mktemp("own"))
    succeeds(course.zerolayer("new", "other"))
    with (course.root / "units/other/exercise.py").open("a") as file:
        file.write('PACKAGES = ("packaging>=24",)\n')
    checked = succeeds(course.zerolayer("check", UNIT)).stdout
    assert f"{UNIT} has no fault" in checked and "changes of right code in" in checked
    built = succeeds(course.zerolayer("build", UNIT)).stdout
    assert "changes of right code" not in built
    assert [" ".join(line.split()) for line in built.splitlines()[1:4]] == [
        "check-loss 2 The loss",
        "check-fit 2 The loop",
        "together 4",
    ]
    hand_in(course, UNIT, "ada", **BLANKS)
    hand_in(course, UNIT, "ben", **{**BLANKS, "loss": "np.sum((y - yhat) ** 2)"})
    hand_in(course, UNIT, "cleo", loss="'a text'")
    hand_in(course, UNIT, "dora", **{**BLANKS, "fit": "w + rate * gradient(y=y, X=X, w=w)"})
    for module in THIEVES:
        hand_in(course, UNIT, module, loss=thief(f"lib.units.{UNIT}.{module}", "loss"))
    hand_in(course, UNIT, "walker", loss=READ_ALL)
    succeeds(course.zerolayer("grade", UNIT, *QUICK))
    return course


def verdicts(course, unit=UNIT):
    return {folder.parent.name: Verdict.load(folder) for folder in (course.root / "autograded").glob(f"*/{unit}")}


def points(course, unit=UNIT):
    return {student: verdict.points for student, verdict in verdicts(course, unit).items()}


def bundled(course, unit):
    """Bundle the unit; give what is in the zip and in its wheel."""
    succeeds(course.zerolayer("bundle", unit, UNPROVED))
    with ZipFile(course.root / "dist" / f"{unit}.zip") as bundle:
        [wheel] = [name for name in bundle.namelist() if name.endswith(".whl")]
        with bundle.open(wheel) as file, ZipFile(file) as packed:
            inside = {name: packed.read(name) for name in packed.namelist()}
        return inside | {name: bundle.read(name) for name in bundle.namelist() if name != wheel}


def test_the_page_is_a_way_to_a_unit_without_a_fault_that_grades_a_class(course):
    assert len(PAGE.split()) <= 1300
    for path, more, text in BLOCKS:
        if not more and not path.endswith(".ipynb"):
            assert text in (course.root / path).read_text(), "what `new` writes"
    assert points(course) == {"ada": 4, "ben": 2, "cleo": 0, "dora": 2, "walker": 0, **dict.fromkeys(THIEVES, 0)}
    graded = verdicts(course)
    named = {student: [each.name for part in graded[student].parts for each in part.mistakes] for student in graded}
    assert named["ben"] == ["The squared differences are summed, not averaged"]
    assert named["dora"] == ["The weights go up"]
    assert "RuntimeError: nothing" in words.why(graded["walker"].parts[0].statements[0]), "it read answers"


def test_one_part_can_be_tried_alone(course):
    checked = succeeds(course.zerolayer("check", UNIT, "--part", "fit")).stdout
    assert "cell 'fit': " in checked and "cell 'loss': " not in checked and "has no fault" in checked
    assert "has no part called none. It has: loss, fit" in refused(course, "check", UNIT, "--part", "none", "--quick")


def test_the_bundle_has_the_open_half_of_every_unit_and_no_answer(course):
    files = bundled(course, UNIT)
    assert b"figures" not in files[f"{UNIT}/README.md"], "it has none"
    open_half = {f"lib/units/{UNIT}/{file}" for file in ("exercise.py", "fingerprints.json")}
    assert open_half | {"lib/units/other/exercise.py"} <= {*files}
    [metadata] = [content for name, content in files.items() if name.endswith("/METADATA")]
    assert b"Requires-Dist: packaging>=24\n" in metadata, "what another unit asks for"
    assert not [name for name in files if "closed" in name]
    assert not [code for code in BLANKS.values() if code.encode() in b"".join(files.values())]


def changed(course, tmp_path, *changes):
    """A copy of the course, with another text in files of the unit."""
    other = Course(shutil.copytree(course.root, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__")))
    for file, old, new in changes:
        text = (other.root / file).read_text()
        assert old in text
        (other.root / file).write_text(text.replace(old, new))
    return other


@pytest.mark.slow
def test_lab_opens_what_is_named(small_course, tmp_path):
    """The student's copy of an assignment, or a notebook as it is."""
    course = Course(shutil.copytree(small_course.root, tmp_path / "course"))
    for named, path, is_shown in (
        ("tiny", "tiny/tiny.ipynb", "return ?"),
        ("solutions/tiny/tiny.ipynb", "tiny.ipynb", "#? return ?"),
    ):
        with jupyter_lab(course.root, command=(sys.executable, "-m", "lib.grading", "lab", named)) as lab:
            shown = lab.ask(f"api/contents/{path}")
            assert is_shown in shown and f"/lab/tree/{path}?token=" in lab.log.read_text()
            assert ("nbgrader:formgrader" in lab.ask("lab")) == (named == "tiny"), "a student has no author's tools"
    refused(course, "lab", "solutions/none.ipynb")


# What keeps a unit from being graded, or built


def test_where_points_were_changed_all_are_graded_again(course, tmp_path):
    other = changed(course, tmp_path, (OPEN, "points=2", "points=3"))
    succeeds(other.zerolayer("build", UNIT, UNPROVED))
    assert "the unit has other parts or points now" in other.zerolayer("grade", UNIT, *QUICK).stdout
    assert points(other)["ada"] == 5


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("rng.integers(4, 9)", "rng.integer(4, 9)", f"has no attribute 'integer' ({OPEN}:10). Fix the unit"),
        ("calls = Calls()", "calls = Calles()", "NameError: name 'Calles' is not defined"),
    ],
)
def test_where_the_units_own_code_fails_nobody_has_a_verdict_by_it(course, tmp_path, old, new, why):
    """Not even 0 points: what there was before stays, and a person is told."""
    broken = changed(course, tmp_path, (OPEN, old, new))
    graded = broken.zerolayer("grade", UNIT, "--student=ada", "--force", *QUICK)
    assert graded.returncode == NEEDS_A_PERSON
    assert "0 of 1 submissions graded" in graded.stdout
    assert "was not graded: the unit's own code fails on the inputs drawn for it, in check-" in graded.stdout
    assert why in graded.stdout
    assert "Traceback" not in graded.stderr
    assert points(broken)["ada"] == 4


@pytest.mark.parametrize(
    ("old", "new", "error", "commands"),
    [
        ("rng.integers(4, 9)", "rng.integer(4, 9)", "AttributeError: ", ("build", "bundle")),  # `check`: broken.py
        ("def mean", "de mean", "SyntaxError: ", ("check", "build", "bundle", "demo")),
        ("import numpy as np", "raise SystemExit('stop')", "SystemExit: stop", ("build",)),
        ("import numpy as np", "from .closed import right", "outside the folder closed may not import", ("check",)),
        ("PARTS", "PARTZ", "ValueError: it has no PARTS", ("bundle",)),
    ],
)
def test_every_command_tells_of_a_broken_unit_in_a_sentence(course, tmp_path, old, new, error, commands):
    broken = changed(course, tmp_path, (OPEN, old, new))
    for command in commands:
        assert error in refused(broken, command, UNIT), command


def test_answers_in_sight_of_student_code_are_refused(course, tmp_path):
    """Right objects in a module beside the checks: `from lib.units.… import` would earn all points."""
    other = changed(course, tmp_path)
    folder = other.root / "units" / UNIT
    right = "def fit(w, X, y, rate, steps):\n    return w - rate * gradient(w, X, y)\n\n\ngradient = fit\n"
    (folder / "known.py").write_text(f"import numpy as np\n\n\ndef loss(y, yhat):\n    {LOSS}\n\n\n{right}")
    (folder / "closed/right.py").write_text(f"from lib.units.{UNIT}.known import fit, loss\n")
    said = refused(other, "grade", UNIT)
    assert f"answers that student code can import, as lib.units.{UNIT}.known" in said


def test_where_the_unit_or_its_notebook_is_not_found_nobody_is_graded(course, tmp_path):
    """A folder was left behind when the course was moved: nbgrader would give everybody 0."""
    moved = changed(course, tmp_path)
    shutil.rmtree(moved.root / "autograded")
    (moved.root / "units").rename(tmp_path / "units")
    graded, built = refused(moved, "grade", UNIT, *QUICK), refused(moved, "build", UNIT)
    assert "checks of a unit that can't be found" in graded and "checks of a unit that can't be found" in built
    assert "Nothing was graded" in graded
    assert not list((moved.root / "autograded").glob("*/*/*.ipynb"))
    (tmp_path / "units").rename(moved.root / "units")
    shutil.rmtree(moved.root / "solutions" / UNIT)
    assert "a unit without its solution notebook" in refused(moved, "check", UNIT)


def test_a_name_is_one_units_alone_and_a_new_unit_overwrites_nothing(course, tmp_path):
    before = {path: path.read_bytes() for path in course.root.rglob("*.py")}
    whys = {"Class": "lower-case letters", "import": "not a keyword of Python", UNIT: "already", ASSIGNMENT: "already"}
    for name, why in whys.items():
        assert why in refused(course, "new", name)
    assert {path: path.read_bytes() for path in course.root.rglob("*.py")} == before
    twice = Course(tmp_path / "twice")
    shutil.copytree(TEMPLATE / "my_unit", twice.root / "units" / ASSIGNMENT)
    shutil.copy(CHECKOUT / "nbgrader_config.py", twice.root)
    shutil.copytree(CHECKOUT / "solutions", twice.root / "solutions")
    assert f"Two units are called {ASSIGNMENT}" in refused(twice, "build", ASSIGNMENT)
