"""A student at the desk, in a real browser: what open blanks say, and a notebook without a kernel."""

import shutil
from pathlib import Path

import pytest

from tests.browser import run_all, save, wait_until_idle

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


def cell_with(page, text):
    """Return the code cell whose source holds `text`."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=text)).first


SELECT = """(content, words) => {
  content.focus();
  const line = [...content.querySelectorAll('.cm-line')].find(line => line.textContent.includes(words));
  const start = line.textContent.indexOf(words), end = start + words.length, range = document.createRange();
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  for (let from = 0, text; from < end; from += text.length) {
    text = texts.nextNode();
    if (from <= start) range.setStart(text, Math.min(start - from, text.length));
    range.setEnd(text, Math.min(end - from, text.length));
  }
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}"""


def type_over(page, cell, old, new):
    """Select the first `old` of a cell and type over it. A mouse might miss it: the page moves while outputs come."""
    content = cell.locator(".cm-content")
    content.evaluate(SELECT, old)
    page.keyboard.type(new)
    content.filter(has_text=new).wait_for()


def said_by(cell, text):
    """Wait until a cell's output holds `text`; give back all that it says."""
    output = cell.locator(".jp-OutputArea").filter(has_text=text).first
    output.wait_for()
    return output.inner_text()


def run_cell(page, cell):
    cell.locator(".cm-content").focus()
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
    type_over(page, cell, "?", "-np.sum(y * np.log2(yhat)) / y.shape[1]")
    said_by(checked(page, cell), "Help 1: a hint")
    save(page)
    lab.close_kernels()
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    check = cell_with(page, "check.cce()")
    check.get_by_text("Help 1: a hint").dispatch_event("click")
    said_by(check, "The logarithm has base 2")
