"""The explorer as people meet it: in JupyterLab and Notebook 7, by keyboard and by mouse, in both themes."""

import io
import re
from pathlib import Path

import numpy as np
import psutil
import pytest
from matplotlib.image import imread

from tests.browser import QUIETLY, readout, run_all, save, slider, wait_for, wait_until_idle
from tests.explorer import student

pytestmark = pytest.mark.xdist_group("JupyterLab")

# One cell: JupyterLab takes cells that are out of sight out of the page.
NETWORK = f"from lib.explorer import explore\n{Path(student.__file__).read_text()}"
EXPLORE = f"{NETWORK}\nexplore(Dense, Softmax, cce, cce_gradient)"
TRAINS_AHEAD = "from lib.explorer import widget\nwidget.AHEAD = 1  # s; for more it keeps a processor busy\n"


@pytest.fixture(scope="module")
def page(browser, lab):
    """The page in which all tests of this module open their notebooks: in a new one JupyterLab is compiled anew."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    yield page
    page.close()
    lab.close_kernels()


def show(page, lab, name, *cells, app="lab"):
    """Open a notebook of these cells, run it in a new kernel, and wait for the explorer."""
    lab.close_kernels()
    lab.open(page, lab.write(name, *cells), app=app)
    run_all(page)
    ready(page)


@pytest.fixture
def explorer(page, lab):
    """The explorer on the student's network, as it is after Run All, with everything in its first state."""
    if not page.url.endswith("/explorer.ipynb"):
        show(page, lab, "explorer.ipynb", TRAINS_AHEAD + EXPLORE)
        page.locator(".zl-more > summary").click()
    if page.get_by_role("button", name="Forget kept runs").is_enabled():
        page.get_by_role("button", name="Forget kept runs").click()
    page.get_by_label("What if").select_option(index=0)
    page.get_by_role("button", name="Good").click()
    type_in(page, "Epochs", 100)
    type_in(page, "Seed", 0)
    wait_for_run(page, 0.1)
    return page


def ready(page):
    page.locator(".zl-pictures svg").first.wait_for()
    page.locator(".zl-explorer").first.scroll_into_view_if_needed()


def type_in(page, label, value):
    field = page.get_by_role("textbox", name=f"{label}, to type")
    field.fill(str(value))
    field.press("Enter")


def wait_for_words(page, words, place=".zl-says"):
    page.locator(place).filter(has_text=words).first.wait_for(state="attached")


def wait_for_run(page, rate, size=16):
    """Wait for the words on 100 epochs of a setting; return them."""
    wait_for_words(page, f"Learning rate {rate}, batch size {size}. After 100 epochs")
    return page.locator(".zl-says").first.inner_text()


def pixels(page, view=0):
    return imread(io.BytesIO(page.locator(".zl-canvas").nth(view).screenshot()))


def assert_changed(before, after):
    assert (np.abs(before - after).max(axis=2) > 0.1).sum() > 200


def test_keys_and_drags_change_the_pictures_which_stay_where_they_are(explorer):
    loss, regions, places = pixels(explorer, 0), pixels(explorer, 1), [explorer.evaluate(BOXES)]
    selected = explorer.locator(".jp-Cell.jp-mod-active").count()
    handle = slider(explorer, "Learning rate")
    for _ in range(10):
        handle.press("ArrowLeft")
    said = wait_for_run(explorer, 0.01)
    assert readout(explorer, "Learning rate") == handle.get_attribute("aria-valuetext") == "0.01"
    assert_changed(loss, pixels(explorer, 0))
    assert_changed(regions, pixels(explorer, 1))
    wait_for_words(explorer, said, ".zl-live[role=status]")  # heard once it rests
    handle.press("ArrowDown")
    assert handle.evaluate("handle => document.activeElement === handle")
    assert explorer.locator(".jp-Cell.jp-mod-active").count() == selected  # the notebook has not moved on
    box = handle.bounding_box()
    explorer.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    explorer.mouse.down()
    for share in (0.4, 0.3, 0.2):
        explorer.mouse.move(box["x"] + share * box["width"], box["y"] + 5)
        places.append(explorer.evaluate(BOXES))
    explorer.mouse.up()
    rate = float(readout(explorer, "Learning rate"))
    assert rate < 0.003
    wait_for_run(explorer, rate)
    assert all(place == places[0] for place in places)


def is_dim(page):
    """True if the words and both pictures are dimmed."""
    opacity = "each => getComputedStyle(each).opacity"
    found = {page.locator(place).first.evaluate(opacity) for place in (".zl-says", ".zl-pictures")}
    assert len(found) == 1
    return float(found.pop()) < 0.5


