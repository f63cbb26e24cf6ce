"""Units that lie elsewhere than in this package: in the course's folder, and in a package of their own."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest

from lib.grading.commands.demo import CHECKOUT
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.commands.new import TEMPLATE, write_all
from lib.grading.judge.verdict import Verdict
from lib.grading.run.notebook import Bounds, RunLostError
from lib.grading.run.pool import RunTask
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import QUICK, Course
from tests.submissions import cell

RIGHT = "np.mean((y - yhat) ** 2)"
SUMMED = "np.sum((y - yhat) ** 2)"


def hand_in(course, unit, student, code, answer=None):
    """Fill the one blank of a new unit's notebook with an expression, or replace the cell."""
    notebook = nbformat.read(course.root / "notebooks" / unit / f"{unit}.ipynb", as_version=4)
    solution = cell(notebook, "loss")
    solution.source = answer or re.sub(r"return \?", f"return {code}", solution.source)
    target = course.root / "submitted" / student / unit / f"{unit}.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


def points(course, student, unit):
    return Verdict.load(course.root / "autograded" / student / unit).points


def bundled(course):
    """Bundle the unit; give what is in the zip and in its wheel."""
    made = course.zerolayer("bundle", "tiny", UNPROVED)
    assert made.returncode == 0, made.stderr
    with ZipFile(course.root / "dist" / "tiny.zip") as bundle:
        [wheel] = [name for name in bundle.namelist() if name.endswith(".whl")]
        with bundle.open(wheel) as file, ZipFile(file) as packed:
            inside = {name: packed.read(name) for name in packed.namelist()}
        return inside | {name: bundle.read(name) for name in bundle.namelist() if name != wheel}


def thief(module):
    return f"from {module} import *\nfrom {module} import loss"


THIEVES = ("closed", "reference", "judge")


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    """An empty folder in which two units were begun, and a class that was graded by one of them."""
    course = Course(tmp_path_factory.mktemp("own"))
    for unit in ("tiny", "other"):
        course.begun = course.zerolayer("new", unit)
        assert course.begun.returncode == 0, course.begun.stderr
    built = course.zerolayer("build", "tiny")
    assert built.returncode == 0, built.stderr
    hand_in(course, "tiny", "ada", RIGHT)
    hand_in(course, "tiny", "ben", SUMMED)
    for module in THIEVES:
        hand_in(course, "tiny", module, "", thief(f"lib.units.tiny.{module}"))
    hand_in(course, "tiny", "walker", "", READ_ALL)
    course.graded = course.zerolayer("grade", "tiny", *QUICK)
    return course


READ_ALL = """
import pathlib, sys, lib.units
found = [path for folder in [*lib.units.__path__, *sys.path] for path in pathlib.Path(folder).glob('*/closed/*')]
found += [path for folder in lib.units.__path__ for path in pathlib.Path(folder).parent.rglob('*.ipynb')]
texts = [text for text in (path.read_text() for path in found) if 'where submissions run' not in text]
def loss(y, yhat):
    raise RuntimeError('found: ' + ' '.join(map(str, found)) if texts else 'nothing')
"""


EXERCISE, CLOSED = "units/tiny/exercise.py", "units/tiny/closed/__init__.py"


def changed(course, tmp_path, file, old, new):
    """A copy of the course, with another text in a file of the unit."""
    other = Course(shutil.copytree(course.root, tmp_path / "course"))
    text = (other.root / file).read_text()
    assert old in text
    (other.root / file).write_text(text.replace(old, new))
    return other


def test_points_that_were_changed_and_not_built_are_told(course, tmp_path):
    other = changed(course, tmp_path, EXERCISE, "points = 2", "points = 3")
    graded = other.zerolayer("grade", "tiny", *QUICK)
    assert "those of the gradebook count: check-loss has 2 there and 3 in the unit." in graded.stderr
    assert "the unit has other parts or points now" in graded.stdout
    assert other.zerolayer("build", "tiny").returncode == 0
    graded = other.zerolayer("grade", "tiny", *QUICK)
    assert "in the unit" not in graded.stderr
    assert points(other, "ada", "tiny") == 3


def test_a_unit_in_the_courses_folder_grades(course):
    assert course.graded.returncode == 0, course.graded.stderr
    assert [points(course, student, "tiny") for student in ("ada", "ben")] == [2, 0]
    [part] = Verdict.load(course.root / "autograded" / "ben" / "tiny").parts
    assert part.mistake.name == "The squared differences are summed, not averaged"


