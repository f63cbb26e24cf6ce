"""The pad in JupyterLab: what keys and fingers draw is read by the network that the solution has trained."""

from pathlib import Path

import nbformat
import pytest

from lib.data import digits, split
from tests.browser import run_all, wait_for

pytestmark = pytest.mark.xdist_group("JupyterLab")

SOLUTION = Path(__file__).parents[2] / "solutions/softmax_classifier/softmax_classifier.ipynb"
CELLS = ("setup", "layer", "loss", "softmax", "dense", "batch-indices", "train")
PAD = """
import ipywidgets as widgets
from lib.explorer.pad import Pad

seen, labels_seen, unseen, _ = split(*digits())
np.random.seed(0)
dlayer, softmax, losses = train(standardise(seen), np.eye(10)[:, labels_seen], 0.1, 16, 30)

def read(pixels):
    return softmax.forward(dlayer.forward(standardise(seen, pixels)[1]))

pad, of = Pad(read, unseen[:, :20]), widgets.Label()
widgets.dlink((pad, 'answer'), (of, 'value'), lambda answer: str([round(ink) for ink in pad.pixels]))
display(pad, of)"""
ANSWERED = """() => {
  const { data } = document.querySelectorAll('.zl-pad canvas')[1].getContext('2d').getImageData(0, 0, 8, 8);
  const shown = Array.from({length: 64}, (_, at) => Math.round(data[4 * at + 3] / 16));
  const of = document.querySelector('.widget-label').textContent;
  return of === `[${shown.join(', ')}]` || of === '[]' && !Math.max(...shown);
}"""


@pytest.fixture(scope="module")
def page(browser, lab):
    """A page with the pad of a network that the solution's code has trained on the digits."""
    cells = {cell.id: cell.source for cell in nbformat.read(SOLUTION, as_version=4).cells}
    page = browser.new_page(viewport={"width": 1280, "height": 800}, has_touch=True)
    lab.open(page, lab.write("pad.ipynb", "\n".join([*(cells[name] for name in CELLS), PAD])))
    run_all(page)
    page.locator(".zl-pad").scroll_into_view_if_needed()
    yield page
    page.close()
    lab.close_kernels()


@pytest.fixture
def pad(page):
    page.get_by_role("button", name="Clear").click()
    wait_for(page, ANSWERED)
    return page


def reading(page):
    """Return what the pad says, once it is of what is drawn, and the ten numbers next to the bars."""
    wait_for(page, ANSWERED)
    numbers = page.locator(".zl-pad li span").all_inner_texts()
    return page.locator(".zl-pad p").inner_text(), [float(number) for number in numbers if number]


def draw(page, strokes):
    """Draw by mouse; points are in the pad's own pixels."""
    box = page.locator(".zl-pad canvas").first.bounding_box()
    for first, *others in strokes:
        page.mouse.move(box["x"] + 1 + first[0], box["y"] + 1 + first[1])
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + 1 + x, box["y"] + 1 + y)
        page.mouse.up()


def test_a_digit_is_drawn_by_keys_and_the_notebook_stays_where_it_is(pad):
    canvas, active = pad.locator(".zl-pad canvas").first, ".jp-Cell.jp-mod-active"
    canvas.focus()
    selected = pad.locator(active).count()
    for _ in range(4):
        pad.keyboard.press("ArrowUp")  # without Shift it only moves
    assert reading(pad) == ("", [])
    for _ in range(14):
        pad.keyboard.press("Shift+ArrowDown")
    assert reading(pad)[0].startswith("Read as 1")
    assert canvas.evaluate("canvas => document.activeElement === canvas") and pad.locator(active).count() == selected


def test_a_finger_draws_too_and_an_example_digit_is_one_of_the_data_set(pad):
    box = pad.locator(".zl-pad canvas").first.bounding_box()
    pad.touchscreen.tap(box["x"] + 80, box["y"] + 80)
    pad.locator(".zl-pad p").filter(has_text="Read as").wait_for()
    _, _, unseen, labels = split(*digits())
    read = []
    for number in range(5):
        pad.get_by_role("button", name="Example digit").click()
        pixels = str([round(ink) for ink in unseen[:, number]])
        pad.locator(".widget-label").filter(has_text=pixels).wait_for()
        read.append(reading(pad)[0])
    assert sum(words.startswith(f"Read as {label}") for words, label in zip(read, labels, strict=False)) >= 4


FAULTS = [
    ("return(softmax.forward(pixels))", "The network must return ten probabilities, but it returned", ""),
    ("return(softmax.backward(pixels, pixels[99]))", "IndexError: index 99 is out of bounds", "pixels[99]"),
]


def test_what_fails_in_the_network_is_said_with_the_students_line(page, lab):
    page.set_viewport_size({"width": 390, "height": 800})
    student = Path(__file__).with_name("student.py").read_text()
    pads = [f"def read(pixels):\n    {body}\ndisplay(Pad(read, np.ones((64, 1))))" for body, _, _ in FAULTS]
    source = "\n".join([student, "from lib.explorer.pad import Pad", "softmax = Softmax()", *pads])
    lab.open(page, lab.write("fails.ipynb", source), app="notebook")
    run_all(page)
    for pad, (_, words, code) in zip(page.locator(".zl-pad").all(), FAULTS, strict=True):
        pad.get_by_role("button", name="Example digit").click()
        pad.locator("p").filter(has_text=words).wait_for()
        assert code in pad.locator("pre").inner_text()
        assert pad.evaluate("box => box.scrollWidth <= box.clientWidth")
