"""The notebooks: the solution runs from top to bottom, and what students get is made from it and nothing else."""

import copy
import re
import shutil
import subprocess
import sys
from contextlib import chdir
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient

from lib.blanks import open_blanks
from lib.units.softmax_classifier import UNIT
from tests.checking.desk import KEYS

pytestmark = pytest.mark.xdist_group("solutions")

ROOT = Path(__file__).parents[1]
NAME = "softmax_classifier"
SOLUTION = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
RELEASED = ROOT / "notebooks" / NAME / f"{NAME}.ipynb"


def graded(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


BLANKS = {
    "loss": ["return(?)", "return(?)"],
    "softmax": ["self.output = ?", "T = ?", "return(np.einsum(?, T, output_gradient))"],
    "dense": ["weights_gradient = np.dot(?, ?)"],
    "train": ["X[:, ?]", "cce(y[:, ?], ?)", "cce_gradient(?, ?)", "softmax.backward(?)", "dlayer.backward(?, ?)"],
}


def test_the_seeds_blanks_are_blanks_at_the_seeds_places():
    cells = graded(nbformat.read(RELEASED, as_version=4))
    counts = {name: len(open_blanks(cell.source)) for name, cell in cells.items() if cell.cell_type == "code"}
    expected = {name: sum(place.count("?") for place in places) for name, places in BLANKS.items()}
    expected |= {part.id.removeprefix("check-"): 1 for part in UNIT.predictions}
    assert {name: count for name, count in counts.items() if count} == expected
    assert not [place for name, places in BLANKS.items() for place in places if place not in cells[name].source]


def test_what_the_notebook_shows_of_tensorflow_works_without_it():
    cells = {cell.id: cell.source for cell in SOLUTION.cells}
    before = ["import sys; sys.modules['tensorflow'] = None", "import numpy as np"]
    before += ["from lib.reference import Dense, Softmax, cce"]
    network = "dense_blobs, softmax_blobs, X_validation, y_validation = Dense(5, 3), Softmax(), X_raw / 9, y"
    parts = [cells[name] for name in ("data-shapes", "one-hot")]
    source = "\n".join([*before, *parts, network, cells["crosscheck"]])
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("TensorFlow is not installed") == 1
    assert "y is (3, 64)\n[[0. 1. 0. 0.]\n [1. 0. 0. 0.]\n [0. 0. 1. 1.]]\n" in done.stdout
    assert "yours:" in done.stdout and "TensorFlow:" not in done.stdout


def test_each_part_has_one_visible_call_and_the_points_of_its_statements():
    cells = graded(SOLUTION)
    for part in UNIT.parts:
        assert cells[part.id].metadata.nbgrader.points == part.points
        assert re.fullmatch(r"check\.\w+\(\)", cells[part.id].source)
    written = [cell for name, cell in cells.items() if name.startswith("explain-")]
    kinds = [(cell.cell_type, cell.metadata.nbgrader.solution, cell.metadata.nbgrader.grade) for cell in written]
    assert kinds == 2 * [("markdown", True, True)]


def test_grading_runs_only_what_it_needs_and_never_tensorflow():
    code = [cell for cell in SOLUTION.cells if cell.cell_type == "code"]
    run = [cell.source for cell in code if "skip-execution" not in cell.metadata.get("tags", [])]
    assert len(run) == 4 + 4 + len(UNIT.parts) + 2 * len(UNIT.predictions)  # given code, blanks, and checks
    assert not [source for source in run if re.search(r"tensorflow|to_categorical|plt\.(plot|show|figure)", source)]
    assert SOLUTION.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}


def load(folder, id="setup"):
    """Run a cell that loads libraries in a new kernel, where the notebook lies in `folder`; give the error, or None."""
    cell = nbformat.from_dict(next(cell for cell in SOLUTION.cells if cell.id == id))
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=SOLUTION.metadata)
    NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(folder)}}).execute()
    return next((output for output in notebook.cells[0].outputs if output.output_type == "error"), None)


IN_THE_WAY = {
    "lib.py": ("def ?", "setup", "lib or numpy"),
    "lib/__init__.py": ("", "setup", "lib or numpy"),
    "numpy.py": ("", "setup", "lib or numpy"),
    "matplotlib.py": ("1 / 0", "plots", "matplotlib"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_a_file_that_bears_a_librarys_name_is_told_in_a_sentence(name, tmp_path):
    content, loads, called = IN_THE_WAY[name]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    error = load(tmp_path, loads)
    assert error.evalue.startswith("A library could not be loaded: ")
    assert error.evalue.endswith(
        f"Is there a file or folder called {called} next to this notebook? "
        "Python would load it instead of the library. Rename it and restart the kernel."
    )
    assert len(error.traceback) == 4, "a rule, a heading, one line of the cell, the sentence: nothing of the libraries"


def test_other_files_beside_the_notebook_are_no_trouble(tmp_path):
    (tmp_path / "random.py").write_text("1 / 0")
    (tmp_path / "lib").mkdir()
    assert load(tmp_path) is None


@cache
def solution(name):
    return nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)


@cache
def run(name):
    """Run a solution from top to bottom; give its cells, and what its demo cells showed, once and a second time."""
    notebook = copy.deepcopy(solution(name))
    for cell in notebook.cells:  # graders skip some of them; a student runs them
        cell.metadata.pop("tags", None)
    code = [(at, cell) for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    demos = [(at, cell) for at, cell in code if "nbgrader" not in cell.metadata]
    with TemporaryDirectory() as folder, chdir(folder):
        shutil.copytree(ROOT / "solutions" / name / "figures", "figures")
        client = NotebookClient(notebook)
        with client.setup_kernel():
            for at, cell in code:
                client.execute_cell(cell, at)
            first = copy.deepcopy(notebook.cells)
            for at, cell in reversed(demos):
                client.execute_cell(cell, at)
    return first, {cell.id: (shown(first[at]), shown(cell)) for at, cell in demos}


def printed(name, between=""):
    """Return the text that each cell of a solution prints, by the cell's id, with something `between` its outputs."""
    return {
        cell.id: between.join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs)
        for cell in run(name)[0]
        if cell.cell_type == "code"
    }


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]


def shown(cell):
    """Return what a cell prints and draws; widgets are new ones each time."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    data = [output.data for output in cell.outputs if "data" in output]
    return printed, [[each.get(kind) for kind in ("text/plain", "text/html", "image/png")] for each in data]


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_the_solution_runs_from_top_to_bottom_and_every_check_is_right(name):
    cells, _ = run(name)
    outputs = {cell.id: cell.outputs for cell in cells if cell.cell_type == "code"}
    for part in import_module(f"lib.units.{name}").UNIT.parts:
        (output,) = outputs[part.id]
        assert f"{part.points:g} of {part.points:g} point" in output.data["text/plain"]
    every = [output for some in outputs.values() for output in some]
    assert not [output.text for output in every if output.get("name") == "stderr"]
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in every)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_to_run_a_cell_again_changes_nothing_that_is_shown(name):
    """Each demo cell ran a second time, the last one first: what it needs is as it was, whatever ran since."""
    _, shown_twice = run(name)
    assert [id for id, (once, again) in shown_twice.items() if once != again] == []
