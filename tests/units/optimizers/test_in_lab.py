"""The third notebook's explorer in a real JupyterLab: its momentum is set by key, and typed."""

import re
from contextlib import chdir
from pathlib import Path

import nbformat
import pytest

from lib.predictions.records import remember
from lib.units.optimizers import UNIT
from tests.browser import PATIENCE, readout, run_all, slider

pytestmark = pytest.mark.xdist_group("JupyterLab")

SOLUTION = Path(__file__).parents[3] / "solutions/optimizers/optimizers.ipynb"
CELLS = ("setup", "layer", "own-loss", "own-softmax", "own-relu", "own-dense", "own-network", "make-network")


def test_the_momentum_is_set_by_key_and_typed(browser, lab):
    cells = {cell.id: cell.source for cell in nbformat.read(SOLUTION, as_version=4).cells}
    data = cells["scales"].splitlines()[0]
    quietly = "from lib.explorer import widget\nwidget.AHEAD = 0"
    names = (*CELLS, "momentum", "adam")
    # One cell: JupyterLab takes cells that are out of sight out of the page.
    source = "\n".join([*(cells[name] for name in names), data, quietly, cells["explore"]])
    with chdir(lab.folder):
        remember(UNIT.name, {"slider": 2})
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("optimizers.ipynb", source))
    run_all(page)
    page.locator(".zl-pictures svg").first.wait_for(timeout=PATIENCE)
    assert readout(page, "Momentum") == "0"
    slider(page, "Momentum").press("ArrowRight")

    def wait_for(momentum, says):
        words = rf"batch size 16, momentum {momentum}\. After 100 epochs.*{says}"
        page.locator(".zl-says").filter(has_text=re.compile(words)).wait_for(timeout=PATIENCE)

    wait_for(r"0\.5", "at most 2 plain steps")
    field = page.get_by_label("Momentum, to type")
    field.fill("0.75")
    field.press("Enter")
    wait_for(r"0\.75", "at most 4 plain steps")
    field.fill("1")
    field.press("Enter")
    page.get_by_text("Momentum: 1 can’t be used. It is a number from 0 to 0.99.").wait_for(timeout=PATIENCE)
    page.close()
    lab.close_kernels()
