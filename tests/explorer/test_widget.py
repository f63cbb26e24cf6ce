"""The explorer as a widget, without a browser: traits, what is sent to the page, and what is said of faults."""

import ast
import asyncio
import base64
import io
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import traitlets
from matplotlib.image import imread

from lib.blanks import OpenBlank
from lib.explorer import explore
from lib.explorer.answers import Want
from lib.explorer.coalesce import Coalescer
from lib.explorer.still import COLOURS
from lib.explorer.training import Network, Setting
from lib.explorer.what_ifs import WhatIf
from lib.explorer.widget import LEARNING_RATES, Explorer
from lib.units.softmax_classifier.what_if import WHAT_IFS
from tests.explorer import student
from tests.explorer.test_training import BLOBS, STUDENT, by_hand

ROOT = Path(__file__).parents[2]
BLANK = "Blank 1 of 1 on line 3 is still open: the gradient. Replace the ? with your code."
NUMBERS = re.compile(
    r"training loss is (\S+), the validation loss (\S+), and (\S+)% of the validation samples are right"
)
X, TWO = np.random.default_rng(0).normal(size=(2, 12)), np.arange(12) % 2


class Listening(Explorer):
    """An explorer that notes what it sends."""

    def __init__(self, *arguments, **named):
        self.sent = []
        super().__init__(*arguments, **named)

    def send(self, content, buffers=None):
        self.sent.append((content, [np.frombuffer(each, np.float32) for each in buffers or ()]))


@pytest.fixture
def explorer():
    return Listening(STUDENT, "blobs")


def with_backward(backward):
    Softmax = type("Softmax", (student.Softmax,), {"backward": backward})
    return Softmax, Network(student.Dense, Softmax, student.cce, student.cce_gradient)


def still_image(explorer):
    return imread(io.BytesIO(base64.b64decode(explorer.still()[1]["image/png"])))


# ---- Traits


@pytest.mark.parametrize(("rate", "batch_size"), [(0.1, 16), (0.001, 1), (1.0, 240), (0.123, 17)])
def test_what_is_set_is_trained_with_and_the_words_equal_numpy(explorer, rate, batch_size):
    explorer.epochs = 5
    explorer.learning_rate = rate
    explorer.batch_size = batch_size
    W, losses, validation = by_hand(BLOBS, Setting(rate, batch_size), epochs=5)
    right = np.sum((W @ np.vstack([BLOBS.X_validation, np.ones(60)])).argmax(axis=0) == BLOBS.labels_validation)
    said = NUMBERS.search(explorer.caption)
    assert said.groups() == (f"{losses[-1]:.3g}", f"{validation:.3g}", f"{100 * right / 60:.1f}")
    assert explorer.caption.startswith(f"Learning rate {rate:g}, batch size {batch_size}. After 5 epochs")
    assert f"({right} of 60)" in explorer.caption


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rate", 0.0, "expected a number above 0. Try learning_rate=0.1"),
        ("learning_rate", float("nan"), "learning_rate is nan; expected a number above 0"),
        ("learning_rate", float("inf"), "learning_rate is inf"),
        ("batch_size", 0, "expected a whole number from 1 to 240"),
        ("batch_size", 241, "batch_size is 241; expected a whole number from 1 to 240. Try batch_size=240"),
        ("batch_size", 16.5, "expected an int, not the float 16.5"),
        ("epochs", 301, "epochs is 301; expected a whole number from 1 to 300"),
        ("seed", -1, "seed is -1; expected a whole number from 0"),
        ("data", "spirals", "data is 'spirals'; expected one of 'blobs', 'rings'.* Try data='blobs'"),
        ("what_if", "pigs fly", "what_if is 'pigs fly'; expected one of"),
        ("size", 3, "size is 3; expected a whole number from 0 to 0"),
    ],
)
def test_what_can_not_be_used_is_refused_in_a_sentence_and_changes_nothing(explorer, name, value, words):
    before, caption = getattr(explorer, name), explorer.caption
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before and explorer.caption == caption


