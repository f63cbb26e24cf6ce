"""The explorer as people meet it: in JupyterLab and Notebook 7, by keyboard and by mouse, in both themes."""

import io
import re
from pathlib import Path
from time import monotonic

import nbformat
import numpy as np
import psutil
import pytest
from matplotlib.image import imread
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter

from lib.explorer.curvature import largest_descending_rate
from lib.explorer.training import Setting
from tests.browser import PATIENCE, readout, run_all, save, slider, wait_for, wait_until_idle
from tests.explorer import student
from tests.explorer.test_training import BLOBS, by_hand, train

# One cell: JupyterLab takes cells that are out of sight out of the page.
NETWORK = f"from lib.explorer import explore\n{Path(student.__file__).read_text()}"
EXPLORE = f"{NETWORK}\nexplore(Dense, Softmax, cce, cce_gradient)"
QUIETLY = "from lib.explorer import widget\nwidget.AHEAD = {}  # it keeps a processor busy for seconds\n"
FAULTS = """class Overflowing(Softmax):
    def forward(self, input):
        self.output = np.exp(input) / np.exp(input).sum(axis=0)
class Raising(Softmax):
    def backward(self, output_gradient):
        return output_gradient @ self.output
class Endless(Softmax):
    def backward(self, output_gradient):
        while True:
            pass
for each in (Overflowing, Raising, Endless):
    display(explore(Dense, each, cce, cce_gradient))"""


SENT = set()
"""The learning rates of the answers that Python has sent to the page below."""


def note_answer(message):
    """Called with each message that comes from the kernel."""
    message = message if isinstance(message, bytes) else message.encode()
    if b"custom" in message and (found := re.search(rb"Learning rate ([\d.]+), batch size 16\. After 100", message)):
        SENT.add(found[1].decode())


@pytest.fixture
def new_page(browser, lab):
    """Give `new_page(name, *cells)`, which runs a notebook of these cells in a page of its own."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:

        def new_page(name, *cells, app="lab"):
            page = context.new_page()
            lab.open(page, lab.write(name, *cells), app=app)
            run_all(page)
            ready(page)
            return page

        yield new_page
    lab.close_kernels()


@pytest.fixture(scope="module")
def page(browser, lab):
    """A page with the explorer on the student's network, as it is after Run All."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.on("websocket", lambda socket: socket.on("framereceived", note_answer))
    lab.open(page, lab.write("explorer.ipynb", QUIETLY.format(1) + EXPLORE))
    run_all(page)
    ready(page)
    page.locator(".zl-more > summary").click()
    yield page
    page.close()
    lab.close_kernels()


@pytest.fixture
def explorer(page):
    """The same, with everything back in its first state."""
    if page.get_by_role("button", name="Forget kept runs").is_enabled():
        page.get_by_role("button", name="Forget kept runs").click()
    page.get_by_label("What if").select_option(index=0)
    page.get_by_role("button", name="Good").click()
    type_in(page, "Epochs", 100)
    type_in(page, "Seed", 0)
    wait_for_words(page, "Learning rate 0.1, batch size 16. After 100 epochs")
    return page


def ready(page):
    page.locator(".zl-pictures svg").first.wait_for()
    page.locator(".zl-explorer").first.scroll_into_view_if_needed()


def type_in(page, label, value):
    field = page.get_by_role("textbox", name=f"{label}, to type")
    field.fill(str(value))
    field.press("Enter")


def caption(page):
    return page.locator(".zl-says").first.inner_text()


def wait_for_words(page, words, place=".zl-says"):
    page.locator(place).filter(has_text=words).first.wait_for(state="attached")


def pixels(page, view=0):
    """Return the pixels of one of the pictures."""
    return imread(io.BytesIO(page.locator(".zl-canvas").nth(view).screenshot()))


def assert_changed(before, after):
    assert before.shape == after.shape
    assert (np.abs(before - after).max(axis=2) > 0.1).sum() > 200


