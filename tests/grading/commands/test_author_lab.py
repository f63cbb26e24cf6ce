"""An author's JupyterLab, in a real browser: two notebooks side by side, and a unit whose files are in force."""

import sys

import pytest

from lib.grading.commands.new import NewApp
from tests.browser import PATIENCE, jupyter_lab, wait_until_idle
from tests.grading.conftest import Course

UNIT = "linear_regression"
NAME = "The squared differences are summed, not averaged"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A new unit, `zerolayer lab` on it, and a mistake in the trial copy's blank."""
    course = Course(tmp_path_factory.mktemp("author"))
    assert course.runs_here(NewApp, UNIT).returncode == 0
    with jupyter_lab(course.root, command=(sys.executable, "-m", "lib.grading", "lab", UNIT)) as running:
        copy = course.root / "my_work" / UNIT / f"{UNIT}.ipynb"
        copy.write_text(copy.read_text().replace("return ?", "return np.sum((y - yhat) ** 2)"))
        yield running


@pytest.fixture(scope="module")
def page(browser, lab):
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(f"{lab.url}/?token={lab.token}")
    for text in ("For you as the author", "#? return ?"):  # the last cell of the one, and a line of the other
        page.locator(".jp-NotebookPanel").filter(has_text=text).first.wait_for(timeout=PATIENCE)
    yield page
    page.close()


def run_anew(page):
    """Restart the kernel of the trial copy, and run all its cells."""
    page.locator(".jp-NotebookPanel").filter(has_text="For you as the author").locator(".jp-Cell").last.click()
    wait_until_idle(page)
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…", exact=True).click()
    page.get_by_role("button", name="Confirm").click()


@pytest.mark.gives("zerolayer lab linear_regression")
def test_the_built_notebook_lies_beside_the_solution(page):
    panels = page.locator(".jp-NotebookPanel")
    assert panels.count() == 2
    texts = [panels.nth(at).locator(".jp-CodeCell").all_inner_texts() for at in (0, 1)]
    [copy] = [text for text in texts if "For you as the author" in str(text)]
    [solution] = [text for text in texts if "#? return ?" in str(text)]
    assert copy is not solution
    boxes = [panels.nth(at).bounding_box() for at in (0, 1)]
    assert boxes[0]["x"] != boxes[1]["x"] and boxes[0]["y"] == boxes[1]["y"]


@pytest.mark.gives("zerolayer lab linear_regression")
def test_what_was_changed_is_in_force_after_a_restart_for_the_check_and_the_verdict(page, lab):
    said = page.locator(".jp-OutputArea-output")
    run_anew(page)
    said.filter(has_text=NAME).nth(1).wait_for(timeout=PATIENCE, state="attached")
    assert "0 of 2 points" in said.filter(has_text=NAME).last.inner_text()
    closed = lab.folder / "units" / UNIT / "closed" / "mistakes.toml"
    closed.write_text(closed.read_text().replace(NAME, "A name that was changed"))
    run_anew(page)
    said.filter(has_text="A name that was changed").nth(1).wait_for(timeout=PATIENCE, state="attached")
    assert said.filter(has_text=NAME).count() == 0