def test_traits_can_be_observed_and_each_change_is_answered_once(explorer):
    seen = []
    explorer.observe(lambda change: seen.append((change.name, change.new)), ["learning_rate", "epochs"])
    for rate in (0.01, 0.2, 0.01):
        explorer.learning_rate = rate
    explorer.epochs = 7
    assert seen == [("learning_rate", 0.01), ("learning_rate", 0.2), ("learning_rate", 0.01), ("epochs", 7)]
    complete = [said["want"] for said, _ in explorer.sent if said["complete"]]
    wants = [(0.01, 100), (0.2, 100), (0.01, 7)]
    assert complete == [(rate, 16, 0, "blobs", "", 0, epochs) for rate, epochs in wants]


def test_other_data_keep_the_batch_within_the_samples(explorer):
    explorer.epochs = 1
    explorer.batch_size = 240  # all
    explorer.data = "digits"
    assert explorer.batch_size == 1438 and explorer.data_set["features"] == 64
    explorer.batch_size = 1000
    explorer.data = "moons"
    assert explorer.batch_size == 240
    few = Explorer(STUDENT, (X, TWO))
    assert few.data == "your data" and few.batch_size == 10


def test_what_the_page_sets_at_once_is_put_in_force_at_once():
    """As a message of the page does it: two traits together, each of which alone could not be used."""
    explorer = Explorer(STUDENT, {"few": (X, TWO), "blobs": (BLOBS.X, BLOBS.labels)})
    explorer.set_state({"data": "blobs", "batch_size": 100, "learning_rate": 0.5})
    assert (explorer.data, explorer.batch_size, explorer.learning_rate) == ("blobs", 100, 0.5)


# ---- What is sent


def test_the_arrays_are_those_of_the_run(explorer):
    explorer.epochs = 3
    run = explorer.run(Setting(0.1, 16))
    said, (training, validation, band, picture) = explorer.sent[-1]
    assert said["want"] == (0.1, 16, 0, "blobs", "", 0, 3) and said["done"] == 3 and said["complete"]
    np.testing.assert_allclose(training, run.epoch_loss[:3], rtol=1e-6)
    np.testing.assert_allclose(validation, run.validation_loss[:3], rtol=1e-6)
    np.testing.assert_allclose(band, np.tile(run.iteration_loss[:45], 2), rtol=1e-6)  # fewer than columns
    assert said["caption"] == explorer.caption
    low, high = (edge(np.hstack([BLOBS.X, BLOBS.X_validation]), axis=1) for edge in (np.min, np.max))
    x, y = np.linspace(low - 0.4, high + 0.4, 36).T
    for row, column in [(0, 0), (35, 0), (3, 30), (35, 35)]:
        z = run.weights[3] @ [x[column], y[row], 1]
        found = picture.reshape(3, 36, 36)[:, row, column]
        np.testing.assert_allclose(found, z - np.log(np.exp(z).sum()), rtol=1e-4, atol=1e-5)


def test_the_band_holds_the_least_and_the_greatest_loss_of_each_stretch(explorer):
    said, (*_, band, _) = explorer._answers.give(Want(0.1, 16, 0, "blobs", "", 0, 100))
    losses = np.array(explorer.run(Setting(0.1, 16)).iteration_loss)
    stretches = np.split(losses, range(7, 1500, 7))
    expected = [[edge(each) for each in stretches] for edge in (min, max)]
    np.testing.assert_allclose(np.frombuffer(band, np.float32), np.ravel(expected), rtol=1e-6)
    assert said["columns_an_epoch"] == pytest.approx(15 / 7)


def test_samples_of_more_features_have_weights_for_a_picture(explorer):
    explorer.epochs = 1
    explorer.data = "digits"
    said, (*_, picture) = explorer.sent[-1]
    assert said["rows"] == 10 and len(explorer.data_set["points"]) == 0
    np.testing.assert_allclose(picture.reshape(10, 65), explorer.run(Setting(0.1, 16, data="digits")).weights[1], 1e-5)