def test_a_key_changes_the_pictures_and_the_words_equal_numpy(explorer):
    loss, regions = pixels(explorer, 0), pixels(explorer, 1)
    selected = explorer.locator(".jp-Cell.jp-mod-active").count()
    handle = slider(explorer, "Learning rate")
    for _ in range(10):
        handle.press("ArrowLeft")
    wait_for_words(explorer, "Learning rate 0.01, batch size 16. After 100 epochs")
    assert float(readout(explorer, "Learning rate")) == 0.01
    assert_changed(loss, pixels(explorer, 0))
    assert_changed(regions, pixels(explorer, 1))
    _, losses, validation = by_hand(BLOBS, Setting(0.01, 16), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}, the validation loss {validation:.3g}," in caption(explorer)
    wait_for_words(explorer, caption(explorer), ".zl-live[role=status]")  # heard once it rests
    handle.press("ArrowDown")
    assert handle.evaluate("handle => document.activeElement === handle")
    assert explorer.locator(".jp-Cell.jp-mod-active").count() == selected  # the notebook has not moved on


def test_the_next_pictures_are_there_before_python_answers(explorer):
    handle = slider(explorer, "Learning rate")
    handle.press("ArrowLeft")
    wait_for_words(explorer, "Learning rate 0.0794, batch size 16. After 100 epochs")
    until = monotonic() + PATIENCE / 1000
    while not {"0.0631", "0.0501"} <= SENT:
        assert monotonic() < until, f"in a second of training ahead only {SENT} were sent"
        explorer.evaluate("() => new Promise(requestAnimationFrame)")
    [kernel] = [each for each in psutil.Process().children(recursive=True) if "ipykernel_launcher" in each.cmdline()]
    kernel.suspend()
    try:
        handle.press("ArrowLeft")
        handle.press("ArrowLeft")
        wait_for_words(explorer, "Learning rate 0.0501, batch size 16. After 100 epochs")
    finally:
        kernel.resume()
    _, losses, _ = by_hand(BLOBS, Setting(0.0501, 16), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}," in caption(explorer)


def test_dragging_changes_the_pictures_which_stay_where_they_are(explorer):
    before = pixels(explorer)
    where = "() => JSON.stringify(document.querySelector('.zl-pictures').getBoundingClientRect())"
    place = explorer.evaluate(where)
    box = slider(explorer, "Learning rate").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    explorer.mouse.move(x, y)
    explorer.mouse.down()
    places = set()
    for step in range(30):
        explorer.mouse.move(x - 3 * step, y)
        places.add(explorer.evaluate(where))
    explorer.mouse.up()
    rate = float(readout(explorer, "Learning rate"))
    assert rate < 0.01
    wait_for_words(explorer, f"Learning rate {rate:g}, batch size 16. After 100 epochs")
    assert_changed(before, pixels(explorer))
    assert places == {place}


def test_what_is_typed_is_used_as_it_is_or_refused_in_words(explorer):
    type_in(explorer, "Learning rate", "0.123")
    wait_for_words(explorer, "Learning rate 0.123, batch size 16. After 100 epochs")
    _, losses, validation = by_hand(BLOBS, Setting(0.123, 16), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}, the validation loss {validation:.3g}," in caption(explorer)
    slider(explorer, "Learning rate").press("ArrowRight")  # from the place nearest to it, 0.126
    wait_for_words(explorer, "Learning rate 0.158,")
    for label, typed, words, back in (
        ("Learning rate", "0,1", "Learning rate: 0,1 can’t be used. It is a number above 0.", "0.158"),
        ("Learning rate", "", "Learning rate: nothing can’t be used.", "0.158"),
        ("Batch size", "241", "Batch size: 241 can’t be used. It is a whole number from 1 to 240.", "16"),
        ("Epochs", "2.5", "Epochs: 2.5 can’t be used. It is a whole number from 1 to 300.", "100"),
    ):
        type_in(explorer, label, typed)
        for place in (".zl-refusal", ".zl-live"):
            wait_for_words(explorer, words, place)
        assert readout(explorer, label) == back


def test_the_lock_keeps_the_exact_ratio(explorer):
    lock = explorer.get_by_label("Lock rate ÷ batch size")
    lock.check()
    slider(explorer, "Batch size").press("ArrowRight")
    wait_for_words(explorer, "Learning rate 0.2, batch size 32. After 100 epochs")
    type_in(explorer, "Batch size", 3)
    wait_for_words(explorer, "Learning rate 0.01875, batch size 3. After 100 epochs")
    assert readout(explorer, "Learning rate") == "0.01875" and slider(explorer, "Learning rate").is_disabled()
    _, losses, _ = by_hand(BLOBS, Setting(0.01875, 3), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}," in caption(explorer)
    lock.uncheck()


HEAR = """() => {
  window.heard = [];
  new MutationObserver(() => heard.push(document.querySelector('.zl-says').textContent))
    .observe(document.querySelector('.zl-says'), {childList: true});
}"""


