"""The third notebook's explorer in a real JupyterLab: its momentum is set by key, and typed."""

import re

import pytest

from lib.units.optimizers import UNIT
from tests.browser import PATIENCE, readout, slider
from tests.units.hidden_layer.test_in_lab import open_explorer

pytestmark = pytest.mark.xdist_group("JupyterLab")

CELLS = "setup layer own-loss own-softmax own-relu own-dense own-network make-network momentum adam".split()  # noqa: SIM905


def test_the_momentum_is_set_by_key_and_typed(browser, lab):
    page = open_explorer(browser, lab, UNIT, CELLS, "scales", "explore", {"slider": 2})
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
    page.get_by_text("Momentum: 1 can’t be used. Enter a number from 0 to 0.99.").wait_for(timeout=PATIENCE)
    page.close()
    lab.close_kernels()
