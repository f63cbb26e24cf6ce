"""Predictions in a real JupyterLab and Notebook 7: by keyboard, reopened, after a restart, with a busy kernel."""

import json
import re

import pytest

from lib.predictions.records import FOLDER, MIME, predictions_in
from tests.browser import PATIENCE, run_all, save, wait_until_idle
from tests.sample_class import QUESTIONS

pytestmark = pytest.mark.xdist_group("JupyterLab")

ASKED = QUESTIONS[0]
WRONG = 1 + (ASKED.right == 1)  # an arrow key or two away from the first choice
CELLS = (
    "from lib.units.softmax_classifier import predict",
    f"predict({ASKED.id!r})",
    f"if predict.given({ASKED.id!r}):\n    print('the experiment', 'ran')\n    predict.compare({ASKED.id!r})",
    f"predict({QUESTIONS[1].id!r})",
)
NOTEBOOK = "predictions/lab.ipynb"
"""In a folder of its own: predictions are stored beside it."""


@pytest.fixture(scope="module")
def page(browser, lab):
    """A notebook with two questions, after Run All. The tests go on from one another, as a student does."""
    (lab.folder / NOTEBOOK).parent.mkdir()
    lab.write(NOTEBOOK, *CELLS)
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.set_default_timeout(PATIENCE)
    lab.open(page, NOTEBOOK)
    run_all(page)
    form(page, 1).wait_for()
    yield page
    page.close()
    lab.close_kernels()


def form(page, at=0):
    return page.locator(".zl-predict").nth(at)


def stored(lab, folder):
    return lab.folder / folder / FOLDER / "softmax_classifier.predictions.txt"


def test_run_all_leaves_questions_open_and_shows_no_experiment(page):
    words = page.locator(".jp-Notebook").inner_text()
    assert "Predict first." in words and "the experiment ran" not in words and ASKED.why[:40] not in words
    assert form(page).get_by_role("button", name="Predict").is_disabled()
    assert not page.locator(".zl-saved").first.is_visible(), "the live form stands for it"


@pytest.fixture(scope="module")
def content(lab, page):
    """The notebook as it is saved after a prediction, which was given by keyboard, and the experiment."""
    group = form(page).get_by_role("group", name=re.compile(re.escape(ASKED.text[:40])))
    assert [each.inner_text().strip() for each in group.locator("label").all()] == list(ASKED.choices)
    radios, button = group.get_by_role("radio"), form(page).get_by_role("button")
    radios.first.press("Space")
    for choice in range(WRONG):
        radios.nth(choice).press("ArrowDown")
        assert radios.nth(choice + 1).is_checked()
    radios.nth(WRONG).press("Tab")
    assert button.evaluate("each => each === document.activeElement")
    button.press("Enter")
    form(page).get_by_role("button", name="Predicted. Now run the next cell.").wait_for()
    assert all(radio.is_disabled() for radio in group.get_by_role("radio").all())
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.get_by_text("the experiment ran").wait_for()
    save(page)
    return json.loads((lab.folder / NOTEBOOK).read_text())


def test_a_prediction_is_given_by_keyboard_and_then_the_experiment_runs(content, page):
    words = page.locator(".jp-Notebook").inner_text()
    assert f"You predicted: {ASKED.choices[WRONG]}" in words
    assert "Not what happens." in words and ASKED.choices[ASKED.right] in words
    assert predictions_in(content, QUESTIONS) == {ASKED.id: WRONG}
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    (data,) = [output["data"] for output in outputs if MIME in output.get("data", {})]
    for kind in ("text/plain", "text/html"):
        assert ASKED.choices[WRONG] in " ".join("".join(data[kind]).split())


def test_it_is_there_when_the_notebook_is_opened_again_and_a_new_kernel_takes_it_from_there(lab, page, content):
    lab.close_kernels()
    beside = stored(lab, "predictions")
    assert json.loads(beside.read_text()) == {ASKED.id: WRONG}
    beside.unlink()  # as where the notebook alone was taken along
    lab.open(page, NOTEBOOK)
    page.get_by_text(f"You predicted: {ASKED.choices[WRONG]}").first.wait_for()
    page.get_by_text("No prediction yet.").first.wait_for()
    for words in ("Error displaying widget", "Loading widget"):
        assert page.get_by_text(words).locator("visible=true").count() == 0
    assert page.locator(".zl-predict").count() == 0
    run_all(page)
    page.get_by_text("the experiment ran").wait_for()
    assert f"You predicted: {ASKED.choices[WRONG]}" in page.locator(".jp-Notebook").inner_text()
    assert page.locator(".zl-predict").count() == 1, "the form of the other question"


def test_in_notebook_7_what_is_given_is_what_the_page_shows_also_while_the_kernel_is_busy(lab, page):
    (lab.folder / "busy").mkdir()
    busy = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(.1)"
    lab.close_kernels()
    lab.open(page, lab.write("busy/lab.ipynb", *CELLS[:2], busy), "notebook")
    wait_until_idle(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    radios, button = form(page).get_by_role("radio"), form(page).get_by_role("button")
    for choice in (0, 1, 2):
        radios.nth(choice).check()
    button.click()
    assert button.inner_text() == "Predict", "the kernel hasn't answered"
    (lab.folder / "busy/go").touch()
    form(page).get_by_role("button", name="Predicted. Now run the next cell.").wait_for()
    assert radios.nth(2).is_checked() and radios.nth(0).is_disabled()
    assert json.loads(stored(lab, "busy").read_text()) == {ASKED.id: 2}