def test_a_slow_setting_shows_a_partial_curve_first_and_fills_it_in(explorer):
    explorer.evaluate(HEAR)
    type_in(explorer, "Seed", 3)
    type_in(explorer, "Batch size", 1)
    wait_for_words(explorer, "Learning rate 0.1, batch size 1. After 100 epochs (24,000 iterations)")
    heard = explorer.evaluate("heard")
    done = [int(found[1]) for words in heard if (found := re.search(r"size 1. After (\d+) of 100", words))]
    assert done and done == sorted(done)


def test_the_training_plays_from_its_first_epoch_to_its_last(explorer):
    explorer.evaluate(HEAR)
    explorer.get_by_role("button", name="Play the training").click()
    wait_for(explorer, "() => heard.some(words => words.includes('After 5 epochs'))")
    explorer.get_by_role("button", name="Stop").wait_for()
    explorer.get_by_role("button", name="Play the training").wait_for()
    wait_for_words(explorer, "After 100 epochs (1,500 iterations)")
    heard = re.findall(r"After (\d+) epochs? ", " ".join(explorer.evaluate("heard")))
    assert [int(each) for each in dict.fromkeys(heard)] == [*range(1, 100, 2), 100]


def test_the_largest_rate_that_descends_is_marked_and_said(explorer):
    limit = largest_descending_rate(train(Setting(0.1, 16), epochs=100), 100)
    wait_for_words(explorer, f"▲ {limit:.3g}: the largest rate that still descends", ".zl-note")
    share = explorer.evaluate("""() => {
      const [mark, track] = ['.zl-mark', '.zl-track'].map(name => document.querySelector(name).getBoundingClientRect());
      return (mark.x + mark.width / 2 - track.x - 8) / (track.width - 16);
    }""")
    assert 1e-4 * 1e6**share == pytest.approx(limit, rel=0.1)
    note = slider(explorer, "Learning rate").get_attribute("aria-describedby")
    assert "still descends" in explorer.locator(f"#{note}").inner_text()


def test_a_kept_run_stays_in_the_picture(explorer):
    before = pixels(explorer)
    explorer.get_by_role("button", name="Keep this run").click()
    explorer.get_by_role("button", name="Too small").click()
    wait_for_words(explorer, "Learning rate 0.0001, batch size 16. After 100 epochs")
    kept = explorer.locator(".zl-kept li")
    assert "Learning rate 0.1, batch size 16. After 100 epochs (1,500 iterations) the training loss is 0.127" in (
        kept.inner_text()
    )
    with_kept = pixels(explorer)
    assert_changed(before, with_kept)
    for _ in range(3):
        explorer.get_by_role("button", name="Keep this run").click()
    assert explorer.get_by_role("button", name="4 runs are kept, no more").is_disabled()
    explorer.get_by_role("button", name="Forget kept runs").click()
    kept.first.wait_for(state="detached")
    assert_changed(with_kept, pixels(explorer))


def test_a_what_if_is_predicted_first_then_looked_at(explorer):
    before = caption(explorer)
    explorer.get_by_label("What if").select_option(label="the gradient's sign is flipped")
    wait_for_words(explorer, "Predict the curve first, then press Look", ".zl-live")
    assert caption(explorer) == before
    explorer.get_by_role("button", name="Look").click()
    wait_for_words(explorer, "what if the gradient's sign is flipped. After 100")
    wait_for_words(explorer, "the training loss is higher than before training")
    wait_for_words(explorer, "your code as it is", ".zl-pictures text")


def test_the_map_fills_and_a_click_goes_there(explorer):
    type_in(explorer, "Epochs", 2)
    explorer.locator(".zl-map > summary").click()
    wait_for(explorer, "() => [...document.querySelectorAll('.zl-cell')].every(each => each.textContent !== '…')")
    rows = [row.locator("th, td") for row in explorer.locator(".zl-map tr").all()]
    rates, sizes = rows[0].all_inner_texts(), [row.first.inner_text() for row in rows]
    for rate, size in (("0.0001", "1"), ("1", "64"), ("100", "240")):
        cell = rows[sizes.index(size)].nth(rates.index(rate))
        _, losses, _ = by_hand(BLOBS, Setting(float(rate), int(size)), epochs=2)
        assert float(cell.inner_text()) == pytest.approx(losses[-1], rel=0.06)
    cell.get_by_role("button").click()
    wait_for_words(explorer, "Learning rate 100, batch size 240. After 2 epochs")
    assert cell.locator(".zl-nearest").count() == 1
    explorer.locator(".zl-map > summary").click()


