"""Code that needs a name of an example cell, which grading doesn't run, is as wrong at the desk as graded.

Here it is the `tf` of section 2: with it, `cce` is right where TensorFlow is installed.
"""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.grading.grade import grade
from lib.grading.sandbox.obstacles import find_obstacle
from tests.missing import missing

BY_TENSORFLOW = """
def cce(y, yhat):
    return float(np.mean(tf.keras.losses.categorical_crossentropy(y.T, yhat.T)))
"""
AT_THE_DESK = """
import json, sys
from types import SimpleNamespace
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from lib.checking.subjects import watch
shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
watch()
for cell in json.load(sys.stdin):
    shell.kernel = SimpleNamespace(get_parent=lambda: {"metadata": cell["metadata"]})
    ran = shell.run_cell(cell["source"], store_history=True, cell_id=cell["id"])
    print(ran.error_before_exec or ran.error_in_exec or "")
print(ran.result)
"""


@pytest.mark.slow
def test_a_loss_by_the_notebooks_tf_loses_its_points_at_the_desk_and_graded(tmp_path: Path) -> None:
    if finding := find_obstacle():
        missing(f"sandbox ({finding})", "`zerolayer doctor` says what to change.")
    notebook = nbformat.read("solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4)
    [loss] = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "loss"]
    gradient = loss.source[loss.source.index("def cce_gradient") :]
    loss.source = BY_TENSORFLOW + gradient
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    before = code[: code.index(loss) + 1]
    assert any("tf = load_tensorflow()" in cell.source for cell in before)

    cells = [*before, {"id": "the check", "metadata": {}, "source": "check.cce()"}]
    ran = subprocess.run([sys.executable, "-c", AT_THE_DESK], input=json.dumps(cells), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    report = ran.stdout[ran.stdout.rindex("The loss") :]
    assert "tf" in report and "✓" not in report

    nbformat.write(notebook, file := tmp_path / "softmax_classifier.ipynb")
    parts = {part.id: part for part in grade(file, "softmax_classifier").parts}
    assert parts["check-cce"].points == 0
    assert parts["check-cce-gradient"].points == parts["check-cce-gradient"].max_points
