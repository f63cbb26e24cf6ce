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

from lib.explorer.regions_view import Plane
from lib.explorer.training import Setting
from tests.browser import PATIENCE, readout, run_all, save, slider, wait_for, wait_until_idle
from tests.explorer import student
from tests.explorer.test_training import BLOBS, by_hand

ROOT = Path(__file__).parents[2]
# One cell: JupyterLab takes cells that are out of sight out of the page.
NETWORK = f"from lib.explorer import explore\n{Path(student.__file__).read_text()}"
EXPLORE = f"{NETWORK}\nexplore(Dense, Softmax, cce, cce_gradient)"
ALMOST_QUIETLY = "from lib.explorer import live\nlive.AHEAD_PER_REST = 1\n"
QUIETLY = "from lib.explorer import live\nlive.AHEAD_PER_REST = 0  # what nobody looks at isn't trained in advance\n"
"""They go before what is explored where that isn't the point: it keeps a processor busy for seconds."""
OVERFLOW = """class Overflowing(Softmax):
    def forward(self, input):
        self.output = np.exp(input) / np.exp(input).sum(axis=0)
explore(Dense, Overflowing, cce, cce_gradient)"""
RAISING = """class Raising(Softmax):
    def backward(self, output_gradient):
        return output_gradient @ self.output
explore(Dense, Raising, cce, cce_gradient)"""
ENDLESS = """class Endless(Dense):
    def backward(self, output_gradient, learning_rate):
        while True:
            pass
explore(Endless, Softmax, cce, cce_gradient)"""
TRANSPOSED = """class Transposed(Dense):
    def forward(self, input):
        super().forward(input)
        self.output = self.output.T
explore(Transposed, Softmax, cce, cce_gradient)"""


READY = set()
"""The learning rates of the pages that the browser was given in advance."""


def note_ready_page(message):
    """Called with each message that comes from the kernel."""
    message = message if isinstance(message, bytes) else message.encode()
    if b"custom" in message and (found := re.search(rb"Learning rate ([\d.]+), batch size 16\. After 100", message)):
        READY.add(found[1].decode())


@pytest.fixture(scope="module")
def page(browser, lab):
    """A page with the explorer on the student's network, as it is after Run All."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.on("websocket", lambda socket: socket.on("framereceived", note_ready_page))
    lab.open(page, lab.write("explorer.ipynb", ALMOST_QUIETLY + EXPLORE))
    run_all(page)
    ready(page)
    yield page
    page.close()
    lab.close_kernels()


@pytest.fixture
def explorer(page):
    """The same, with everything back in its first state."""
    if page.get_by_role("button", name="Forget kept runs").is_enabled():
        page.get_by_role("button", name="Forget kept runs").click()
    page.get_by_label("What if").select_option(index=0)
    page.get_by_role("button", name="rate 0.1, batch 16").click()
    READY.clear()  # as the page does at a press
    if readout(page, "Epochs") != "100":
        box = page.locator(".widget-slider").filter(has_text="Epochs").locator(".widget-readout")
        box.fill("100")
        box.press("Enter")
    wait_for_words(page, "Learning rate 0.1, batch size 16. After 100 epochs")
    return page


def ready(page):
    """Wait for the explorer's picture, and for the names that its controls get."""
    page.locator(".zl-pictures svg").first.wait_for()
    page.locator(".zl-live[role=status]").first.wait_for(state="attached")
    page.locator(".zl-explorer").first.scroll_into_view_if_needed()


PLACE = """view => {
  const picture = document.querySelectorAll('.zl-pictures svg')[view];
  picture.scrollIntoView({block: 'nearest'});
  const {x, y, width, height} = picture.getBoundingClientRect();
  return {x: Math.floor(x), y: Math.floor(y), width: Math.ceil(width), height: Math.ceil(height)};
}"""


def caption(page):
    return page.locator(".zl-says").first.inner_text()


def wait_for_words(page, words, place=".zl-says"):
    page.locator(place).filter(has_text=words).first.wait_for(state="attached")


