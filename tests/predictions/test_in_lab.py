"""Predictions in a real JupyterLab: by keyboard, reopened, after a restart, by Run All, in both themes."""

import json
import re

import nbformat
import pytest

from lib.predictions.records import FOLDER, MIME, predictions_in
from lib.units.softmax_classifier.lab import QUESTIONS
from tests.browser import PATIENCE, run_all, save, wait_for, wait_until_idle

STEPS = QUESTIONS[0]
CELLS = (
    "from lib.units.softmax_classifier import predict",
    "predict('steps')",
    "if predict.given('steps'):\n    print('the experiment', 'ran')\n    predict.compare('steps')",
    "predict('noise')",
)


NOTEBOOK = "predictions/lab.ipynb"
"""In a folder of its own: predictions are stored beside it."""


@pytest.fixture(scope="module")
def page(browser, lab):
    """A notebook with two questions, after Run All. The tests go on from one another, as a student does."""
    (lab.folder / NOTEBOOK).parent.mkdir()
    lab.write(NOTEBOOK, *CELLS)
    with browser.new_context(viewport={"width": 900, "height": 900}) as context:
        page = context.new_page()
        lab.open(page, NOTEBOOK)
        run_all(page)
        form(page, 1).get_by_role("radiogroup").wait_for(timeout=PATIENCE)
        yield page
    lab.close_kernels()


def saved(lab, page):
    """Save the notebook as a person does; give it as it lies on the disk."""
    save(page)
    return json.loads((lab.folder / NOTEBOOK).read_text())


def form(page, at=0):
    return page.locator(".zl-predict").nth(at)


CHOSEN = """wanted => [...document.querySelectorAll('.zl-predict [role=radiogroup] input, .zl-predict [role=radio]')]
  .findIndex(each => each.checked || each.ariaChecked === 'true') === wanted"""
"""Tells whether the choice of this number is chosen."""


def predict_by_keyboard(page, moves=1):
    """Choose with arrow keys, go on to the button with Tab, and press it."""
    group = form(page).get_by_role("radiogroup")
    group.wait_for(timeout=PATIENCE)
    group.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    for move in range(moves):
        page.keyboard.press("ArrowDown")
        # The kernel answers to each key; on a busy machine its answer to the first one may come after the second.
        wait_for(page, CHOSEN, move + 1)
    wait_for(page, "() => !document.querySelector('.zl-predict button').disabled")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    form(page).get_by_role("button", name="Predicted. Now run the next cell.").wait_for(timeout=PATIENCE)


def test_run_all_leaves_questions_open_and_shows_no_experiment(lab, page):
    words = page.locator(".jp-Notebook").inner_text()
    assert "Predict first." in words and "the experiment ran" not in words
    assert STEPS.why[:40] not in words
    assert form(page).get_by_role("button", name="Predict").is_disabled()
    assert not page.locator(".zl-saved").first.is_visible(), "the live form stands for it"
    assert predictions_in(saved(lab, page), QUESTIONS) == {}


def test_both_themes_show_it(page):
    for theme in ("dark", "light"):
        page.evaluate("""dark => document.body.setAttribute('data-jp-theme-light', String(!dark))""", theme == "dark")
        colours = form(page).locator(".zl-question").evaluate("each => getComputedStyle(each).color")
        label = form(page).locator("label").first.evaluate("each => getComputedStyle(each).color")
        assert colours == label, "all of it has the theme's own colour"


@pytest.fixture(scope="module")
def content(lab, page):
    """The notebook as it is saved after a prediction, which was given by keyboard, and the experiment."""
    group = form(page).get_by_role("radiogroup", name=re.compile("Three runs with 240 steps each"))
    group.wait_for(timeout=PATIENCE)
    assert [each.inner_text() for each in group.locator("label").all()] == list(STEPS.choices)
    predict_by_keyboard(page, moves=2)
    assert all(radio.is_disabled() for radio in group.get_by_role("radio").all())
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.get_by_text("the experiment ran").wait_for(timeout=PATIENCE)
    return saved(lab, page)


