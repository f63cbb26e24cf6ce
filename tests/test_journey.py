"""The one test that opens a browser where none is asked for: a student's way from an open blank to a slider."""

import nbformat
import pytest

from lib.jupyterlab import lab_environment
from tests.browser import chromium, jupyter_lab, quiet, run_all, slider
from tests.submissions import FILE, right
from tests.test_desk_in_lab import NOTEBOOKS, cell_with, checked, run_cell, said_by, type_over

CELLS = ("setup", "layer", "loss", "check-cce", "softmax", "dense", "blobs-data", "explorer")


@pytest.fixture
def page(tmp_path):
    """A page with the notebook of somebody who has filled in all blanks but the loss; some cells are left out."""
    solved = quiet(right(nbformat.read(NOTEBOOKS / FILE, as_version=4)))
    [released] = [cell for cell in nbformat.read(NOTEBOOKS / FILE, as_version=4).cells if cell.id == "loss"]
    solved.cells = [released if cell.id == "loss" else cell for cell in solved.cells if cell.id in CELLS]
    nbformat.write(solved, tmp_path / FILE)
    with chromium() as browser, jupyter_lab(tmp_path, lab_environment()) as lab:
        page = browser.new_page(viewport={"width": 1100, "height": 1400})
        lab.open(page, FILE)
        run_all(page)
        yield page


def test_a_student_fills_in_a_blank_checks_it_and_moves_a_slider(page):
    cell = cell_with(page, "def cce_gradient")
    said_by(cell, "2 blanks are still open")
    type_over(page, cell, "?", "-np.sum(y * np.log(yhat))")
    check = checked(page, cell)
    said = said_by(check, "1 of 2 points")
    assert "The batch's loss is not the mean over its samples" in said
    assert "y.shape" not in said, "help is for the student to open"
    check.get_by_text("Help 1: a hint").focus()
    page.keyboard.press("Enter")
    assert "Try:" in said_by(check, "The loss is the sum over the batch, not its mean")
    check.get_by_text("Help 3").click()
    assert "the mean of 1 and 2" in said_by(check, "differs")
    type_over(page, cell, "np.log(yhat))", "np.log(yhat)) / y.shape[1]")
    check = checked(page, cell)
    said_by(check, "2 of 2 points")
    assert "You have corrected this mistake" in said_by(check, "Why was it wrong?")
    type_over(page, cell, "?", "-y / yhat")
    run_cell(page, cell)
    explorer = cell_with(page, "explore(Dense")
    run_cell(page, explorer)
    words = explorer.locator(".zl-says")
    words.filter(has_text="Learning rate 0.1, batch size 16. After 100 epochs").wait_for()
    slider(page, "Learning rate").press("ArrowRight")
    words.filter(has_text="Learning rate 0.126, batch size 16. After 100 epochs").wait_for()
