"""The second notebook's explorer in a real JupyterLab: its width is set by key. Other tests show checks and forms."""

import re
from contextlib import chdir
from pathlib import Path

import nbformat
import pytest

from lib.predictions.records import remember
from lib.units.hidden_layer import UNIT
from tests.browser import PATIENCE, readout, run_all, slider

pytestmark = pytest.mark.xdist_group("JupyterLab")

SOLUTIONS = Path(__file__).parents[3] / "solutions"
CELLS = ("setup", "layer", "own-loss", "own-softmax", "own-dense", "relu", "network", "make-network")


def open_explorer(browser, lab, unit, names, data, explorer, predicted):
    """Open a page with the cells of a unit's solution that its explorer needs, after a prediction; of `data` a line."""
    solution = nbformat.read(SOLUTIONS / unit.name / f"{unit.name}.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in solution.cells}
    quietly = "from lib.explorer import widget\nwidget.AHEAD = 0"
    # One cell: JupyterLab takes cells that are out of sight out of the page.
    source = "\n".join([*(cells[name] for name in names), cells[data].splitlines()[0], quietly, cells[explorer]])
    with chdir(lab.folder):
        remember(unit.name, predicted)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write(f"{unit.name}.ipynb", source))
    run_all(page)
    page.locator(".zl-pictures svg").first.wait_for(timeout=PATIENCE)
    return page


def test_the_number_of_hidden_units_is_set_by_key(browser, lab):
    page = open_explorer(browser, lab, UNIT, CELLS, "rings-data", "width", {"kinks": 2})
    assert readout(page, "Hidden units") == "4"
    slider(page, "Hidden units").press("ArrowRight")
    words = r"batch size 16, 5 hidden units\. After 100 epochs.* Dead hidden units, .*: [0-5] of 5\."
    page.locator(".zl-says").filter(has_text=re.compile(words)).wait_for(timeout=PATIENCE)
    page.close()
    lab.close_kernels()