def pixels(page, view=0):
    """Return the pixels of one of the pictures."""
    place = picture = None
    while place != (place := page.evaluate(PLACE, view)):  # again where it has moved meanwhile
        # Cut out of the page: Playwright takes no picture of an element that is drawn anew meanwhile.
        picture = page.screenshot(clip=place)
    return imread(io.BytesIO(picture))


def assert_changed(before, after):
    assert before.shape == after.shape
    assert (np.abs(before - after).max(axis=2) > 0.1).sum() > 200


def test_a_key_changes_the_pictures_and_the_words_equal_numpy(explorer):
    loss, regions = pixels(explorer, 0), pixels(explorer, 1)
    handle = slider(explorer, "Learning rate")
    for _ in range(10):
        handle.press("ArrowLeft")
    wait_for_words(explorer, "Learning rate 0.01, batch size 16. After 100 epochs")
    assert float(readout(explorer, "Learning rate")) == 0.01
    assert_changed(loss, pixels(explorer, 0))
    assert_changed(regions, pixels(explorer, 1))
    _, losses, validation = by_hand(BLOBS, Setting(0.01, 16), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}, the validation loss {validation:.3g}," in caption(explorer)
    wait_for_words(explorer, caption(explorer).split(" At the end")[0], ".zl-live")  # heard once it rests


SHOWN = """() => {
  const box = document.querySelector('.zl-picture-box'), rate = () => /rate ([\\d.]+),/.exec(box.textContent)[1];
  window.shown = [rate()];
  new MutationObserver(() => { if (shown.at(-1) !== rate()) shown.push(rate()); })
    .observe(box, {childList: true, subtree: true});
}"""


def test_the_next_pages_are_there_before_python_answers_which_brings_no_earlier_one_back(explorer):
    handle = slider(explorer, "Learning rate")
    handle.press("ArrowLeft")
    wait_for_words(explorer, "Learning rate 0.0794, batch size 16. After 100 epochs")
    until = monotonic() + PATIENCE / 1000
    while not {"0.0631", "0.0501"} <= READY:
        assert monotonic() < until, f"in a second of training ahead only {READY} were made ready"
        explorer.evaluate("() => new Promise(requestAnimationFrame)")
    explorer.evaluate(SHOWN)
    [kernel] = [each for each in psutil.Process().children(recursive=True) if "ipykernel_launcher" in each.cmdline()]
    kernel.suspend()
    try:
        handle.press("ArrowLeft")
        handle.press("ArrowLeft")
        wait_for_words(explorer, "Learning rate 0.0501, batch size 16. After 100 epochs")
        ready = explorer.locator(".zl-picture-box").inner_html()
    finally:
        kernel.resume()
    wait_for_words(explorer, "Learning rate 0.0501,", ".zl-live")
    assert explorer.locator(".zl-picture-box").inner_html() == ready
    assert explorer.evaluate("shown") == ["0.0794", "0.0631", "0.0501"]
    _, losses, _ = by_hand(BLOBS, Setting(0.0501, 16), epochs=100)
    assert f"the training loss is {losses[-1]:.3g}," in caption(explorer)


def test_dragging_changes_the_pictures_which_stay_where_they_are(explorer):
    before = pixels(explorer)
    where = "() => { const {x, y, width, height} = document.querySelector('.zl-pictures svg').getBoundingClientRect();"
    where += " return [x, y, width, height] }"
    place = explorer.evaluate(where)
    box = slider(explorer, "Learning rate").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    explorer.mouse.move(x, y)
    explorer.mouse.down()
    places = []
    for step in range(30):
        explorer.mouse.move(x - 3 * step, y)
        places.append(explorer.evaluate(where))
    explorer.mouse.up()
    rate = float(readout(explorer, "Learning rate"))
    assert rate < 0.01
    wait_for_words(explorer, f"Learning rate {rate:g}, batch size 16. After 100 epochs")
    assert_changed(before, pixels(explorer))
    assert places == [place] * len(places)