def test_other_data_with_more_features_show_weights(explorer):
    type_in(explorer, "Epochs", 1)
    explorer.get_by_label("Data").select_option("digits")
    explorer.get_by_role("img", name="Weights").wait_for()
    labels = explorer.get_by_role("img", name="Weights").locator("text").all_text_contents()
    assert labels == [str(digit) for digit in range(10)]
    explorer.get_by_label("Data").select_option("blobs")
    explorer.get_by_role("img", name="Decision regions").wait_for()


def test_every_control_can_be_reached_by_keyboard_and_has_a_name(explorer):
    slider(explorer, "Learning rate").focus()
    named = []
    for _ in range(26):
        named.append(
            explorer.evaluate("""() => { const at = document.activeElement; return at.closest('.zl-explorer') &&
              (at.ariaLabel || at.labels?.[0]?.textContent || at.textContent.trim() || '(no name)') }""")
        )
        explorer.keyboard.press("Tab")
    reached = [name for name in named if name]
    expected = ["Learning rate", "Batch size, to type", "Batch size", "Epochs", "▶ Play the training", "Too small"]
    expected += ["More", "Data", "Seed, to type", "Lock rate ÷ batch size", "Keep this run", "What if"]
    assert [name for name in reached if name in expected] == expected and "(no name)" not in reached
    assert slider(explorer, "Learning rate").get_attribute("aria-valuetext") == readout(explorer, "Learning rate")


OVERFLOW = """() => {
  const box = document.querySelector('.zl-explorer'), edge = box.getBoundingClientRect().right + 1;
  const shown = [...box.querySelectorAll('*')].filter(each => each.checkVisibility());
  return shown.filter(each => !each.closest('.zl-aside, .zl-map, svg') && each.getBoundingClientRect().right > edge)
    .map(each => each.outerHTML.slice(0, 99));
}"""
BOXES = """() => ['.zl-sliders', '.zl-pictures figure', 'figure + figure', '.jp-WindowedPanel-outer'].flatMap(each => {
  const found = document.querySelector(each);
  return found ? [found.getBoundingClientRect().toJSON()] : [];
})"""


def test_controls_and_both_pictures_are_on_one_screen(explorer):
    explorer.locator(".zl-more > summary").click()
    explorer.locator(".zl-sliders").evaluate("sliders => sliders.scrollIntoView()")
    sliders, loss, regions, notebook = explorer.evaluate(BOXES)
    assert loss["right"] <= regions["left"]
    assert notebook["top"] - 1 <= sliders["top"] and max(loss["bottom"], regions["bottom"]) <= notebook["bottom"]
    assert explorer.evaluate(OVERFLOW) == []
    explorer.locator(".zl-more > summary").click()


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
  return {words: of('.zl-says', 'color'), labels: of('svg text', 'fill'),
          train: of('.train', 'stroke'), validate: of('.validate', 'stroke')};
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_can_be_read(explorer, theme):
    regions = pixels(explorer, 1)
    choose_theme(explorer, theme)
    try:
        dark = theme == "JupyterLab Dark"
        contrast = explorer.evaluate(CONTRAST)
        assert contrast["words"] >= 4.5 and contrast["labels"] >= 4.5  # WCAG 2.2, 1.4.3
        assert contrast["train"] >= 3 and contrast["validate"] >= 3  # 1.4.11
        corner = pixels(explorer)[2, -2, :3].mean()
        assert corner < 0.2 if dark else corner > 0.9
        assert (np.abs(pixels(explorer, 1) - regions).max() > 0.1) == dark  # what a canvas shows follows, too
    finally:
        choose_theme(explorer, "JupyterLab Light")


