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

SOLUTION = Path(__file__).parents[3] / "solutions/hidden_layer/hidden_layer.ipynb"
CELLS = ("setup", "layer", "own-loss", "own-softmax", "own-dense", "relu", "network", "make-network")


def test_the_number_of_hidden_units_is_set_by_key(browser, lab):
    cells = {cell.id: cell.source for cell in nbformat.read(SOLUTION, as_version=4).cells}
    data = cells["rings-data"].splitlines()[0]  # what follows draws, and nothing here needs it
    quietly = "from lib.explorer import widget\nwidget.AHEAD = 0"
    # One cell: JupyterLab takes cells that are out of sight out of the page.
    source = "\n".join([*(cells[name] for name in CELLS), data, quietly, cells["width"]])
    with chdir(lab.folder):
        remember(UNIT.name, {"kinks": 2})
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("hidden_layer.ipynb", source))
    run_all(page)
    page.locator(".zl-pictures svg").first.wait_for(timeout=PATIENCE)
    assert readout(page, "Hidden units") == "4"
    slider(page, "Hidden units").press("ArrowRight")
    words = r"batch size 16, 5 hidden units\. After 100 epochs.* Dead hidden units, .*: [0-5] of 5\."
    page.locator(".zl-says").filter(has_text=re.compile(words)).wait_for(timeout=PATIENCE)
    page.close()
    lab.close_kernels()