def test_twenty_quick_moves_end_on_the_last(explorer):
    handle = slider(explorer, "Batch size")
    handle.focus()
    for move in range(20):
        explorer.keyboard.press("ArrowRight" if move % 5 else "ArrowLeft")
    for _ in range(2):
        explorer.keyboard.press("ArrowLeft")
    size = int(readout(explorer, "Batch size"))
    assert size == 64
    wait_for_words(explorer, f"batch size {size}. After 100 epochs (400 iterations)")


def test_the_smallest_batch_shows_a_partial_curve_first_and_fills_it_in(explorer):
    explorer.evaluate("""() => { window.heard = []; new MutationObserver(() =>
        heard.push(document.querySelector('.zl-says')?.textContent ?? '')
      ).observe(document.querySelector('.zl-pictures').parentElement, {childList: true}) }""")
    explorer.get_by_label("Seed").select_option("3")
    explorer.get_by_role("button", name="rate 0.1, batch 1", exact=True).click()
    wait_for_words(explorer, "Learning rate 0.1, batch size 1. After 100 epochs (24,000 iterations)")
    heard = explorer.evaluate("() => heard")
    done = [int(found[1]) for words in heard if (found := re.search(r"size 1. After (\d+) of 100", words))]
    assert done and done == sorted(done)
    explorer.get_by_label("Seed").select_option("0")


def test_one_key_moves_rate_and_batch_size_when_they_are_locked(explorer):
    lock = explorer.get_by_role("button", name="Lock rate / batch")
    lock.press("Space")
    explorer.locator(".widget-slider [disabled]").first.wait_for()  # the learning rate goes with the batch size now
    explorer.get_by_role("button", name="Gradients").click()
    explorer.locator("svg[aria-label='Batch gradients']").wait_for()
    slider(explorer, "Batch size").press("ArrowRight")
    wait_for_words(explorer, "Learning rate 0.2, batch size 32. After 100 epochs")
    assert "Learning rate / batch size is 0.00625. At these weights the gradients of " in caption(explorer)
    assert readout(explorer, "Learning rate") == "0.2"
    explorer.get_by_role("button", name="Gradients").click()
    lock.press("Space")


def click_at(picture, right, down):
    """Click on a place within a picture, in parts of its width and height; another picture may be on its way."""
    width, height = picture.evaluate(
        "picture => [picture.getBoundingClientRect()].flatMap(at => [at.width, at.height])"
    )
    picture.click(position={"x": right * width, "y": down * height})


TICKS_PLACE = """() => {
  const [tick, base] = ['.zl-tick', '.noUi-base'].map(name => document.querySelector(name).getBoundingClientRect());
  return (tick.x + tick.width / 2 - base.x) / base.width;
}"""
"""How far from the slider's left end the tick is, of its length; in one step, since each state brings another tick."""


def test_a_start_is_chosen_on_the_path_by_keys_and_by_a_click_and_the_limit_is_marked(explorer):
    explorer.get_by_role("button", name="Path", exact=True).press("Space")
    picture = explorer.get_by_role("application", name="The path on the loss")
    limit = float(picture_words(explorer, r"2/\u2060λ = (\S+) "))
    handle, tick = slider(explorer, "Learning rate"), explorer.locator(".zl-tick")
    assert tick.inner_text() == "2/λ"
    place = explorer.evaluate(TICKS_PLACE)
    assert 1e-4 * 1e6**place == pytest.approx(limit, rel=0.1)
    picture.focus()
    picture.press("Shift+ArrowUp")
    picture_words(explorer, r"At the cross the loss is (\S+)\. Enter starts there")
    picture.press("Enter")  # each key brings another picture, which has the focus then
    wait_for_words(explorer, "The start is one that you chose.")
    by_keys = caption(explorer)
    click_at(picture, 0.3, 0.7)
    wait_for(explorer, "words => document.querySelector('.zl-says').textContent !== words", by_keys)
    handle.press("ArrowLeft")
    wait_for_words(explorer, "Learning rate 0.0794, batch size 16. After 100 epochs")
    assert "The start is one that you chose." in caption(explorer)
    explorer.get_by_role("button", name="Start as drawn").click()
    explorer.get_by_role("button", name="Path", exact=True).click()
    tick.wait_for(state="detached")


