"""The second notebook in a real JupyterLab, opened once: a blank, a check, a prediction, and the width by key."""

import re
from pathlib import Path

import nbformat
import pytest

from lib.units.hidden_layer.lab import QUESTIONS
from tests.browser import PATIENCE, readout, run_all, slider

ROOT = Path(__file__).parents[3]
CELLS = (
    *("setup", "layer", "own-loss", "own-softmax", "own-dense", "rings-data", "relu", "check-relu-forward", "network"),
    *("check-network-forward", "step", "make-network", "predict-kinks", "width", "compare-kinks"),
)
"""What the exercise, its check and the explorer need; a whole run takes a minute."""
OPEN = "self.output = np.maximum(input, 0)  #? self.output = ?  # every entry: itself where positive, else 0"


@pytest.fixture
def page(browser, lab):
    """The solution, with one blank left open as students get it."""
    notebook = nbformat.read(ROOT / "solutions/hidden_layer/hidden_layer.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in notebook.cells}
    assert OPEN in cells["relu"]
    cells["relu"] = cells["relu"].replace(OPEN, "self.output = ?  # every entry: itself where positive, else 0")
    cells["rings-data"] = cells["rings-data"].splitlines()[0]  # what follows draws, and nothing here needs it
    cells["setup"] += "\nfrom lib.explorer import widget\nwidget.AHEAD = 0"
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        page = context.new_page()
        lab.open(page, lab.write("hidden_layer.ipynb", *(cells[name] for name in CELLS)))
        yield page
    lab.close_kernels()


def cell(page, words):
    return page.locator(".jp-CodeCell").filter(has_text=words)


def test_a_blank_a_check_a_prediction_and_the_width_by_key(page):
    run_all(page)
    check = cell(page, "check.relu_forward(ReLU)")
    check.get_by_text("still open").first.wait_for(timeout=PATIENCE)

    editor = cell(page, "class ReLU(Layer)").locator(".cm-content")
    editor.scroll_into_view_if_needed()
    editor.get_by_text("self.output = ?").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.type("self.output = np.maximum(input, 0)")
    run_all(page)
    check.scroll_into_view_if_needed()
    check.get_by_text("2 of 2 points").first.wait_for(timeout=PATIENCE)

    form = page.locator(".zl-predict").last
    form.scroll_into_view_if_needed()
    form.get_by_role("radio").nth(2).check()
    form.get_by_role("button", name="Predict").click()
    form.get_by_role("button", name="Predicted. Now run the next cell.").wait_for(timeout=PATIENCE)
    run_all(page)

    page.locator(".zl-pictures svg").first.wait_for(timeout=PATIENCE)
    [kinks] = [question for question in QUESTIONS if question.id == "kinks"]
    page.get_by_text(kinks.why[:40]).first.wait_for(timeout=PATIENCE)
    assert readout(page, "Hidden units") == "4"
    slider(page, "Hidden units").focus()
    page.keyboard.press("ArrowRight")
    words = r"batch size 16, 5 hidden units\. After 100 epochs.* Dead hidden units, .*: [0-5] of 5\."
    page.locator(".zl-says").filter(has_text=re.compile(words)).wait_for(timeout=PATIENCE)