def test_the_points_are_told_where_they_lie_with_their_classes(explorer):
    points = np.frombuffer(explorer.data_set["points"], np.float32).reshape(300, 4)
    both = np.hstack([BLOBS.X, BLOBS.X_validation])
    low, high = both.min(axis=1) - 0.4, both.max(axis=1) + 0.4
    np.testing.assert_allclose(points[:, :2], (both.T - low) / (high - low), atol=1e-6)
    np.testing.assert_array_equal(points[:, 2], [*BLOBS.labels, *BLOBS.labels_validation])
    np.testing.assert_array_equal(points[:, 3], [0] * 240 + [1] * 60)


class Loop:
    """An event loop whose calls are made when a test says so, and at once."""

    def __init__(self):
        self.calls = []

    def call_soon_threadsafe(self, call):
        self.calls.append(call)

    def call_later(self, wait, call):
        self.calls.append(call)
        return SimpleNamespace(cancel=lambda: self.calls.remove(call) if call in self.calls else None)

    def run(self, until):
        while not until():
            self.calls.pop(0)()


def test_the_nearest_settings_that_way_are_sent_before_they_are_asked_for():
    loop = Loop()
    explorer = Listening(STUDENT, "blobs", loop=loop)
    explorer._hear(explorer, {"begin": True}, [])
    explorer.learning_rate = 0.0794
    loop.run(lambda: len([said for said, _ in explorer.sent if said.get("complete")]) >= 5)
    rates = [said["want"][0] for said, _ in explorer.sent if said.get("complete")]
    assert rates == [0.0794, 0.0631, 0.0501, 0.0398, 0.0316]
    explorer.learning_rate = 0.0501  # which the page has
    before = len(explorer.sent)
    loop.run(lambda: any("limit" in said for said, _ in explorer.sent[before:]))
    again = [said for said, _ in explorer.sent[before:] if said["want"][0] == 0.0501]
    assert [[*said] for said in again] == [["want", "limit"]]


def test_an_open_map_is_filled():
    loop = Loop()
    explorer = Listening(STUDENT, "blobs", loop=loop)
    explorer.epochs = 1
    explorer._hear(explorer, {"begin": True, "map": True}, [])
    cells = {(rate, size) for rate in LEARNING_RATES[::5] for size in (1, 4, 16, 64, 240)}
    loop.run(lambda: cells <= {tuple(said["want"][:2]) for said, _ in explorer.sent if said.get("complete")})


def test_a_page_that_begins_anew_gets_everything_again():
    loop = Loop()
    explorer = Listening(STUDENT, "blobs", loop=loop)
    for times in (1, 2):
        explorer._hear(explorer, {"begin": True}, [])
        loop.run(lambda times=times: [said["want"][0] for said, _ in explorer.sent].count(0.0794) == times)