def test_the_map_fills_in_and_keys_and_clicks_go_to_its_settings(explorer):
    explorer.get_by_role("button", name="Map", exact=True).press("Space")
    picture = explorer.get_by_role("application", name="Map")
    picture_words(explorer, r"The lowest (?:so far )?is (\S+), at rate")  # while it fills in
    picture.focus()
    picture.press("ArrowRight")
    wait_for_words(explorer, "Learning rate 0.316, batch size 16. After 100 epochs")
    picture.press("ArrowUp")
    wait_for_words(explorer, "Learning rate 0.316, batch size 32. After 100 epochs")
    click_at(picture, 396 / 420, 56 / 330)  # the cell in the upper right corner
    wait_for_words(explorer, "Learning rate 100, batch size 240. After 100 epochs")
    assert readout(explorer, "Learning rate") == "100" and readout(explorer, "Batch size") == "240, all"
    wait_for_words(explorer, re.compile(r"Here it is \S+\."))  # the cell that it fills first now
    explorer.get_by_role("button", name="Map", exact=True).click()


def test_the_training_is_scrubbed_and_played_and_all_views_follow(explorer):
    loss, regions = pixels(explorer, 0), pixels(explorer, 1)
    handle = slider(explorer, "Show epoch")
    handle.press("Home")
    wait_for_words(explorer, "Before training the loss of all training samples is")
    assert_changed(regions, pixels(explorer, 1))
    handle.press("ArrowRight")
    wait_for_words(explorer, "After epoch 1 of 100 (15 iterations) the training loss is")
    assert np.abs(loss - pixels(explorer, 0)).max() > 0.1  # the line in the picture of the loss
    handle.press("End")
    wait_for_words(explorer, "After 100 epochs (1,500 iterations)")
    slider(explorer, "Epochs").press("Home")
    wait_for_words(explorer, "After 1 epoch (15 iterations)")
    assert readout(explorer, "Show epoch") == "1"  # the end stays the end
    for _ in range(4):
        slider(explorer, "Epochs").press("ArrowRight")
    wait_for_words(explorer, "After 5 epochs (75 iterations)")
    explorer.evaluate("""() => { window.heard = []; new MutationObserver(() =>
        heard.push(document.querySelector('.zl-says')?.textContent ?? '')
      ).observe(document.querySelector('.zl-pictures').parentElement, {childList: true}) }""")
    explorer.locator(".jupyter-widgets.widget-play button").first.press("Space")
    wait_for(explorer, "() => heard.some(words => /After epoch 3 of 5/.test(words))")
    wait_for_words(explorer, "After 5 epochs (75 iterations)")


def test_points_are_dragged_added_relabelled_and_removed_by_pointer_and_keys(explorer):
    explorer.get_by_role("button", name="Change points").press("Space")
    picture = explorer.get_by_role("application", name="Decision regions")
    click_at(picture, 60 / 420, 40 / 330)  # where no point is
    place = picture_words(explorer, r"Change 1: a training sample of class 0 added at \((.*)\)\. Selected")
    regions = pixels(explorer, 1)
    left, top, pixel = explorer.evaluate("""() => {  // at once: another picture may be on its way
        const at = document.querySelector('svg[aria-label="Decision regions"]').getBoundingClientRect();
        return [at.x, at.y, at.width / 420] }""")
    explorer.mouse.move(left + 60 * pixel, top + 40 * pixel)
    explorer.mouse.down()
    for step in range(1, 21):
        explorer.mouse.move(left + (60 + 3 * step) * pixel, top + (40 + 12 * step) * pixel)
    explorer.mouse.up()
    wait_for_words(explorer, re.compile("After 100 epochs.*Change 2: .* moved"))
    plane = Plane(np.hstack([BLOBS.X, BLOBS.X_validation]))
    before, after = plane.features(60, 40), plane.features(120, 280)
    assert [float(each.replace("−", "-")) for each in place.split(", ")] == pytest.approx(before, abs=0.05)
    moved = picture_words(explorer, r"Change 2: a training sample of class 0 moved from .* to \((.*)\)\. Selected")
    assert [float(each.replace("−", "-")) for each in moved.split(", ")] == pytest.approx(after, abs=0.05)
    assert_changed(regions, pixels(explorer, 1))
    for key, words in (
        ("c", "Change 3: .* is now of class 1"),
        ("Shift+ArrowUp", "Change 4: .* of class 1 moved"),
        ("Delete", "240 training samples .* Change 5: .* removed"),
        ("Shift+N", "Selected: the .* sample of class"),  # Shift is for others' shortcuts too
        ("u", "241 training samples .* Change 4:"),
    ):
        explorer.keyboard.press(key)  # each brings another picture, which has the focus then
        wait_for_words(explorer, re.compile(words))
    focus = "() => [document.activeElement.ariaLabel, getComputedStyle(document.activeElement).outlineStyle]"
    assert explorer.evaluate(focus) == ["Decision regions", "solid"]
    explorer.get_by_role("button", name="Start again from the drawn set").click()
    wait_for_words(explorer, "Change 5: back to the drawn set.")
    explorer.get_by_role("button", name="Change points").click()
    picture.wait_for(state="detached")


