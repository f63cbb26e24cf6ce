"""The third notebook's explorer in a real JupyterLab: its own number, the momentum, is set by key and typed."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.browser import QUIETLY, readout, run_all, slider

pytestmark = pytest.mark.xdist_group("JupyterLab")

SOLUTION = Path(__file__).parents[3] / "solutions/optimizers/optimizers.ipynb"
CELLS = "setup layer own-loss own-softmax own-relu own-dense own-network make-network momentum adam".split()  # noqa: SIM905


@pytest.fixture
def page(browser, lab):
    """A page with the cells of the solution that the explorer needs; of the data one line."""
    cells = {cell.id: cell.source for cell in nbformat.read(SOLUTION, as_version=4).cells}
    # One cell: JupyterLab takes cells that are out of sight out of the page.
    source = [
        *(cells[name] for name in (*CELLS, "prediction-slider")),
        cells["scales"].splitlines()[1],
        QUIETLY,
        cells["explore"],
    ]
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("momentum.ipynb", "\n".join(source)))
    run_all(page)
    page.locator(".zl-pictures svg").first.wait_for()
    yield page
    page.close()
    lab.close_kernels()


def test_the_momentum_is_set_by_key_and_typed(page):
    assert readout(page, "Momentum") == "0"
    slider(page, "Momentum").press("ArrowRight")

    def wait_for(momentum, says):
        words = rf"batch size 16, momentum {momentum}\. After 100 epochs.*{says}"
        page.locator(".zl-says").filter(has_text=re.compile(words)).wait_for()

    wait_for(r"0\.5", "at most 2 plain steps")
    field = page.get_by_label("Momentum, to type")
    field.fill("0.75")
    field.press("Enter")
    wait_for(r"0\.75", "at most 4 plain steps")
    field.fill("1")
    field.press("Enter")
    page.get_by_text("Momentum: 1 can’t be used. Enter a number from 0 to 0.99.").wait_for()