def test_student_code_can_neither_import_nor_read_its_closed_half_or_its_solution(course):
    assert [points(course, thief, "tiny") for thief in THIEVES] == [0, 0, 0]
    [part] = Verdict.load(course.root / "autograded" / "walker" / "tiny").parts
    assert "RuntimeError: nothing" in part.statements[0].why


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("y = rng.uniform", "y = rng.unifrm", "has no attribute 'unifrm' (exercise.py, line 27). Mend the unit"),
        ("return loss(", "return los(", "It raised NameError: name 'los' is not defined."),
    ],
)
def test_where_the_units_own_code_fails_nobody_has_a_verdict_by_it(course, tmp_path, old, new, why):
    """Not even 0 points: what there was before stays, and a person is told."""
    broken = changed(course, tmp_path, EXERCISE, old, new)
    graded = broken.zerolayer("grade", "tiny", "--student=ada", "--force", *QUICK)
    assert graded.returncode == NEEDS_A_PERSON
    assert "0 of 1 submissions graded" in graded.stdout
    assert "was not graded: the unit's own code fails on the inputs drawn for it, in check-loss: " in graded.stdout
    assert why in graded.stdout
    assert "Traceback" not in graded.stderr
    assert points(broken, "ada", "tiny") == 2


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("y = rng.uniform", "y = rng.unifrm", "AttributeError: "),
        ("class Mean", "clas Mean", "SyntaxError: "),
        ("class Mean", "raise SystemExit('stop')\n\n\nclass Mean", "SystemExit: stop"),
        ("import numpy as np", "from .closed import loss as right", "outside the folder closed may not import what is"),
        ("import numpy as np", "from .exercise import PARTS", "exercise.py) (exercise.py, line "),
    ],
)
def test_every_command_tells_of_a_broken_unit_in_a_sentence(course, tmp_path, old, new, error):
    broken = changed(course, tmp_path, EXERCISE, old, new)
    for command in ("fingerprints", "demo", "check", "build", "bundle"):
        done = broken.zerolayer(command, "tiny")
        assert done.returncode == 1, command
        assert error in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr, command


def test_other_units_keep_theirs(course, tmp_path):
    """Neither a new unit nor one that the configuration names takes another one's judge away."""
    named = 'c.UnitPreprocessor.units = {"mine": "lib.units.other.closed.ANSWER_KEY"}'
    other = changed(course, tmp_path, "nbgrader_config.py", "c = get_config()", f"c = get_config()\n{named}")
    graded = other.zerolayer("grade", "tiny", "--force", "--student=ada", *QUICK)
    assert graded.returncode == 0, graded.stderr
    assert points(other, "ada", "tiny") == 2


def test_a_unit_that_was_changed_after_it_was_proved_is_proved_again(course, tmp_path):
    """What was proved is noted, and the note is worth nothing once a file of the unit is another one."""
    assert (course.root / "units/tiny/closed/proved.txt").is_file()
    other = changed(course, tmp_path, CLOSED, "np.sum((y - yhat) ** 2)", "np.mean((y - yhat) ** 2)")
    refused = other.zerolayer("build", "tiny")
    assert refused.returncode == 1
    assert "a mistake that equals the right answer" in refused.stderr


def test_where_the_unit_is_not_found_nobody_is_graded(course, tmp_path):
    """Its folder was left behind when the course was moved: nbgrader would give everybody 0."""
    moved = Course(tmp_path / "moved")
    shutil.copytree(course.root, moved.root, ignore=shutil.ignore_patterns("units", "autograded"))
    graded, built = moved.zerolayer("grade", "tiny", *QUICK), moved.zerolayer("build", "tiny")
    assert graded.returncode == built.returncode == 1
    assert "checks of a unit that can't be found" in graded.stderr and "Nobody was graded" in graded.stderr
    assert "checks of a unit that can't be found" in built.stderr
    assert not list((moved.root / "autograded").glob("*/*/*.ipynb"))


def test_where_a_worker_lacks_the_unit_the_run_is_lost_and_no_verdict():
    """A Dask worker has no course folder: that must not cost anybody points."""
    with pytest.raises(RunLostError, match=r"lib\.units\.elsewhere"):
        RunTask({}, Bounds(), ("lib.units.elsewhere",))()


def test_the_bundle_has_its_open_half(course):
    files = bundled(course)
    texts = b"".join(files.values())
    names = {*files}
    assert b"figures" not in files["tiny/README.md"], "it has none"
    assert {"lib/units/tiny/__init__.py", "lib/units/tiny/exercise.py", "lib/units/tiny/fingerprints.json"} <= names
    assert "lib/units/other/exercise.py" in names
    assert not [name for name in names if "closed" in name]
    assert b"(y - yhat) ** 2" not in texts


def test_two_units_of_one_name_are_refused(course, tmp_path):
    twice = Course(tmp_path / "twice")
    shutil.copytree(TEMPLATE / "my_unit", twice.root / "units" / ASSIGNMENT)
    shutil.copy(CHECKOUT / "nbgrader_config.py", twice.root)
    shutil.copytree(CHECKOUT / "solutions", twice.root / "solutions")
    built = twice.zerolayer("build", ASSIGNMENT)
    assert built.returncode == 1
    assert f"Two units are called {ASSIGNMENT}" in built.stderr