def in_own_thread(coroutine):
    """Run a coroutine in a new event loop; the browser tests may have left one running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def test_twenty_quick_moves_end_on_the_last_and_train_few():
    async def move():
        explorer = Explorer(STUDENT, "blobs", loop=asyncio.get_running_loop())
        known = explorer._answers._run.cache_info().misses
        for rate in LEARNING_RATES[6:26]:
            explorer.learning_rate = rate
        while not explorer._sent.get(explorer._want()):
            await asyncio.sleep(0)
        return explorer, explorer._answers._run.cache_info().misses - known

    explorer, trained = in_own_thread(move())
    assert explorer.caption.startswith("Learning rate 0.0316, batch size 16. After 100 epochs")
    assert trained == 1  # the nineteen before were never begun


def test_moves_while_it_works_replace_each_other():
    async def move():
        seen, position = [], [0]

        def work():
            seen.append((position[0], coalescer.news))
            return 0.0 if len(seen) < 3 else None

        coalescer = Coalescer(work, asyncio.get_running_loop())
        for value in range(1, 6):
            position[0] = value
            coalescer.wake()
        await asyncio.sleep(0.01)
        return seen

    assert in_own_thread(move()) == [(5, True), (5, False), (5, False)]


# ---- What-ifs


def test_a_what_if_is_named_and_changes_the_run(explorer):
    explorer.what_if = "the gradient's sign is flipped"
    assert "batch size 16, what if the gradient's sign is flipped. After 100" in explorer.caption
    assert "higher than before training" in explorer.caption


def test_a_notebook_that_imports_only_the_explorer_has_what_ifs_and_others_bring_their_own():
    assert list(Explorer(STUDENT).choices["what_ifs"]) == [what_if.name for what_if in WHAT_IFS]
    half = WhatIf("steps are halved", "What changes?", lambda recipe: replace(recipe, share=lambda batch: 0.5 / batch))
    explorer = Explorer(STUDENT, "blobs", what_ifs=[half])
    assert explorer.choices["what_ifs"] == {"steps are halved": "What changes?"}
    runs = explorer.run(Setting(0.05, 16)), explorer.run(Setting(0.1, 16, what_if="steps are halved"))
    for run in runs:
        run.advance(1, seconds=60)
    np.testing.assert_allclose(runs[0].epoch_loss, runs[1].epoch_loss)


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


# ---- Faults of student code


def raising(self, output_gradient, learning_rate=None):
    return output_gradient @ output_gradient  # shapes never fit


def endless(self, output_gradient, learning_rate=None):
    while True:
        pass


def sleeping(self, output_gradient, learning_rate=None):
    time.sleep(3600)


def swallowing(self, output_gradient, learning_rate=None):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def transposed(self, output_gradient, learning_rate=None):
    return output_gradient.T


def blank(self, output_gradient, learning_rate=None):
    raise OpenBlank(BLANK)


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (raising, ["ValueError", "in raising, line", "\nreturn output_gradient @ output_gradient"]),
        (endless, ["Is there a loop that never ends? That was in endless, line"]),
        (sleeping, ["Is there a loop that never ends? That was in sleeping, line", "\ntime.sleep(3600)"]),
        (swallowing, ["Is there a loop that never ends? That was in swallowing, line"]),
        (transposed, ["Softmax.backward: result should be (3, 16), but its shape is (16, 3)"]),
        (blank, [BLANK]),
    ],
)
def test_faulty_code_is_quoted_and_the_explorer_lives_on(backward, words):
    Softmax, network = with_backward(backward)
    explorer = Explorer(network, "blobs")
    assert all(word in explorer.caption for word in words), explorer.caption
    assert " ".join(explorer.still()[0]["text/plain"].split()) == " ".join(explorer.caption.split())
    Softmax.backward = student.Softmax.backward
    explorer.learning_rate = 0.01
    assert "training loss is 0.194" in explorer.caption


def test_a_prediction_that_fails_is_said():
    """Training works; what fails is the forward pass over the grid of the regions, which has 1,296 samples."""

    class Small(student.Dense):
        def forward(self, input):
            super().forward(input)
            if input.shape[1] > 1000:
                raise MemoryError("too many samples")

    explorer = Listening(Network(Small, student.Softmax, student.cce, student.cce_gradient), "blobs")
    explorer.epochs = 20
    assert "It raised MemoryError: too many samples. That was in " in explorer.caption
    _, (training, *_, picture) = explorer.sent[-1]
    assert len(training) == 20 and not len(picture)


def test_divergence_is_said_at_its_epoch_and_not_before():
    class Diverging(student.Dense):
        def backward(self, output_gradient, learning_rate):
            self.steps = getattr(self, "steps", 0) + 1
            super().backward(output_gradient if self.steps < 15 * 40 else np.inf * output_gradient, learning_rate)

    explorer = Explorer(Network(Diverging, student.Softmax, student.cce, student.cce_gradient), "blobs")
    assert "Diverged in epoch 40: the loss or a weight became nan. Try a smaller learning rate." in explorer.caption
    explorer.epochs = 30
    plain = Explorer(STUDENT, "blobs")
    plain.epochs = 30
    assert explorer.caption == plain.caption


def test_what_student_code_prints_is_held_back(capsys):
    class Chatty(student.Softmax):
        def forward(self, input):
            print("forward!")
            super().forward(input)

    explorer = Explorer(Network(student.Dense, Chatty, student.cce, student.cce_gradient), "blobs")
    explorer.learning_rate = 0.01
    assert capsys.readouterr() == ("", "")


class Noisy(student.Dense):
    """Drops some inputs by chance, whenever it runs."""

    def forward(self, input):
        super().forward(input * (np.random.rand(*input.shape) > 0.1))


@pytest.mark.parametrize("Dense", [student.Dense, Noisy])
def test_the_same_setting_tells_the_same_whatever_was_trained_before(Dense):
    network = Network(Dense, student.Softmax, student.cce, student.cce_gradient)

    def told(*before):
        explorer = Listening(network, "blobs")
        for rate, epochs in (*before, (1.0, 30)):
            explorer.learning_rate, explorer.epochs = rate, epochs
        said, arrays = explorer.sent[-1]
        return said["caption"], [each.tolist() for each in arrays]

    np.random.seed(1)
    expected = np.random.RandomState(1).rand()
    assert told() == told((1.0, 300)) == told((0.01, 5), (100.0, 40))
    assert np.random.rand() == expected  # nor does it change what the notebook draws


def test_open_blanks_show_their_sentence():
    source = Path(student.__file__).read_text().replace("return -y / (yhat + 1e-12)", "return ?  # the slope")
    code = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "lib.blanks")
shell.run_cell({source!r})
shell.run_cell("from lib.explorer import explore")
shell.run_cell("print(explore(Dense, Softmax, cce, cce_gradient, 'blobs').caption)")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Blank 1 of 1 on line 44 is still open: the slope. Replace the ? with your code." in shown.stdout
    assert "OpenBlank" not in shown.stdout


# ---- The still picture


def test_the_still_picture_is_that_of_the_last_state(explorer):
    first = still_image(explorer)
    assert first.shape[:2] == (330, 840)
    explorer.learning_rate = 0.001
    assert explorer.still()[0]["text/plain"].replace("\n", " ") == explorer.caption
    changed = np.abs(still_image(explorer) - first).max(axis=2) > 0.1
    assert changed[:, :420].sum() > 200 and changed[:, 420:].sum() > 200  # the loss and the regions
    explorer.epochs = 1
    explorer.data = "digits"
    assert still_image(explorer).shape[:2] == (330, 840)


def test_where_matplotlib_is_not_there_the_words_stand_alone(explorer, monkeypatch):
    monkeypatch.setitem(sys.modules, "lib.explorer.still", None)
    words, picture = explorer.still()
    assert "After 100 epochs" in words["text/plain"] and "image/png" not in picture


def test_colours_mean_the_same_in_notebook_page_and_still_picture():
    notebook = nbformat.read(ROOT / "solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    classes = re.search(r"color=\[(.*?)\]", code)[1].lower().replace("'", "").split(", ")
    assert list(COLOURS[:3]) == classes
    style = (ROOT / "lib/explorer/explorer.css").read_text()
    assert re.findall(r"--zl-\d: (#\w+)", style)[: len(COLOURS)] == list(COLOURS)


# ---- Data, and what is imported


@pytest.mark.parametrize("data", [X, {"mine": X}, {"mine": (X, TWO + 0.5)}, ("blobs",), "spirals"], ids=str)
def test_data_that_is_none_is_refused_before_anything_is_shown(data):
    with pytest.raises(ValueError, match=r"expected .* Try"):
        explore(student.Dense, student.Softmax, student.cce, student.cce_gradient, data)


def test_given_data_stand_first_and_before_what_ships_under_the_same_name():
    explorer = Explorer(STUDENT, {"flowers": (X, np.where(TWO, "lily", "rose")), "moons": (X, TWO)})
    assert explorer.choices["data"] == ["flowers", "moons", "blobs", "rings", "digits"]
    assert explorer.data_set["classes"] == ["lily", "rose"]
    explorer.data = "moons"
    assert explorer.data_set["classes"] == ["0", "1"] and explorer.batch_size == 10


def test_to_import_it_loads_no_widgets():
    code = "import sys, lib.explorer; print({'anywidget', 'ipywidgets', 'matplotlib', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
