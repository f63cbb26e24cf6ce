"""After a restart, a missing name says which section of the notebook defines it."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.authoring.sections import sections_of
from lib.checking.subjects import SECTIONS

ROOT = Path(__file__).parents[2]
UNITS = ("softmax_classifier", "hidden_layer", "optimizers")
SHELL = """import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in {cells}:
    shell.run_cell(cell)
"""


def cells_of(unit: str) -> list[nbformat.NotebookNode]:
    cells: list[nbformat.NotebookNode] = nbformat.read(ROOT / f"solutions/{unit}/{unit}.ipynb", as_version=4).cells
    return cells


@pytest.mark.parametrize("unit", UNITS)
def test_the_file_that_ships_is_that_of_the_notebook(unit: str) -> None:
    shipped = json.loads((ROOT / f"lib/units/{unit}" / SECTIONS).read_text())
    assert shipped == sections_of(cells_of(unit)) and len(shipped) > 40


def test_a_missing_name_says_which_section_to_run() -> None:
    [setup] = [cell.source for cell in cells_of("softmax_classifier") if cell.id == "setup"]
    cells = [setup, "X_blobs.shape", "prediction_limit # the guess comes first", "nowhere", "def cce():\n    cc\ncce()"]
    done = subprocess.run([sys.executable, "-c", SHELL.format(cells=cells)], capture_output=True, text=True, cwd=ROOT)
    told = [line for line in done.stdout.splitlines() if "comes from" in line]
    assert told == [
        "X_blobs comes from “12. Train your network”. Run the cells of that section first.",
        "prediction_limit comes from “14. The lab: learning rate and batch size”. Run the cells of that section first.",
    ]