def test_a_new_unit_overwrites_nothing_and_has_a_name_that_python_takes(course):
    before = {path: path.read_bytes() for path in course.root.rglob("*.py")}
    whys = {"Class": "small letters", "import": "no word of Python's own", "tiny": "already", ASSIGNMENT: "already"}
    for name, why in whys.items():
        refused = course.zerolayer("new", name)
        assert refused.returncode == 1
        assert why in refused.stderr
    assert {path: path.read_bytes() for path in course.root.rglob("*.py")} == before


# ---- A package of its own


def test_half_a_unit_is_not_left_where_a_file_cannot_be_written(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "own.py").touch()
    (tmp_path / "solutions").touch()  # a file in the way of a folder
    files = ("units/mine/__init__.py", "units/mine/closed/__init__.py", "tests/test_mine.py", "solutions/mine.ipynb")
    with pytest.raises(OSError, match="solutions"):
        write_all(tmp_path, {Path(file): "" for file in files})
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"units", "tests", "tests/own.py", "solutions"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory, lockable_here):
    """A course whose unit is in an installed package, in an environment of its own that has it beside the libraries."""
    course = Course(tmp_path_factory.mktemp("packaged"))
    home = course.root / ".venv"
    venv.create(home, symlinks=True)
    [site] = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n{CHECKOUT}\n")
    package = site / "tiny_unit"
    shutil.copytree(TEMPLATE / "my_unit", package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in package.rglob("*.py"):
        file.write_text(file.read_text().replace("my_unit", "tiny"))
    (site / "tiny_unit-1.0.dist-info").mkdir()
    (site / "tiny_unit-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: tiny-unit\nVersion: 1.0\n")
    (site / "tiny_unit-1.0.dist-info/entry_points.txt").write_text("[zerolayer.units]\ntiny = tiny_unit\n")
    notebook = (TEMPLATE / "my_unit.ipynb").read_text().replace("lib.units.my_unit", "tiny_unit")
    (course.root / "solutions/tiny").mkdir(parents=True)
    (course.root / "solutions/tiny/tiny.ipynb").write_text(notebook)
    shutil.copy(CHECKOUT / "nbgrader_config.py", course.root)
    course.package = package

    def zerolayer(*arguments):
        command = [home / "bin/python", "-m", "lib.grading", *arguments]
        environment = {
            name: value for name, value in os.environ.items() if name not in ("ZEROLAYER_WARM", "PYTHONPATH")
        }
        environment["JUPYTER_PATH"] = str(Path(sysconfig.get_path("data"), "share/jupyter"))
        environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment["PATH"]])
        return subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False, env=environment)

    course.zerolayer = zerolayer
    built = course.zerolayer("build", "tiny")
    assert built.returncode == 0, built.stderr
    hand_in(course, "tiny", "ada", RIGHT)
    for module in THIEVES:
        hand_in(course, "tiny", module, "", thief(f"tiny_unit.{module}"))
    course.graded = course.zerolayer("grade", "tiny", *QUICK)
    return course


def test_a_unit_in_a_package_of_its_own_grades_and_its_closed_half_cannot_be_imported(installed):
    assert installed.graded.returncode == 0, installed.graded.stderr
    assert [points(installed, student, "tiny") for student in ("ada", *THIEVES)] == [2, 0, 0, 0]


def test_it_is_named_at_the_desk_and_is_in_the_bundle(installed):
    shipped = json.loads((installed.package / "fingerprints.json").read_text())
    assert shipped["check-loss"] and shipped["check-loss.Mean"]
    names = {*bundled(installed)}
    assert "tiny_unit/exercise.py" in names
    assert not [name for name in names if "closed" in name]


def test_answers_in_sight_of_student_code_are_refused(installed):
    """Right objects in a module beside the checks: `from tiny_unit.reference import *` would earn all points."""
    key = installed.package / "closed/__init__.py"
    before = key.read_text()
    (installed.package / "reference.py").write_text("def loss(y, yhat):\n    return ((y - yhat) ** 2).mean()\n")
    changed = before.replace('right={"loss": loss}', 'right={"loss": reference.loss}')
    key.write_text(changed.replace("from .. import UNIT", "from .. import UNIT, reference"))
    try:
        for command in ("build", "grade"):
            refused = installed.zerolayer(command, "tiny")
            assert refused.returncode == 1
            assert "tiny_unit.reference: answers that student code can import" in refused.stderr
    finally:
        key.write_text(before)
        (installed.package / "reference.py").unlink()


def test_a_package_that_is_gone_is_said(installed):
    gone = installed.package.with_name("elsewhere")
    installed.package.rename(gone)
    try:
        refused = installed.zerolayer("grade", "tiny")
        assert refused.returncode == 1
        assert "The unit tiny can't be found" in refused.stderr
    finally:
        gone.rename(installed.package)