def test_a_typed_value_dims_the_picture_until_its_own_is_there(explorer):
    [kernel] = [each for each in psutil.Process().children(recursive=True) if "ipykernel_launcher" in each.cmdline()]
    kernel.suspend()
    try:
        type_in(explorer, "Learning rate", "0,777")
        assert readout(explorer, "Learning rate") == "0.777" and is_dim(explorer)
    finally:
        kernel.resume()
    wait_for_run(explorer, 0.777)
    assert not is_dim(explorer)


def test_the_lock_keeps_the_exact_ratio(explorer):
    lock = explorer.get_by_label("Lock rate ÷ batch size")
    lock.check()
    slider(explorer, "Batch size").press("ArrowRight")
    wait_for_run(explorer, 0.2, 32)
    type_in(explorer, "Batch size", 3)
    wait_for_run(explorer, 0.01875, 3)
    assert readout(explorer, "Learning rate") == "0.01875" and slider(explorer, "Learning rate").is_disabled()
    lock.uncheck()


def test_the_training_plays_from_its_first_epoch_to_its_last(explorer):
    explorer.locator(".zl-says").evaluate("""says => {
      window.heard = [];
      new MutationObserver(() => heard.push(says.textContent)).observe(says, {childList: true});
    }""")
    explorer.get_by_role("button", name="Play the training").click()
    wait_for(explorer, "() => heard.some(words => words.includes('After 5 epochs'))")
    explorer.get_by_role("button", name="Stop").wait_for()
    explorer.get_by_role("button", name="Play the training").wait_for()
    wait_for_words(explorer, "After 100 epochs (1,500 iterations)")
    heard = re.findall(r"After (\d+) epochs? ", " ".join(explorer.evaluate("heard")))
    assert [int(each) for each in dict.fromkeys(heard)] == [*range(1, 100, 2), 100]


def test_a_kept_run_stays_in_the_picture(explorer):
    before, said = pixels(explorer), wait_for_run(explorer, 0.1)
    for _ in range(4):
        explorer.get_by_role("button", name="Keep this run").click()
    assert explorer.get_by_role("button", name="4 runs are kept, which is the limit").is_disabled()
    explorer.get_by_role("button", name="Too small").click()
    wait_for_words(explorer, "Learning rate 0.0001, batch size 16. After 100 epochs")
    kept = explorer.locator(".zl-kept li")
    assert kept.all_inner_texts() == [said] * 4
    with_kept = pixels(explorer)
    assert_changed(before, with_kept)
    explorer.get_by_role("button", name="Forget kept runs").click()
    kept.first.wait_for(state="detached")
    assert_changed(with_kept, pixels(explorer))


def test_a_what_if_is_predicted_first_then_looked_at(explorer):
    before = wait_for_run(explorer, 0.1)
    explorer.get_by_label("What if").select_option(label="the gradient's sign is flipped")
    wait_for_words(explorer, "Predict the curve first, then press Look", ".zl-live")
    assert explorer.locator(".zl-says").inner_text() == before
    explorer.get_by_role("button", name="Look").click()
    wait_for_words(explorer, "what if the gradient's sign is flipped. After 100")
    wait_for_words(explorer, "your code as it is", ".zl-pictures text")


def test_every_control_can_be_reached_by_keyboard_and_has_a_name(explorer):
    focused = """() => {
      const at = document.activeElement;
      return at.closest('.zl-explorer') && (at.ariaLabel || at.labels?.[0]?.textContent || at.textContent.trim());
    }"""
    slider(explorer, "Learning rate").focus()
    reached = []
    while (name := explorer.evaluate(focused)) is not None:
        reached.append(name)
        explorer.keyboard.press("Tab")
    expected = ["Learning rate", "Batch size, to type", "Batch size", "Epochs", "▶ Play the training", "Too small"]
    expected += ["More", "Data", "Seed, to type", "Lock rate ÷ batch size", "Keep this run", "What if"]
    assert [name for name in reached if name in expected] == expected and "" not in reached


OVERFLOW = """() => {
  const box = document.querySelector('.zl-explorer'), edge = box.getBoundingClientRect().right + 1;
  const shown = [...box.querySelectorAll('*')].filter(each => each.checkVisibility());
  return shown.filter(each => !each.closest('.zl-aside, svg') && each.getBoundingClientRect().right > edge)
    .map(each => each.outerHTML.slice(0, 99));
}"""
BOXES = """() => ['.zl-sliders', '.zl-pictures figure', 'figure + figure', '.jp-WindowedPanel-outer'].flatMap(each => {
  const found = document.querySelector(each);
  return found ? [found.getBoundingClientRect().toJSON()] : [];
})"""


def test_controls_and_both_pictures_are_on_one_screen(explorer):
    explorer.locator(".zl-sliders").evaluate("sliders => sliders.scrollIntoView()")
    sliders, loss, regions, notebook = explorer.evaluate(BOXES)
    assert loss["right"] <= regions["left"]
    assert notebook["top"] - 1 <= sliders["top"] and max(loss["bottom"], regions["bottom"]) <= notebook["bottom"]
    assert explorer.evaluate(OVERFLOW) == []


