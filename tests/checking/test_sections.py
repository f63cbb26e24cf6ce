"""After a restart, a missing name says which section of the notebook defines it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.authoring.sections import sections_of
from lib.checking.subjects import SECTIONS
from tests.checking.desk import KEYS

ROOT = Path(__file__).parents[2]
SHELL = """import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in {cells}:
    shell.run_cell(cell)
"""


def cells_of(unit: str) -> list[nbformat.NotebookNode]:
    cells: list[nbformat.NotebookNode] = nbformat.read(ROOT / f"solutions/{unit}/{unit}.ipynb", as_version=4).cells
    return cells


@pytest.mark.parametrize("unit", KEYS)
def test_the_file_that_ships_is_that_of_the_notebook(unit: str) -> None:
    shipped = json.loads((ROOT / f"lib/units/{unit}" / SECTIONS).read_text())
    assert shipped == sections_of(cells_of(unit)) and len(shipped) > 40


START = (ROOT / "lib/lab_settings/kernel_start.py").read_text()
[SETUP] = [cell.source for cell in cells_of("softmax_classifier") if cell.id == "setup"]
HERE, THERE = "softmax_classifier.ipynb", "hidden_layer.ipynb"
MISSING: dict[str, tuple[tuple[str, ...], list[str], list[str]]] = {
    "after set-up": (
        (),
        [SETUP, "X_blobs.shape", "prediction_limit # the guess comes first", "nowhere", "def cce():\n    cc\ncce()"],
        ["X_blobs comes from “12. Train", "prediction_limit comes from “14. The lab: learning rate and batch size”."],
    ),
    "before set-up": (
        (HERE,),
        [START, "np.zeros(3)", "nowhere", "tf", SETUP],
        ["np comes from “1.", "tf comes from “2. Data”."],
    ),
    "a copy by another name": (
        ("softmax_classifier/mine.ipynb",),
        [START, "check.cce()"],
        ["check comes from “1. Setup”."],
    ),
    "two units in a folder": (
        (HERE, THERE),
        [START, "tf", "ReLU", "cce"],
        ["tf comes from “2.", "ReLU comes from “5."],
    ),
    "a notebook of someone's own": (("mine.ipynb", "my notes.ipynb", "json.ipynb"), [START, "np.zeros(3)"], []),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_missing_name_says_which_section_to_run(case: str, tmp_path: Path) -> None:
    files, cells, shown = MISSING[case]
    folder = tmp_path
    for file in files:
        folder = (tmp_path / file).parent
        folder.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SHELL.format(cells=cells)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    lines = [line for line in done.stdout.splitlines() if "comes from" in line]
    assert len(lines) == len(shown), done.stdout + done.stderr
    assert "already loaded" not in done.stdout, "set-up has nothing to say"
    for line, beginning in zip(lines, shown, strict=True):
        assert line.startswith(beginning) and line.endswith("”. Run the cells of that section first.")
