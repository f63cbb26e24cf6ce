"""A student at the desk, in a real browser: what open blanks say, and a notebook without a kernel."""

import shutil
import time
from pathlib import Path

import pytest

from tests.browser import PATIENCE, run_all, save, wait_until_idle

pytestmark = pytest.mark.xdist_group("JupyterLab")

NOTEBOOKS = Path(__file__).parents[1] / "notebooks" / "softmax_classifier"


@pytest.fixture(scope="module")
def page(browser, lab):
    """The released notebook in JupyterLab, freshly copied, after Run All; TensorFlow would take seconds to import."""
    shutil.copytree(NOTEBOOKS, lab.folder / "desk")
    (lab.folder / "desk" / "tensorflow.py").write_text("raise ImportError")
    lab.close_kernels()
    page = browser.new_page(viewport={"width": 1100, "height": 1400})
    lab.open(page, "desk/softmax_classifier.ipynb")
    run_all(page)
    wait_until_idle(page)
    yield page
    page.close()
    lab.close_kernels()


SCROLL_ON = """panel => new Promise(drawn => {
  const before = panel.scrollTop;
  panel.scrollBy(0, 800);
  if (panel.scrollTop === before) panel.scrollTo(0, 0);
  requestAnimationFrame(() => setTimeout(drawn, 50));
})"""
"""A screen further, or from the end to the top; done once the page is drawn there."""


def cell_with(page, text):
    """The code cell whose source holds `text`, scrolled to: JupyterLab keeps only what is near the view in the page."""
    found = page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=text))
    given_up = time.monotonic() + PATIENCE / 1000
    while not found.count() and time.monotonic() < given_up:
        page.locator(".jp-WindowedPanel-outer").first.evaluate(SCROLL_ON)
    found.first.scroll_into_view_if_needed()
    return found.first


def click_into(cell, line, **where):
    """Put the cursor into a cell's line. In the middle of the view a page that still moves puts no button under it."""
    line.evaluate("line => line.scrollIntoView({block: 'center'})")
    line.click(**where)
    cell.locator(".cm-focused").wait_for()


def write_behind(page, cell, old, new, delete=False):
    """Put the cursor behind `old` in its line, delete it if asked to, and type `new`."""
    line = cell.locator(".cm-line").filter(has_text=old).first
    before = (line.text_content() or "").partition(old)[0].lstrip()
    click_into(cell, line, position={"x": 1, "y": 5})  # in its first row: a long line may go on in a second one
    page.keyboard.press("Home")  # behind the spaces
    for _ in before + old:
        page.keyboard.press("ArrowRight")
    for _ in old if delete else "":
        page.keyboard.press("Shift+ArrowLeft")
    if delete:
        page.keyboard.press("Delete")  # at once: by Backspace a bracket would take the next one with it
    page.keyboard.type(new)


def said_by(cell, text):
    """Wait until a cell's output holds `text`; give back all that it says."""
    output = cell.locator(".jp-OutputArea").filter(has_text=text).first
    output.wait_for()
    return output.inner_text()


def run_cell(page, cell):
    click_into(cell, cell.locator(".cm-content"))
    page.keyboard.press("Control+Enter")
    wait_until_idle(page)


def checked(page, cell):
    """Run the cell of the loss, and its check; give the check's cell."""
    run_cell(page, cell)
    check = cell_with(page, "check.cce()")
    run_cell(page, check)
    return check


def test_run_all_goes_on_past_open_blanks_each_of_which_is_told_in_one_sentence(page):
    said_by(cell_with(page, "def cce_gradient"), "2 blanks are still open")
    said_by(cell_with(page, "check.train()"), "is still open")
    cell = cell_with(page, "print(cce_gradient(y_two, yhat_two))")
    said = said_by(cell, "A blank on line 3 is still open: the batch's mean loss")
    assert "Traceback" not in said and "SyntaxError" not in said


def test_help_opens_in_a_notebook_without_a_kernel(page, lab):
    cell = cell_with(page, "def cce_gradient")
    write_behind(page, cell, "?", "-np.sum(y * np.log2(yhat)) / y.shape[1]", delete=True)
    said_by(checked(page, cell), "Help 1: a hint")
    save(page)
    lab.close_kernels()
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    check = cell_with(page, "check.cce()")
    check.get_by_text("Help 1: a hint").click()
    said_by(check, "The logarithm has base 2")
