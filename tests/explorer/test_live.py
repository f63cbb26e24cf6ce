"""The explorer without a browser: what the words say equals what NumPy gives, and the last position wins."""

import ast
import asyncio
import base64
import io
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import nbformat
import numpy as np
import pytest

from lib.blanks import OpenBlank
from lib.explorer import Explorer, Network, WhatIf
from lib.explorer.coalesce import Coalescer
from lib.explorer.controls import LEARNING_RATES
from lib.explorer.live import DRAWING, list_nearby
from lib.explorer.sample_view import say_loss
from lib.explorer.svg import COLOURS
from lib.explorer.training import Setting
from lib.units.softmax_classifier.what_if import WHAT_IFS
from tests.explorer import student
from tests.explorer.test_ready_pages import Loop, follow
from tests.explorer.test_training import BLOBS, STUDENT, by_hand, endless, raising, sleeping

ROOT = Path(__file__).parents[2]
BLANK = "Blank 1 of 1 on line 3 is still open: the gradient. Replace the ? with your code."
NUMBERS = re.compile(r"training loss is (\S+), the validation loss (\S+), and (\S+)% of the validation")


@pytest.fixture
def explorer():
    return Explorer(STUDENT, "blobs")


def in_own_thread(coroutine):
    """Run a coroutine in a new event loop; the browser tests may have left one running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def still_image(explorer):
    """Decode the still picture."""
    from matplotlib.image import imread

    return imread(io.BytesIO(base64.b64decode(explorer.still()[1]["image/png"])))


def pictures(explorer):
    """Parse the pictures as XML, which also shows that they are well formed."""
    markup = explorer.pictures.value
    return ET.fromstring(f"<div>{markup}</div>").findall(".//svg[@aria-label]")


@pytest.mark.parametrize(("rate", "batch_size"), [(0.1, 16), (0.001, 1), (1.0, 240)])
def test_the_words_equal_numpy(explorer, rate, batch_size):
    explorer.controls.epochs.value = 5
    explorer.controls.learning_rate.value = rate
    explorer.controls.batch_size.value = batch_size
    W, losses, validation = by_hand(BLOBS, Setting(rate, batch_size), epochs=5)
    scores = W @ np.vstack([BLOBS.X_validation, np.ones(60)])
    right = np.mean(scores.argmax(axis=0) == BLOBS.labels_validation)
    said = NUMBERS.search(explorer.caption)
    assert said.groups() == (f"{losses[-1]:.3g}", f"{validation:.3g}", f"{100 * right:.1f}")
    assert explorer.caption.startswith(f"Learning rate {rate:g}, batch size {batch_size}. After 5 epochs")
    assert explorer.caption in "".join(ET.fromstring(f"<div>{explorer.pictures.value}</div>").itertext())


def test_a_rate_is_trained_with_as_it_is_shown(explorer):
    for shown, rate in explorer.controls.learning_rate.options:
        assert f"{rate:g}" == shown
    explorer.controls.learning_rate.value = 0.0126
    assert explorer.caption.startswith("Learning rate 0.0126,")


def test_presets_are_named_by_their_settings_and_fit_the_data(explorer):
    def check(slowest):
        for button in explorer.controls.presets:
            button.click()
            rate, size = explorer.controls.learning_rate.value, explorer.controls.batch_size.value
            assert button.description == f"rate {rate:g}, batch {size}" and button.description in button.tooltip
            run = explorer.run(explorer.controls.state().setting)
            assert run.iterations_per_epoch <= slowest
        return [button.description for button in explorer.controls.presets]

    blobs = check(240)
    assert blobs == [f"rate {each}" for each in ("0.0001, batch 16", "0.1, batch 16", "31.6, batch 16")] + [
        "rate 0.1, batch 1",
        "rate 0.1, batch 240",
    ]
    explorer.controls.epochs.value = 1
    explorer.controls.data.value = "digits"
    assert check(400)[3:] == ["rate 0.1, batch 4", "rate 0.1, batch 1438"]  # one sample a time takes over 10 seconds
    X, labels = np.random.default_rng(0).normal(size=(2, 9)), np.arange(9) % 2
    few = Explorer(STUDENT, (X, labels))
    assert few.controls.presets[1].description == "rate 0.1, batch 7"


def test_each_view_is_a_picture_of_its_own(explorer):
    assert [picture.get("aria-label") for picture in pictures(explorer)] == ["Loss", "Decision regions"]
    for button in explorer.controls.shown.values():
        button.value = True
    labels = [picture.get("aria-label") for picture in pictures(explorer)]
    assert labels == [
        "Loss",
        "Decision regions",
        "The path on the loss",
        "Map",
        "Weights",
        "Batch gradients",
        "One sample",
    ]
    sizes = {picture.get("viewBox") for picture in pictures(explorer)}
    assert sizes == {"0 0 420 330"}  # nothing jumps


def test_one_sample_shows_scores_probabilities_and_loss_with_their_shapes(explorer):
    explorer.controls.shown["One sample"].value = True
    explorer.controls.sample.value = 7
    words = " ".join(pictures(explorer)[-1].itertext())
    run = explorer.run(explorer.controls.state().setting)
    x, y = BLOBS.X_validation[:, [7]], BLOBS.y_validation[:, [7]]
    _, yhat = run.predict(x, 100)
    loss = -np.log(yhat[y == 1]).item()
    assert "validation sample 7" in words and "(2, 1)" in words and "(3, 1)" in words and "W (3, 3)" in words
    assert f"= {loss:.3g}" in words


def test_digits_have_images_for_weights_and_no_regions(explorer):
    explorer.controls.epochs.value = 1
    explorer.controls.data.value = "digits"
    assert explorer.controls.shown["Regions"].disabled
    assert [picture.get("aria-label") for picture in pictures(explorer)] == ["Loss", "Weights"]
    assert "each class with its bias" in " ".join(pictures(explorer)[1].itertext())
    assert explorer.controls.batch_size.options[-1] == ("1438, all", 1438)
    explorer.controls.data.value = "blobs"
    assert [picture.get("aria-label") for picture in pictures(explorer)][:2] == ["Loss", "Decision regions"]


def test_kept_runs_stay_behind_new_ones_with_their_settings(explorer):
    explorer.controls.keep.click()
    explorer.controls.learning_rate.value = 0.001
    assert "1  rate 0.1, batch 16: training loss 0.127" in explorer.pictures.value
    assert len(pictures(explorer)[0].findall(".//path[@class='kept']")) == 1
    explorer.controls.forget.click()
    assert "zl-kept" not in explorer.pictures.value


def test_a_what_if_asks_for_a_prediction_before_it_shows(explorer):
    before = [ET.tostring(picture) for picture in pictures(explorer)]
    explorer.controls.what_if.value = "the gradient's sign is flipped"
    assert "Predict the curve first" in explorer.caption and "This is still your own code" in explorer.caption
    assert [ET.tostring(picture) for picture in pictures(explorer)] == before
    explorer.controls.look.value = True
    assert (
        "what if the gradient's sign is flipped" in explorer.caption
        and "higher than before training" in explorer.caption
    )
    assert "your code as it is" in explorer.pictures.value


def test_a_notebook_that_imports_only_the_explorer_has_what_ifs_and_others_bring_their_own():
    options = [name for _, name in Explorer(STUDENT, "blobs").controls.what_if.options]
    assert options == ["", *(what_if.name for what_if in WHAT_IFS)]
    code = "from lib.explorer.what_ifs import of_units; print(len(of_units()))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{len(WHAT_IFS)}\n"
    half = WhatIf("steps are halved", "What changes?", lambda recipe: replace(recipe, share=lambda batch: 0.5 / batch))
    explorer = Explorer(STUDENT, "blobs", what_ifs=[half])
    assert [name for _, name in explorer.controls.what_if.options] == ["", "steps are halved"]
    explorer.controls.what_if.value = "steps are halved"
    assert "What if steps are halved? What changes?" in explorer.caption
    plain = explorer.run(Setting(0.05, 16))
    plain.advance(1, seconds=60)
    halved = explorer.run(Setting(0.1, 16, what_if="steps are halved"))
    halved.advance(1, seconds=60)
    np.testing.assert_allclose(halved.epoch_loss[0], plain.epoch_loss[0])


OWN_UNIT = {
    "__init__.py": "from lib.checking.dispatch import Checks\n\ncheck = Checks((), __name__)\n",
    "what_if.py": "from lib.explorer.what_ifs import WhatIf\n\nWHAT_IFS = [WhatIf(__name__, '?', lambda it: it)]\n",
}


@pytest.mark.parametrize(
    ("imported", "found"),
    [
        ("json", [*(what_if.name for what_if in WHAT_IFS), "lib.units.mine.what_if", "packaged.what_if"]),
        ("lib.units.mine", ["lib.units.mine.what_if"]),
        ("packaged", ["packaged.what_if"]),
    ],
)
def test_what_ifs_are_found_wherever_their_unit_lies(tmp_path, imported, found):
    site = tmp_path / "site"
    for folder in (tmp_path / "units" / "mine", site / "packaged"):
        folder.mkdir(parents=True)
        for name, text in OWN_UNIT.items():
            (folder / name).write_text(text)
    (tmp_path / "nbgrader_config.py").touch()
    for package in ("packaged", "gone"):  # the second one's files were taken away
        (site / f"{package}-1.0.dist-info").mkdir()
        (site / f"{package}-1.0.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (site / f"{package}-1.0.dist-info/entry_points.txt").write_text(f"[zerolayer.units]\n{package} = {package}\n")
    code = f"import {imported}\nfrom lib.explorer.what_ifs import of_units\nprint([each.name for each in of_units()])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(shown.stdout) == found


def test_divergence_is_said_at_its_epoch():
    class Overflowing(student.Softmax):
        def forward(self, input):
            self.output = np.exp(input) / np.exp(input).sum(axis=0)

    explorer = Explorer(Network(student.Dense, Overflowing, student.cce, student.cce_gradient), "blobs")
    explorer.controls.learning_rate.value, explorer.controls.batch_size.value = 100.0, 1
    epoch = explorer.run(explorer.controls.state().setting).diverged
    assert f"Diverged in epoch {epoch}" in explorer.caption
    assert f"nan in epoch {epoch}" in explorer.pictures.value


@pytest.mark.parametrize("backward", [raising, sleeping])
def test_faulty_code_is_quoted_and_the_explorer_lives_on(backward):
    Softmax = type("Softmax", (student.Softmax,), {"backward": backward})
    explorer = Explorer(Network(student.Dense, Softmax, student.cce, student.cce_gradient), "blobs")
    assert f"in {backward.__name__}" in explorer.caption
    assert "<pre>" in explorer.pictures.value and pictures(explorer)
    Softmax.backward = student.Softmax.backward
    explorer.controls.learning_rate.value = 0.01
    assert "training loss is 0.194" in explorer.caption


def test_an_endless_loop_ends_in_the_sentence_of_the_checks_and_a_blank_in_its_own():
    for what, sentence in [(endless, "Is there a loop that never ends? That was in endless, line"), (blank, BLANK)]:
        Softmax = type("Softmax", (student.Softmax,), {"backward": what})
        explorer = Explorer(Network(student.Dense, Softmax, student.cce, student.cce_gradient), "blobs")
        assert sentence in explorer.caption
        assert "OpenBlank" not in explorer.pictures.value


def blank(self, output_gradient):
    raise OpenBlank(BLANK)


def swallowing_everything(self, output_gradient):
    while True:
        try:
            while self.going:
                pass
            return output_gradient
        except BaseException:
            pass


def test_a_loop_that_swallows_its_end_leaves_the_explorer_alive():
    Softmax = type("Softmax", (student.Softmax,), {"backward": swallowing_everything, "going": True})
    explorer = Explorer(Network(student.Dense, Softmax, student.cce, student.cce_gradient), "blobs")
    assert "in swallowing_everything" in explorer.caption
    Softmax.going = False
    explorer.controls.learning_rate.value = 0.01
    assert "After 100 epochs" in explorer.caption


def test_a_prediction_that_fails_is_said():
    """Training works; what fails is the forward pass over the grid of the regions, which has 1,296 samples."""

    class Small(student.Dense):
        def forward(self, input):
            super().forward(input)
            if input.shape[1] > 1000:
                raise MemoryError("too many samples")

    explorer = Explorer(Network(Small, student.Softmax, student.cce, student.cce_gradient), "blobs")
    assert "It raised MemoryError: too many samples. That was in " in explorer.caption
    assert [picture.get("aria-label") for picture in pictures(explorer)] == ["Loss"]


def test_a_view_is_counted_by_a_trait_that_ipywidgets_calls_experimental():
    assert "_view_count" in widgets.HTML.class_trait_names(sync=True)


class Clock:
    """A clock that goes on by a millisecond whenever it is read: training reads it before every batch."""

    now = 0.0

    def perf_counter(self):
        self.now += 0.001
        return self.now


def test_slow_code_gets_a_partial_curve_and_a_sentence(monkeypatch):
    monkeypatch.setattr("lib.explorer.training.time", Clock())
    monkeypatch.setattr("lib.explorer.training.RUN_LIMIT", 0.3)
    explorer = Explorer(STUDENT, "blobs")
    [stopped] = re.findall(r"Training stopped in epoch (\d+), at its limit of 0.3 seconds\.", explorer.caption)
    loss, *others = (" ".join(picture.itertext()) for picture in pictures(explorer))
    assert f"stopped in epoch {stopped}" in loss
    assert others and all(f"after epoch {int(stopped) - 1} of 100" in words for words in others)
    assert pictures(explorer)[0].findall(".//path[@class='train']")[1:]  # beside the one in the legend
    monkeypatch.setattr("lib.explorer.training.RUN_LIMIT", 60)
    explorer.controls.batch_size.value = 240
    explorer.controls.epochs.value = 20
    assert "After 20 epochs (20 iterations)" in explorer.caption


def test_the_first_picture_of_a_move_comes_soon_and_the_browser_has_time_to_draw_it(monkeypatch):
    explorer = Explorer(STUDENT, "blobs", Loop())
    monkeypatch.setattr("lib.explorer.training.time", Clock())
    explorer.controls.learning_rate.value = LEARNING_RATES[0]
    assert follow(explorer) == DRAWING
    assert "Learning rate 0.0001, batch size 16." in explorer.caption and "still training" in explorer.caption


def test_there_is_a_still_picture_of_faulty_code_too():
    class Transposed(student.Dense):
        def forward(self, input):
            super().forward(input)
            self.output = self.output.T

    explorer = Explorer(Network(Transposed, student.Softmax, student.cce, student.cce_gradient), "blobs")
    assert "Dense.forward: output should be (3, 16)" in explorer.caption
    assert "Dense.forward: output should be (3, 16)" in explorer.still()[0]["text/plain"]
    assert still_image(explorer).shape == (330, 420, 4)


def test_what_student_code_prints_is_held_back(capsys):
    class Chatty(student.Softmax):
        def forward(self, input):
            print("forward!")
            super().forward(input)

    explorer = Explorer(Network(student.Dense, Chatty, student.cce, student.cce_gradient), "blobs")
    explorer.controls.learning_rate.value = 0.01
    assert capsys.readouterr() == ("", "")


def test_twenty_quick_moves_end_on_the_last_and_train_few():
    async def move():
        explorer = Explorer(STUDENT, "blobs", asyncio.get_running_loop())
        known = explorer.run.cache_info().misses
        for _, rate in explorer.controls.learning_rate.options[6:26]:
            explorer.controls.learning_rate.value = rate
        while "still training" in explorer.caption or "0.0316" not in explorer.caption:
            await asyncio.sleep(0)
        return explorer, explorer.run.cache_info().misses - known

    explorer, trained = in_own_thread(move())
    assert explorer.caption.startswith("Learning rate 0.0316, batch size 16. After 100 epochs")
    assert trained == 1  # the nineteen before were never begun


def test_moves_while_it_works_replace_each_other():
    async def move():
        seen, position = [], [0]

        def work():
            seen.append(position[0])
            return 0.0 if len(seen) < 3 else None

        coalescer = Coalescer(work, asyncio.get_running_loop())
        for value in range(1, 6):
            position[0] = value
            coalescer.wake()
        await asyncio.sleep(0.01)
        return seen

    assert in_own_thread(move()) == [5, 5, 5]


def test_settings_near_by_are_those_the_slider_reaches():
    first = [setting.learning_rate for setting in list_nearby(Setting(0.1, 16), [1, 16, 240])][:5]
    assert first[0] == 0.1 and set(first[1:]) == {0.0794, 0.126, 0.0631, 0.158}
    everything = list(list_nearby(Setting(0.1, 16), [1, 16, 240]))
    assert len(everything) == 61 + 3


def test_settings_ahead_of_the_last_move_come_before_those_behind_it():
    downwards = list(list_nearby(Setting(0.1, 16), [1, 16, 240], before=Setting(0.126, 16)))
    assert [setting.learning_rate for setting in downwards[:5]] == [0.1, 0.0794, 0.0631, 0.0501, 0.0398]
    larger = list(list_nearby(Setting(0.1, 16), [1, 8, 16, 32, 240], before=Setting(0.1, 8)))
    assert [setting.batch_size for setting in larger[:4]] == [16, 32, 240, 8]  # the slider that moved comes first
    assert len(larger) == 61 + 5


def test_the_still_picture_is_that_of_the_last_state(explorer):
    first = still_image(explorer)
    assert first.shape == (330, 840, 4)
    explorer.controls.learning_rate.value = 0.01
    words, _ = explorer.still()
    assert words["text/plain"].replace("\n", " ") == explorer.caption
    changed = np.abs(still_image(explorer) - first).max(axis=2) > 0.1
    assert changed[:, :420].sum() > 200 and changed[:, 420:].sum() > 200  # the loss and the regions
    explorer.controls.keep.click()
    explorer.controls.shown["Weights"].value = True
    assert still_image(explorer).shape == (660, 840, 4)
    assert "1  rate 0.01, batch 16: training loss 0.194" in explorer.still()[0]["text/plain"]


def test_what_is_saved_is_renewed_when_the_controls_rest(explorer):
    saved = []
    explorer.on_rest = lambda: saved.append(explorer.caption) or ()
    explorer.controls.learning_rate.value = 0.01
    explorer.controls.batch_size.value = 1
    assert [each[:33] for each in saved] == ["Learning rate 0.01, batch size 16", "Learning rate 0.01, batch size 1."]


def test_a_move_ends_the_saving_of_what_was_shown_before():
    saved = []

    def save():
        saved.append(0)
        this = len(saved) - 1
        while saved[this] < 500:
            saved[this] += 1
            yield

    async def move():
        explorer = Explorer(STUDENT, "blobs", asyncio.get_running_loop())
        explorer.on_rest = save
        for rate in (0.01, 0.1, 0.01):
            explorer.controls.learning_rate.value, before = rate, len(saved)
            while len(saved) == before or saved[before] < 3:
                await asyncio.sleep(0)
        while saved[-1] < 500:
            await asyncio.sleep(0)

    in_own_thread(move())
    assert len(saved) == 3 and max(saved[:2]) < 500


def test_a_still_picture_is_drawn_a_little_at_a_time(explorer):
    *pauses, outputs = explorer.draw_still()
    assert outputs == explorer.still()
    assert not any(pauses) and len(pauses) > explorer.pictures.value.count("<text")


def test_where_matplotlib_is_still_on_its_way_the_picture_is_drawn_once_it_is_there(monkeypatch):
    arrivals = []
    loading = SimpleNamespace(then=arrivals.append)
    monkeypatch.setattr("lib.explorer.loading.sys", SimpleNamespace(platform="emscripten"))
    monkeypatch.setitem(sys.modules, "pyodide_js", SimpleNamespace(loadPackage={"matplotlib": loading}.get))

    async def wait():
        explorer = Explorer(STUDENT, "blobs", asyncio.get_running_loop())
        with monkeypatch.context() as before:
            before.delattr("lib.explorer.still", raising=False)
            before.setitem(sys.modules, "lib.explorer.still", None)  # as if it could not be imported
            words, picture = explorer.still()
        assert "After 100 epochs" in words["text/plain"] and "image/png" not in picture
        drawn = asyncio.get_running_loop().create_future()
        explorer.on_rest = lambda: (drawn.set_result(outputs) for outputs in explorer.draw_still() if outputs)
        arrivals[0](None)
        _, picture = await drawn
        assert "image/png" in picture

    in_own_thread(wait())


class Noisy(student.Dense):
    """Drops some inputs by chance, whenever it runs."""

    def forward(self, input):
        super().forward(input * (np.random.rand(*input.shape) > 0.1))


@pytest.mark.parametrize("Dense", [student.Dense, Noisy])
def test_the_same_setting_tells_the_same_whatever_was_trained_before(Dense):
    network = Network(Dense, student.Softmax, student.cce, student.cce_gradient)

    def told(*before):
        explorer = Explorer(network, "blobs")
        for rate, epochs in (*before, (1.0, 30)):
            explorer.controls.learning_rate.value, explorer.controls.epochs.value = rate, epochs
        return explorer.page.caption, [picture[:100] + picture.split("<use")[0] for picture in explorer.page.pictures]

    np.random.seed(1)
    expected = np.random.RandomState(1).rand()
    assert told() == told((1.0, 300)) == told((0.01, 5), (100.0, 40))
    assert np.random.rand() == expected  # nor does it change what the notebook draws


def test_a_run_that_diverges_later_tells_nothing_of_it_before():
    class Diverging(student.Dense):
        def backward(self, output_gradient, learning_rate):
            self.steps = getattr(self, "steps", 0) + 1
            super().backward(output_gradient if self.steps < 15 * 40 else np.inf * output_gradient, learning_rate)

    explorer = Explorer(Network(Diverging, student.Softmax, student.cce, student.cce_gradient), "blobs")
    assert "Diverged in epoch 40" in explorer.caption
    explorer.controls.epochs.value = 30
    plain = Explorer(STUDENT, "blobs")
    plain.controls.epochs.value = 30
    assert explorer.caption == plain.caption


def test_open_blanks_show_their_sentence():
    source = Path(student.__file__).read_text().replace("return -y / (yhat + 1e-12)", "return ?  # the slope")
    code = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "lib.blanks")
shell.run_cell({source!r})
shell.run_cell("from lib.explorer import Explorer, Network")
shell.run_cell("print(Explorer(Network(Dense, Softmax, cce, cce_gradient), 'blobs').caption)")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Blank 1 of 1 on line 44 is still open: the slope. Replace the ? with your code." in shown.stdout
    assert "OpenBlank" not in shown.stdout


def test_a_fifth_kept_run_is_refused_where_it_is_asked_for(explorer):
    keep, forget = explorer.controls.keep, explorer.controls.forget
    for rate in (0.001, 0.01, 0.1, 1.0):
        assert not keep.disabled
        explorer.controls.learning_rate.value = rate
        keep.click()
    assert keep.disabled and keep.description == "4 runs are kept, no more"
    assert [each.name[:9] for each in explorer.kept] == ["rate 0.00", "rate 0.01", "rate 0.1,", "rate 1, b"]
    forget.click()
    assert not keep.disabled and keep.description == "Keep this run" and forget.disabled


def test_every_button_says_what_it_does_and_one_that_is_disabled_says_why(explorer):
    controls = explorer.controls
    for button in (controls.look, controls.keep, controls.forget, *controls.presets, *controls.shown.values()):
        assert button.tooltip
    explorer.controls.epochs.value = 1
    explorer.controls.data.value = "digits"
    assert controls.shown["Regions"].description == "Regions: only for 2 features"
    explorer.controls.data.value = "blobs"
    assert controls.shown["Regions"].description == "Regions"


def test_no_curve_is_cut_off():
    class Summed(student.Dense):
        pass

    low = Explorer(STUDENT, "blobs")
    low.controls.batch_size.value = 240
    for cce in (lambda y, yhat: student.cce(y, yhat) / 1e4, lambda y, yhat: student.cce(y, yhat) * 1e4):
        explorer = Explorer(Network(Summed, student.Softmax, cce, student.cce_gradient), "blobs")
        explorer.controls.batch_size.value = 240
        heights = [curve_heights(each) for each in (low, explorer)]
        falls = [height[-1] - height[0] for height in heights]
        assert falls[0] > 0 and falls[1] > 0.3 * falls[0]  # as long a way down, on a longer axis
        assert min(heights[1]) > 44.5 and max(heights[1]) < 295.5


def curve_heights(explorer):
    """Return how far from the top, in pixels, the training curve lies at each epoch."""
    curve = pictures(explorer)[0].findall(".//path[@class='train']")[-1].get("d")
    return [int(each) / 10 for each in curve[1:].split()[1::2]]


@pytest.mark.parametrize("p", [1.0, 1 - 2.94e-4, 0.999, 0.5, 0.123456, 1e-5, 0.0])
def test_the_loss_of_a_sample_follows_from_the_numbers_shown(p):
    shown, loss = re.fullmatch(r"−log (.+) = (\S+)", say_loss(p, -math.log(p) if p else math.inf)).groups()
    shown = 1 - float(shown[5:-1]) if "−" in shown else float(shown)
    assert float(loss) == pytest.approx(-math.log(shown) if shown else math.inf, rel=5.1e-3)
    assert say_loss(0.5, 1.0) == "−log 0.5 = 0.693; your cce gives 1"


@pytest.mark.parametrize("epoch", [0, 5])
def test_what_the_pictures_of_a_sample_and_of_the_weights_show_is_said_too(explorer, epoch):
    explorer.controls.epochs.value = 5
    explorer.controls.time.value = epoch
    for view in ("Weights", "One sample"):
        explorer.controls.shown[view].value = True
    explorer.controls.sample.value = 7
    run = explorer.run(Setting(0.1, 16))
    W, true = run.weights[epoch], int(BLOBS.labels_validation[7])
    z = W @ np.append(BLOBS.X_validation[:, 7], 1)
    loss = np.log(np.exp(z).sum()) - z[true]
    assert f"After epoch {epoch} of 5 validation sample 7, of class {true}, has the loss −log " in explorer.caption
    assert float(re.search(r"−log .* = (\S+)\.", explorer.caption)[1]) == pytest.approx(loss, rel=5.1e-3)
    weight, row, column = re.search(
        r"The weight farthest from 0 is (\S+): class (\d), (feature \d|bias)\.", explorer.caption
    ).groups()
    column = -1 if column == "bias" else int(column[-1])
    assert float(weight.replace("−", "-")) == pytest.approx(W[int(row), column], rel=5.1e-3)
    assert abs(W[int(row), column]) == np.abs(W).max()


def test_colours_mean_the_same_in_notebook_and_explorer():
    notebook = nbformat.read(ROOT / "solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    classes = re.search(r"color=\[(.*?)\]", code)[1].lower().replace("'", "").split(", ")
    assert [COLOURS[str(label)][0] for label in range(3)] == classes
    assert COLOURS["train"][0] == classes[0]  # the loss
    assert "cmap='RdBu', vmin=-strongest, vmax=strongest" in code
    for theme in (0, 1):
        red, _, blue = (int(COLOURS["plus"][theme][at : at + 2], 16) for at in (1, 3, 5))
        assert blue > red
        red, _, blue = (int(COLOURS["minus"][theme][at : at + 2], 16) for at in (1, 3, 5))
        assert red > blue  # as in matplotlib's RdBu: blue is above zero, red below


def test_nothing_can_be_typed_that_would_be_changed_in_silence(explorer):
    controls = explorer.controls
    assert isinstance(controls.learning_rate, widgets.SelectionSlider) and isinstance(controls.seed, widgets.Dropdown)
    assert {0.0001, 0.1, 100.0} <= {rate for _, rate in controls.learning_rate.options}


def test_the_accuracy_says_of_how_many_samples(explorer):
    percent, right, count = re.search(
        r"and (\S+)% of the validation samples are right \((\d+) of (\d+)\)", explorer.caption
    ).groups()
    assert count == "60" and percent == f"{100 * int(right) / 60:.1f}"