def picture_words(page, pattern):
    """Wait until the caption says a sentence, and return what stands in its group."""
    wait_for_words(page, re.compile(pattern))
    return re.search(pattern, caption(page))[1]


def test_a_kept_run_stays_in_the_picture(explorer):
    before = pixels(explorer)
    explorer.get_by_role("button", name="Keep this run").click()
    explorer.get_by_role("button", name="rate 0.0001, batch 16").click()
    wait_for_words(explorer, "Learning rate 0.0001, batch size 16. After 100 epochs")
    kept = explorer.locator(".zl-kept li")
    assert kept.count() == 1
    assert "rate 0.1, batch 16: training loss 0.127" in kept.inner_text()
    with_kept = pixels(explorer)
    assert_changed(before, with_kept)
    explorer.get_by_role("button", name="Forget kept runs").click()
    kept.wait_for(state="detached")
    assert_changed(with_kept, pixels(explorer))


def test_a_what_if_is_predicted_first_then_looked_at(explorer):
    before = pixels(explorer, 1)
    explorer.get_by_label("What if").select_option(label="the gradient's sign is flipped")
    wait_for_words(explorer, "Predict the curve first, then press Look")
    np.testing.assert_allclose(pixels(explorer, 1), before, atol=0.1)  # the words above it are others
    explorer.get_by_role("button", name="Look").click()
    wait_for_words(explorer, "The training loss is higher than before training")
    assert_changed(before, pixels(explorer, 1))


def test_every_control_can_be_reached_by_keyboard_and_has_a_name(explorer):
    slider(explorer, "Learning rate").focus()
    named = []
    for _ in range(48):
        named.append(
            explorer.evaluate(
                """() => { const at = document.activeElement; return at.closest('.zl-explorer') &&
                     (at.ariaLabel || at.textContent.trim() || '(no name)') }"""
            )
        )
        explorer.keyboard.press("Tab")
    reached = [name for name in named if name]
    assert "(no name)" not in reached
    for name in (
        "Learning rate",
        "Batch size",
        "Epochs",
        "Show epoch",
        "Seed",
        "Data",
        "What if",
        "Keep this run",
        "Weights",
        "Gradients",
    ):
        assert name in reached, reached
    handle = slider(explorer, "Learning rate")
    assert handle.get_attribute("aria-valuetext") == readout(explorer, "Learning rate")


SHARE_A_SCREEN = """([picture, ...handles]) => {
  picture.scrollIntoView({block: 'end'});
  const seen = handles.every(handle => {
    const {x, y, width, height} = handle.getBoundingClientRect();
    return handle.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  });
  const [at, sliders, notebook] = [picture, ...['.zl-sliders', '.jp-WindowedPanel-outer'].map(
    each => document.querySelector(each))].map(each => each.getBoundingClientRect());
  return seen && at.top >= (at.left >= sliders.right ? notebook.top : sliders.bottom) - 1;
}"""
"""Asked until it is so: JupyterLab lays out a page of another size, and its toolbar, in several steps."""