def choose_theme(page, theme):
    """Choose a theme from JupyterLab's menu, and wait until the page has it."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    for item in ("Theme", theme):
        page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
    wait_for(page, "theme => document.body.dataset.jpThemeName === theme", theme)


LINKED = """import ipywidgets as widgets
seen = widgets.Label()
widgets.dlink((explorer, 'learning_rate'), (seen, 'value'), lambda rate: f'Python has {rate}')
explorer.learning_rate, explorer.batch_size = 0.05, 240
widgets.VBox([seen, explorer])"""


def test_it_is_an_ordinary_widget_to_python(new_page):
    page = new_page("python.ipynb", QUIETLY.format(0) + EXPLORE.replace("explore(D", "explorer = explore(D"), LINKED)
    assert page.locator(".zl-explorer").count() == 1  # in the box; it was not shown by itself
    wait_for_words(page, "Learning rate 0.05, batch size 240. After 100 epochs")
    assert readout(page, "Batch size") == "240"
    slider(page, "Learning rate").press("ArrowRight")
    wait_for_words(page, "Python has 0.0631", ".widget-label")


def test_divergence_and_faulty_code_are_said_and_the_page_lives_on(new_page):
    page = new_page("faults.ipynb", QUIETLY.format(0) + "\n".join([NETWORK, FAULTS]))
    overflow, raising, endless = (page.locator(".zl-explorer").nth(number) for number in range(3))
    slider(overflow, "Learning rate").press("End")
    slider(overflow, "Batch size").press("Home")
    overflow.locator(".zl-says").filter(has_text=re.compile(r"Diverged in epoch \d+: .* nan")).wait_for()
    assert raising.locator("pre").inner_text() == "return output_gradient @ self.output"
    assert re.search(r"ValueError: .* in Raising.backward, cell .*line \d+", raising.locator(".zl-says").inner_text())
    assert "Is there a loop that never ends? That was in Endless.backward" in endless.locator(".zl-says").inner_text()
    for each in (raising, endless):
        each.get_by_role("button", name="Too small").click()
        each.locator(".zl-says").filter(has_text="Learning rate 0.0001").wait_for()
    overflow.get_by_role("button", name="Good").click()
    overflow.locator(".zl-says").filter(has_text="Learning rate 0.1, batch size 16. After 100 epochs").wait_for()
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []


def test_it_works_in_notebook_7_and_is_stacked_on_a_narrow_screen(new_page):
    page = new_page("seven.ipynb", QUIETLY.format(0) + EXPLORE, app="notebook")
    before = pixels(page)
    assert np.ptp(pixels(page, 1)[5, 5, :3]) > 0.1  # the regions have their colours from the start
    slider(page, "Learning rate").press("ArrowRight")
    wait_for_words(page, "Learning rate 0.126, batch size 16. After 100 epochs")
    assert_changed(before, pixels(page))
    page.locator(".zl-more > summary").click()
    page.locator(".zl-map > summary").click()
    page.set_viewport_size({"width": 390, "height": 800})
    wait_for(page, "() => document.querySelector('.zl-explorer').getBoundingClientRect().width < 390")
    wait_for(page, f"() => ({OVERFLOW})().length === 0")
    sliders, loss, regions = page.evaluate(BOXES)[:3]
    assert sliders["bottom"] <= loss["top"] and loss["bottom"] <= regions["top"]


def test_reopened_without_a_kernel_the_page_shows_the_last_state(new_page, browser, lab):
    page = new_page("still.ipynb", QUIETLY.format(0) + EXPLORE)
    assert page.locator(".jp-RenderedImage").is_hidden()  # as long as the explorer is alive
    slider(page, "Learning rate").press("ArrowLeft")
    wait_for_words(page, "Learning rate 0.0794, batch size 16. After 100 epochs", ".jp-OutputArea-child pre")
    said = caption(page)
    save(page)
    page.close()
    lab.close_kernels()
    reopened = browser.new_page(viewport={"width": 1280, "height": 800})
    lab.open(reopened, "still.ipynb")
    reopened.locator(".jp-RenderedImage img").wait_for()
    wait_until_idle(reopened)
    wait_for(reopened, "() => /Error displaying widget/.test(document.body.textContent)")
    assert reopened.get_by_text("Error displaying widget").is_hidden()
    words = reopened.locator(".jp-OutputArea-child pre").filter(has_text="Learning rate").inner_text()
    assert words.replace("\n", " ").strip() == said
    reopened.close()


def test_a_feedback_page_shows_the_still_picture(browser, lab):
    """nbgrader's feedback is made by nbconvert from the notebook that was run, and has no kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(EXPLORE)])
    NotebookClient(notebook, kernel_name="python3").execute()
    made, _ = HTMLExporter(exclude_input_prompt=True).from_notebook_node(notebook)
    (lab.folder / "feedback.html").write_text(made)
    page = browser.new_page(viewport={"width": 900, "height": 1000})
    page.goto((lab.folder / "feedback.html").as_uri())
    image = page.locator('img[src^="data:image/png"]')
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 840
    assert image.is_visible()
    page.close()