CONTRAST = """() => {
  const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = color => {
    probe.fillStyle = color; probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  };
  const root = document.querySelector('.zl-explorer');
  const paper = light(getComputedStyle(root).getPropertyValue('--zl-paper'));
  const ratio = color => { const v = light(color); return (Math.max(v, paper) + .05) / (Math.min(v, paper) + .05) };
  const of = (name, what) => ratio(getComputedStyle(root.querySelector(name))[what]);
  return [of('.zl-says', 'color'), of('svg text', 'fill'), of('.train', 'stroke'), of('.validate', 'stroke')];
}"""


def test_both_themes_can_be_read(explorer):
    regions = "() => document.querySelectorAll('.zl-canvas canvas')[1].toDataURL()"
    light = explorer.evaluate(regions)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        explorer.get_by_role("menuitem", name="Settings", exact=True).click()
        for item in ("Theme", theme):
            explorer.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
        wait_for(explorer, "theme => document.body.dataset.jpThemeName === theme", theme)
        words, labels, train, validate = explorer.evaluate(CONTRAST)
        assert min(words, labels) >= 4.5 and min(train, validate) >= 3  # WCAG 2.2, 1.4.3 and 1.4.11
        corner, dark = pixels(explorer)[2, -2, :3].mean(), theme.endswith("Dark")
        assert corner < 0.2 if dark else corner > 0.9
        assert (explorer.evaluate(regions) != light) == dark  # what a canvas shows follows, too


def test_a_restart_is_told_and_without_a_kernel_the_reopened_page_shows_the_last_state(explorer, lab):
    page, still = explorer, ".jp-OutputArea-child pre"
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Restart Kernel…", exact=True).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    wait_for_words(page, "The kernel was restarted: run this cell again.", ".zl-notice")
    slider(page, "Learning rate").press("ArrowLeft")
    assert is_dim(page) and page.locator(".zl-notice").inner_text()
    page.get_by_role("button", name="Play the training").click()  # it stops by itself
    page.get_by_role("button", name="Stop").wait_for(state="detached")
    run_all(page)
    wait_for(page, "() => document.querySelector('.zl-notice')?.textContent === ''")
    text = page.locator(still).filter(has_text="Learning rate")
    wait_for_run(page, 0.1)
    slider(page, "Learning rate").press("ArrowLeft")
    wait_for_words(page, "Learning rate 0.0794, batch size 16. After 100 epochs", still)
    said = wait_for_run(page, 0.0794)
    assert text.is_hidden()  # as long as the explorer is alive
    save(page)
    lab.close_kernels()
    lab.open(page, "explorer.ipynb")
    wait_for_words(page, "Learning rate 0.0794, batch size 16. After 100 epochs", still)
    wait_until_idle(page)
    wait_for(page, "() => /Error displaying widget/.test(document.body.textContent)")
    assert page.get_by_text("Error displaying widget").is_hidden()
    assert text.inner_text().replace("\n", " ").strip() == said
    page.goto("about:blank")  # another test opens it anew


LINKED = """import ipywidgets as widgets
seen = widgets.Label()
widgets.dlink((explorer, 'learning_rate'), (seen, 'value'), lambda rate: f'Python has {rate}')
explorer.learning_rate, explorer.batch_size = 0.05, 240
widgets.VBox([seen, explorer])"""


def test_in_notebook_7_it_is_an_ordinary_widget_to_python_and_is_stacked_on_a_narrow_screen(page, lab):
    python = QUIETLY + EXPLORE.replace("explore(D", "explorer = explore(D")
    show(page, lab, "seven.ipynb", python, LINKED, app="notebook")
    assert page.locator(".zl-explorer").count() == 1  # in the box; it was not shown by itself
    wait_for_run(page, 0.05, 240)
    assert readout(page, "Batch size") == "240"
    before = pixels(page)
    assert np.ptp(pixels(page, 1)[5, 5, :3]) > 0.1  # the regions have their colours from the start
    slider(page, "Learning rate").press("End")
    wait_for_words(page, "Python has 100", ".widget-label")
    wait_for_run(page, 100, 240)
    assert_changed(before, pixels(page))
    page.locator(".zl-more > summary").click()
    page.set_viewport_size({"width": 390, "height": 800})
    wait_for(page, "() => document.querySelector('.zl-explorer').getBoundingClientRect().width < 390")
    wait_for(page, f"() => ({OVERFLOW})().length === 0")
    sliders, loss, regions = page.evaluate(BOXES)[:3]
    assert sliders["bottom"] <= loss["top"] and loss["bottom"] <= regions["top"]