@pytest.mark.parametrize(("width", "height"), [(900, 700), (640, 500)], ids=["900 pixels", "1280 at 200%"])
def test_sliders_and_each_picture_share_a_screen(explorer, width, height):
    explorer.set_viewport_size({"width": width, "height": height})
    try:
        handles = [slider(explorer, name).element_handle() for name in ("Learning rate", "Batch size", "Epochs")]
        for picture in explorer.locator(".zl-pictures svg").element_handles():
            wait_for(explorer, SHARE_A_SCREEN, [picture, *handles])
        overflow = explorer.locator(".zl-explorer").evaluate(
            "box => [...box.querySelectorAll('*')].filter(e => e.checkVisibility() && !e.closest('.zl-aside, svg')"
            " && e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1).map(e => e.outerHTML)"
        )
        assert overflow == []
    finally:
        explorer.set_viewport_size({"width": 1280, "height": 1000})


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


def test_no_two_texts_of_a_picture_lie_over_each_other(explorer):
    explorer.get_by_label("Data").select_option("digits")
    explorer.get_by_role("button", name="One sample").click()
    wait_for_words(explorer, "9:", ".zl-pictures text")
    try:
        assert explorer.get_by_role("button", name="Regions: only for 2 features").is_disabled()
        collided = explorer.evaluate("""() => [...document.querySelectorAll('.zl-pictures svg')].flatMap(picture => {
          const boxes = [...picture.querySelectorAll('text')].map(each => [each, each.getBoundingClientRect()]);
          return boxes.flatMap(([a, p], at) => boxes.slice(at + 1).filter(([b, q]) => p.left < q.right - 1
            && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4)
            .map(([b]) => a.textContent + ' / ' + b.textContent)) })""")
        assert collided == []
    finally:
        explorer.get_by_role("button", name="One sample").click()
        explorer.get_by_label("Data").select_option("blobs")
        explorer.get_by_role("button", name="Weights").click()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_can_be_read(explorer, theme):
    choose_theme(explorer, theme)
    try:
        dark = explorer.evaluate("() => document.body.dataset.jpThemeLight === 'false'")
        assert dark == (theme == "JupyterLab Dark")
        contrast = explorer.evaluate(CONTRAST)
        assert contrast["words"] >= 4.5 and contrast["labels"] >= 4.5  # WCAG 2.2, 1.4.3
        assert contrast["train"] >= 3 and contrast["validate"] >= 3  # 1.4.11
        corner = pixels(explorer)[2, -2, :3].mean()
        assert corner < 0.2 if dark else corner > 0.9
    finally:
        choose_theme(explorer, "JupyterLab Light")


def choose_theme(page, theme):
    """Choose a theme from JupyterLab's menu, and wait until the page has it."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    for item in ("Theme", theme):
        page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
    wait_for(page, "theme => document.body.dataset.jpThemeName === theme", theme)


def test_divergence_and_faulty_code_are_said_and_the_sliders_live_on(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("faults.ipynb", QUIETLY + "\n".join([NETWORK, OVERFLOW, RAISING, ENDLESS, TRANSPOSED])))
    run_all(page)
    explorers = page.locator(".zl-explorer")
    explorers.nth(3).locator(".zl-says").wait_for()
    overflow, raising, endless, transposed = (explorers.nth(number) for number in range(4))
    slider(overflow, "Learning rate").press("End")
    slider(overflow, "Batch size").press("Home")
    overflow.locator(".zl-says").filter(has_text=re.compile(r"Diverged in epoch \d+: .* nan")).wait_for()
    assert overflow.locator("svg text").filter(has_text=re.compile(r"nan in epoch \d+")).count() == 1
    assert raising.locator("pre").inner_text() == "return output_gradient @ self.output"
    assert re.search(r"ValueError: .* in Raising.backward, cell .*line \d+", raising.locator(".zl-says").inner_text())
    assert "in Endless.backward" in endless.locator(".zl-says").inner_text()
    assert (
        "Dense.forward: output should be (3, 16), but its shape is (16, 3)"
        in transposed.locator(".zl-says").inner_text()
    )
    for each in (raising, endless, transposed):
        assert each.locator(".zl-pictures svg").count() >= 1
        each.get_by_role("button", name="rate 0.0001, batch 16").click()
    overflow.get_by_role("button", name="rate 0.1, batch 16").click()
    overflow.locator(".zl-says").filter(has_text="Learning rate 0.1, batch size 16. After 100 epochs").wait_for()
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
    page.close()
    lab.close_kernels()


LATE = """import ipywidgets as widgets
from lib.explorer.page import Page
from lib.explorer.ready_pages import ReadyPages
place, pictures = widgets.IntSlider(description="Place"), widgets.HTML()
ready = ReadyPages([place], pictures)
page = lambda place, words: Page(words, [], []).at(f"[{place}]")
def answer(change):
    if change.new == 1:
        ready.give(page(1, "at 1"))
        pictures.value = page(0, "late, at 0")
        pictures.value = page(1, "at 1")