def test_a_prediction_is_given_by_keyboard_and_then_the_experiment_runs(content, page):
    words = page.locator(".jp-Notebook").inner_text()
    assert f"You predicted: {STEPS.choices[2]}" in words
    assert "It is otherwise." in words and STEPS.choices[3] in words
    assert page.locator(".zl-predict").count() == 1, "the form of the other question"
    assert predictions_in(content, QUESTIONS) == {"steps": 2}


def test_what_is_saved_says_it_in_plain_text_and_html_too(content):
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    (data,) = [output["data"] for output in outputs if MIME in output.get("data", {})]
    assert data[MIME] == {"question": "steps", "choice": 2}
    for kind in ("text/plain", "text/html"):
        assert STEPS.choices[2] in " ".join("".join(data[kind]).split())


def test_it_is_there_when_the_notebook_is_opened_again_without_a_kernel(lab, page, content):
    lab.close_kernels()
    lab.open(page, NOTEBOOK)
    page.get_by_text(f"You predicted: {STEPS.choices[2]}").first.wait_for(timeout=PATIENCE)
    page.get_by_text("No prediction yet.").first.wait_for(timeout=PATIENCE)
    for words in ("Error displaying widget", "Loading widget"):
        assert page.get_by_text(words).locator("visible=true").count() == 0
    assert page.locator(".zl-predict").count() == 0


@pytest.mark.parametrize("kept", ["the file beside it", "the notebook alone"])
def test_after_a_restart_it_shows_what_was_predicted_and_cannot_be_changed(lab, page, content, kept):
    lab.close_kernels()
    beside = (lab.folder / NOTEBOOK).parent / FOLDER / "softmax_classifier.predictions.json"
    assert json.loads(beside.read_text()) == {"steps": 2}
    left = nbformat.from_dict(content)
    if kept == "the notebook alone":
        beside.unlink()
    else:
        for cell in left.cells:
            cell.outputs, cell.execution_count = [], None
    nbformat.write(left, lab.folder / NOTEBOOK)
    lab.open(page, NOTEBOOK)
    wait_until_idle(page)
    run_all(page)
    page.get_by_text("the experiment ran").wait_for(timeout=PATIENCE)
    assert f"You predicted: {STEPS.choices[2]}" in page.locator(".jp-Notebook").inner_text()
    assert page.locator(".zl-predict").count() == 1, "the form of the other question"


class Line:
    """The line between a page and its kernel, of which the kernel's words can be held back."""

    def __init__(self, page):
        self.held = None
        page.route_web_socket("**/channels?*", self._connect)

    def _connect(self, socket):
        kernel = socket.connect_to_server()
        socket.on_message(kernel.send)
        kernel.on_message(lambda words: socket.send(words) if self.held is None else self.held.append((socket, words)))

    def release(self):
        held, self.held = self.held, None
        for socket, words in held:
            socket.send(words)


def test_what_is_given_is_the_choice_that_the_page_shows_also_on_a_slow_line(lab, browser):
    """ipywidgets holds further choices back until the kernel has answered; a press of the button is sent at once."""
    (lab.folder / "slow").mkdir()
    lab.write("slow/lab.ipynb", *CELLS[:2])
    with browser.new_context(viewport={"width": 900, "height": 900}) as context:
        page = context.new_page()
        line = Line(page)
        lab.open(page, "slow/lab.ipynb")
        run_all(page)
        radios, press = form(page).get_by_role("radio"), form(page).get_by_role("button")
        form(page).get_by_role("radiogroup").wait_for(timeout=PATIENCE)
        radios.nth(0).check()
        wait_for(page, "() => !document.querySelector('.zl-predict button').disabled")
        wait_until_idle(page)
        line.held = []
        radios.nth(1).check()
        radios.nth(2).check()
        press.click()
        line.release()
        form(page).get_by_role("button", name="Predicted. Now run the next cell.").wait_for(timeout=PATIENCE)
        assert radios.nth(2).is_checked()
        stored = lab.folder / "slow" / FOLDER / "softmax_classifier.predictions.json"
        assert json.loads(stored.read_text()) == {"steps": 2}
    lab.close_kernels()
