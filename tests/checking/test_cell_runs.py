"""A check does not test what isn't in the notebook any more: its cell has failed since. In a real IPython shell."""

import json
import subprocess
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

IMPORT = "import numpy as np\nfrom lib.units.softmax_classifier import check"
RIGHT = "def cce(y, yhat):\n    return -np.sum(y * np.log(np.maximum(yhat, 1e-9))) / y.shape[1]"
CHECK = "check.cce(cce)"
RUN = """
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
found = None
for id, source in json.loads(sys.stdin.read()):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = shell.run_cell(source, store_history=True, cell_id=id)
print(json.dumps([found.result.points, found.result.note]))
"""


def last_check(*cells: str | tuple[str, str]) -> tuple[float, str]:
    """Run cells one after the other, with ids where they are given; the points and the note of the last one's check."""
    given: list[Any] = [(None, cell) if isinstance(cell, str) else cell for cell in (IMPORT, *cells, CHECK)]
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    points, note = json.loads(done.stdout.splitlines()[-1])
    return points, note


BROKEN = {
    "a colon is deleted": (RIGHT.replace("):", ")"), "SyntaxError: expected ':', line 1 of the cell"),
    "a bracket is deleted": (RIGHT.replace("y.shape[1]", "y.shape[1"), "SyntaxError"),
    "the indentation is lost": (RIGHT.replace("    return", "return"), "IndentationError"),
    "an error above the function": (f"nowhere\n{RIGHT}", "NameError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_right_code_whose_cell_fails_afterwards_is_not_called_right(name: str) -> None:
    source, why = BROKEN[name]
    points, note = last_check(RIGHT, source)
    assert points == 0
    assert "the last run of the cell that defines cce failed" in note
    assert why in note
    assert "Correct that cell, run it, and run this check again." in note


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_has_never_run_is_not_asked_to_be_run(name: str) -> None:
    source, why = BROKEN[name]
    points, note = last_check(source)
    assert points == 0
    assert note.startswith(f"cce is not defined: the last run of the cell that defines cce failed ({why}")
    assert note.endswith("Correct that cell, and run it.")
    assert last_check(source, RIGHT) == (2, "")


PASTED = {
    "a quote": (
        "    print(“loss”)\n",
        "the characters “ (left double quotation mark) and ” (right double quotation mark)",
    ),
    "a space": ("    x\u00a0= 3\n", "a no-break space"),
    "a minus": ("    x = 1 − 2\n", "the character − (minus sign)"),
}


@pytest.mark.parametrize("name", PASTED)
def test_pasted_characters_that_python_refuses_are_told_by_the_check(name: str) -> None:
    line, said = PASTED[name]
    source = RIGHT.replace("    return", f"{line}    return")
    for cells, last in (([source], "and run it."), ([RIGHT, source], "run it, and run this check again.")):
        points, note = last_check(*cells)
        assert points == 0 and f"). Line 2 has {said}, as pasted text often does. " in note and note.endswith(last)


def test_under_validate_the_check_tells_pasted_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands below the cell itself, nbgrader doesn't show: it shows the errors of checks."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    cells = [IMPORT, RIGHT.replace("    return", "    print(“loss”)\n    return"), CHECK]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    [error] = [output for output in notebook.cells[-1].outputs if output.output_type == "error"]
    assert 'Type " in their place.' in " ".join(" ".join(error.traceback).split())


def test_once_its_cell_has_run_without_it_the_failed_run_does_not_matter() -> None:
    points, note = last_check(("a", RIGHT.replace("):", ")")), ("a", RIGHT.replace("cce", "loss")))
    assert points == 0 and note == "cce is not defined yet. Run the cell that defines cce first."


def test_once_it_runs_again_it_is_right() -> None:
    assert last_check(RIGHT, RIGHT.replace(":", ""), RIGHT) == (2, "")
    assert last_check(("a", RIGHT), ("a", "def"), ("b", RIGHT)) == (2, "")


@pytest.mark.parametrize(
    "cells",
    [
        [f"{RIGHT}\nnowhere"],  # it fails below the function, which is new
        [RIGHT, "nowhere"],
        [RIGHT, "print cce"],
        [RIGHT, "if cce == 3\n    pass"],
        [RIGHT, "total = cce(1"],
        [("a", RIGHT), ("b", "nowhere")],
        [("a", RIGHT), ("a", RIGHT)],
        [("a", f"{RIGHT}\nmine = cce"), ("b", "cce = mine"), ("b", "cce = mine")],
    ],
)
def test_what_fails_elsewhere_does_not_matter(cells: list[Any]) -> None:
    assert last_check(*cells) == (2, "")


def test_a_cell_that_is_broken_beyond_its_def_is_known_by_its_id() -> None:
    points, note = last_check(("a", RIGHT), ("a", RIGHT.replace("def cce", "dfe ce")))
    assert points == 0 and "the last run of the cell that defines cce failed (SyntaxError" in note


def test_a_cell_that_does_not_define_it_any_more_is_told() -> None:
    points, note = last_check(("a", RIGHT), ("a", RIGHT.replace("cce", "loss")))
    assert points == 0 and "the cell that defined cce was run again, and does not define it any more." in note


def test_a_layer_and_the_check_of_another_part_notice_it_too() -> None:
    layer = "class Softmax:\n    def forward(self, input):\n        self.output = input"
    broken = ["from lib.units.softmax_classifier import check", layer, layer.replace("t):", "t)"), ""]
    for call in ("softmax_forward", "softmax_stable", "softmax_backward"):
        broken[-1] = f"check.{call}(Softmax)"
        given = [(None, cell) for cell in broken]
        done = subprocess.run(
            [sys.executable, "-c", RUN], input=json.dumps(given), capture_output=True, text=True, check=True
        )
        assert "the cell that defines Softmax failed" in done.stdout


def test_under_validate_such_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader's validate runs all cells afresh: a copy of the cell further down is broken."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    cells = [nbformat.v4.new_code_cell(source) for source in (IMPORT, RIGHT, RIGHT.replace("):", ")"), CHECK)]
    cells[2].metadata["tags"] = ["raises-exception"]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.raises(CellExecutionError, match="the last run of the cell that defines cce failed"):
        NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