place.observe(answer, "value")
pictures.value = page(0, "at 0")
widgets.VBox([place, pictures, ready])"""
"""A ready page that comes after the move to its place and before a late answer; to the move back there is no answer."""


def test_words_are_those_of_the_place_whatever_comes_late_or_not_at_all(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("late.ipynb", LATE))
    run_all(page)
    wait_for_words(page, re.compile("^at 0$"))
    slider(page, "Place").press("ArrowRight")
    wait_for_words(page, re.compile("^at 1$"))
    slider(page, "Place").press("ArrowLeft")
    wait_for_words(page, re.compile("^late, at 0$"))
    page.close()
    lab.close_kernels()


def test_it_works_in_notebook_7(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("seven.ipynb", QUIETLY + EXPLORE), app="notebook")
    run_all(page)
    ready(page)
    before = pixels(page)
    slider(page, "Learning rate").press("ArrowRight")
    wait_for_words(page, "Learning rate 0.126, batch size 16. After 100 epochs")
    assert_changed(before, pixels(page))

    for name in ("Path", "Gradients", "Weights", "One sample"):
        page.get_by_role("button", name=name, exact=True).click()
    output = page.locator(".jp-CodeCell.jp-mod-outputsScrolled .jp-Cell-outputArea")
    output.wait_for()  # so long that Notebook 7 would show it in a low box
    assert output.evaluate("area => area.clientHeight >= area.scrollHeight")
    page.close()
    lab.close_kernels()


def test_reopened_without_a_kernel_the_page_shows_the_last_state(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(page, lab.write("still.ipynb", QUIETLY + EXPLORE))
    run_all(page)
    ready(page)
    assert page.locator(".jp-RenderedImage").is_hidden()  # as long as the explorer is alive
    slider(page, "Learning rate").press("ArrowLeft")
    page.get_by_role("button", name="Weights").click()
    wait_for_words(page, "Learning rate 0.0794, batch size 16. After 100 epochs", ".jp-OutputArea-child pre")
    said = caption(page)
    size = "() => document.querySelector('.jp-RenderedImage img')?.naturalHeight"
    wait_for(page, f"() => ({size})() === 660")
    save(page)
    page.close()
    lab.close_kernels()
    reopened = browser.new_page(viewport={"width": 1280, "height": 1000})
    lab.open(reopened, "still.ipynb")
    reopened.locator(".jp-RenderedImage img").wait_for()
    wait_until_idle(reopened)
    wait_for(reopened, "() => /Error displaying widget/.test(document.body.textContent)")
    assert reopened.get_by_text("Error displaying widget").is_hidden()
    assert reopened.evaluate(size) == 660
    words = reopened.locator(".jp-OutputArea-child pre").filter(has_text="Learning rate").inner_text()
    assert words.replace("\n", " ").strip() == said
    reopened.close()
    lab.close_kernels()


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
