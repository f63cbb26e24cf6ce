"""The explorer as a widget, without a browser: traits, what is sent to the page, and what is said of faults."""

import math
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import traitlets

from lib.blanks import OpenBlank
from lib.explorer import explore
from lib.explorer.page_answers import Want
from lib.explorer.runs import Setting
from lib.explorer.what_ifs import WhatIf
from lib.explorer.widget import Explorer
from lib.units.softmax_classifier.what_if import WHAT_IFS
from tests.explorer import student
from tests.explorer.test_runs import BLOBS, STUDENT, by_the_notebooks_loop

ROOT = Path(__file__).parents[2]
BOTH = np.hstack([BLOBS.X, BLOBS.X_validation])
X, TWO = np.random.default_rng(0).normal(size=(2, 12)), np.arange(12) % 2


class Listening(Explorer):
    """An explorer that notes what it sends."""

    def __init__(self, *arguments, **named):
        self.sent, self.loop = [], named.get("loop")
        super().__init__(*arguments, **named)

    def send(self, content, buffers=None):
        self.sent.append((content, [np.frombuffer(each, np.float32) for each in buffers or ()]))


@pytest.fixture
def explorer():
    return Listening(STUDENT, "blobs")


def complete(explorer):
    """What was sent with all its epochs."""
    return [said["want"] for said, _ in explorer.sent if said.get("complete")]


# ---- Traits


@pytest.mark.parametrize(("rate", "batch_size"), [(0.1, 16), (0.001, 1), (1.0, 240), (0.123, 17)])
def test_what_is_set_is_trained_with_and_the_words_equal_numpy(explorer, rate, batch_size):
    explorer.epochs = 5
    explorer.learning_rate = rate
    explorer.batch_size = batch_size
    _, losses, validation, weights = by_the_notebooks_loop(rate, batch_size, epochs=5)
    scores = weights.reshape(3, 3) @ np.vstack([BLOBS.X_validation, np.ones(60)])
    right = np.sum(scores.argmax(axis=0) == BLOBS.labels_validation)
    steps = 5 * math.ceil(240 / batch_size)
    assert explorer.caption == (
        f"Learning rate {rate:g}, batch size {batch_size}. After 5 epochs ({steps:,} iterations) "
        f"the training loss is {losses[-1]:.3g}, and the validation loss {validation[-1]:.3g}; "
        f"that of guessing is log 3 = 1.1. {right} of 60 validation samples are right."
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rate", 0.0, "expected a number above 0. Try learning_rate=0.1"),
        ("learning_rate", float("inf"), "learning_rate is inf"),
        ("batch_size", 0, "expected a whole number from 1 to 240"),
        ("batch_size", 241, "batch_size is 241; expected a whole number from 1 to 240. Try batch_size=240"),
        ("batch_size", 16.5, "expected an int, not the float 16.5"),
        ("epochs", 301, "epochs is 301; expected a whole number from 1 to 300"),
        ("seed", -1, "seed is -1; expected a whole number from 0 to 4294967295"),
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


def test_each_change_is_answered_once(explorer):
    for rate in (0.01, 0.2, 0.01):
        explorer.learning_rate = rate
    explorer.epochs = 7
    wants = [(rate, 16, 0, "blobs", "", 0, epochs) for rate, epochs in ((0.01, 100), (0.2, 100), (0.01, 7))]
    assert complete(explorer) == wants


def test_other_data_begin_at_the_good_setting_and_have_their_own_picture(explorer):
    explorer.epochs = 1
    explorer.learning_rate, explorer.batch_size = 100.0, 240
    explorer.data = "digits"
    assert (explorer.learning_rate, explorer.batch_size, explorer.data_set["features"]) == (0.1, 16, 64)
    said, (*_, picture) = explorer.sent[-1]
    weights = explorer.run(Setting(0.1, 16, data="digits")).weights[1]  # there is no plane to draw
    assert said["rows"] == 10 and not len(explorer.data_set["points"])
    np.testing.assert_allclose(picture.reshape(10, 65), weights, 1e-5)


# ---- What is sent


def test_the_arrays_are_those_of_the_run(explorer):
    explorer.seed = 1
    run = explorer.run(Setting(0.1, 16, 1))
    said, (training, validation, band, picture) = explorer.sent[-1]
    assert said["want"] == (0.1, 16, 1, "blobs", "", 0, 100) and said["done"] == 100 and said["complete"]
    assert said["caption"] == explorer.caption
    np.testing.assert_allclose(training, run.epoch_loss, rtol=1e-6)
    np.testing.assert_allclose(validation, run.validation_loss, rtol=1e-6)
    stretches = np.split(np.array(run.iteration_loss), range(7, 1500, 7))  # fewer than a picture has columns
    np.testing.assert_allclose(band, [edge(each) for edge in (min, max) for each in stretches], rtol=1e-6)
    assert said["columns_an_epoch"] == pytest.approx(15 / 7)
    low, high = BOTH.min(axis=1) - 0.4, BOTH.max(axis=1) + 0.4
    x, y = np.linspace(low, high, 36).T
    for row, column in [(0, 0), (35, 0), (3, 30), (35, 35)]:
        z = run.weights[100] @ [x[column], y[row], 1]
        found = picture.reshape(3, 36, 36)[:, row, column]
        np.testing.assert_allclose(found, z - np.log(np.exp(z).sum()), rtol=1e-4, atol=1e-5)
    points = np.frombuffer(explorer.data_set["points"], np.float32).reshape(300, 4)
    np.testing.assert_allclose(points[:, :2], (BOTH.T - low) / (high - low), atol=1e-6)
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


@pytest.fixture
def opened():
    """An explorer of few epochs whose page has begun, and which works when its loop runs."""
    explorer = Listening(STUDENT, "blobs", loop=Loop())
    explorer.epochs = 10
    explorer._hear(explorer, {"begin": True}, [])
    return explorer


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("learning_rate", [0.0794, 0.0631, 0.0501, 0.0398, 0.0316]),
        ("learning_rate", [0.126, 0.158, 0.2, 0.251, 0.316]),
        ("batch_size", [32, 64, 128]),
    ],
)
def test_the_nearest_settings_that_way_are_sent_before_they_are_asked_for(opened, name, places):
    setattr(opened, name, places[0])
    opened.what_if = "1/batch is left out"  # which moves no slider
    opened.loop.run(lambda: len(complete(opened)) >= len(places))
    assert [dict(zip(Want._fields, want, strict=True))[name] for want in complete(opened)] == places


def test_what_the_page_has_is_not_sent_again(opened):
    opened.learning_rate = 0.0794
    opened.loop.run(lambda: len(complete(opened)) >= 5)
    opened.learning_rate = 0.0501
    before = len(opened.sent)
    opened.loop.run(lambda: len(complete(opened)) >= 8)
    assert not [said for said, _ in opened.sent[before:] if said["want"][0] == 0.0501]
    opened._hear(opened, {"begin": True}, [])  # a page that begins anew gets everything again
    opened.loop.run(lambda: complete(opened)[-1][0] == 0.0501)


# ---- What-ifs


def test_a_notebook_can_bring_its_own_what_ifs():
    half = WhatIf("steps are halved", "What changes?", lambda recipe: replace(recipe, share=lambda batch: 0.5 / batch))
    explorer = Explorer(STUDENT, "blobs", what_ifs=[half])
    assert explorer.choices["what_ifs"] == {"steps are halved": "What changes?"}
    runs = explorer.run(Setting(0.05, 16)), explorer.run(Setting(0.1, 16, what_if="steps are halved"))
    for run in runs:
        run.advance(1, seconds=60)
    np.testing.assert_allclose(runs[0].epoch_loss, runs[1].epoch_loss)


OWN_WHAT_IF = "from lib.explorer.what_ifs import WhatIf\n\nWHAT_IFS = [WhatIf(__name__, '?', lambda it: it)]\n"
FIND = "from lib.explorer.what_ifs import of_units\nprint([each.name for each in of_units()])"


def test_what_ifs_of_a_courses_units_are_found(tmp_path):
    (folder := tmp_path / "units" / "mine").mkdir(parents=True)
    (folder / "exercise.py").write_text("PARTS = ()\n")
    (folder / "what_if.py").write_text(OWN_WHAT_IF)
    (tmp_path / "nbgrader_config.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    everywhere = [*(what_if.name for what_if in WHAT_IFS), "lib.units.mine.what_if"]
    for imported, found in (("json", everywhere), ("lib.units.mine", ["lib.units.mine.what_if"])):
        command = [sys.executable, "-c", f"import {imported}\n{FIND}"]
        within = tmp_path / "units"  # the course's folder is found above it
        assert subprocess.check_output(command, cwd=within, env=environment, text=True) == f"{found}\n"


# ---- Faults of student code


def swallowing(self, output_gradient, learning_rate=None):
    while True:
        with suppress(Exception):
            time.sleep(3600)


def blank(self, output_gradient, learning_rate=None):
    raise OpenBlank("A blank on line 3 is still open: the gradient. Replace the ? with your code.")


class Small(student.Dense):
    """Trains, and fails where the regions are drawn: at the 1,296 samples of their grid."""

    def forward(self, input):
        super().forward(input)
        if input.shape[1] > 1000:
            raise MemoryError("too many samples")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backward": swallowing}, ["Is there a loop that never ends? That was in swallowing", "\ntime.sleep(3600)"]),
        (
            {"backward": lambda self, output_gradient: output_gradient.T},
            ["Softmax.backward: result must have the shape (3, 16), but its shape is (16, 3)"],
        ),
        ({"backward": blank}, ["A blank on line 3 is still open: the gradient. Replace the ? with your code."]),
        ({"Dense": Small}, ["It raised MemoryError: too many samples. That was in Small.forward"]),
        ({"Dense": lambda d, k: [][0]}, ["IndexError", "in <lambda>"]),
        ({"Dense": lambda d, k: object()}, ["Dense: weights must have the shape (3, 3), but there is none."]),
        ({"cce": lambda y, yhat: None}, ["cce: the result must be one number, but there is none."]),
        ({"cce": lambda y, yhat: "a lot"}, ["cce: the result must be one number, but it is a str."]),
        ({"cce": lambda y, yhat: np.ones(16)}, ["cce: the result must be one number, but its shape is (16,)."]),
    ],
)
def test_faulty_code_is_quoted_and_the_explorer_lives_on(changes, words):
    Softmax = type("Softmax", (student.Softmax,), {"backward": changes.get("backward", student.Softmax.backward)})
    layers = {name: part for name, part in changes.items() if name != "backward"}
    explorer = Explorer(replace(STUDENT, Softmax=Softmax, **layers), "blobs")
    assert all(word in explorer.caption for word in words), explorer.caption
    assert " ".join(explorer.still.split()) == " ".join(explorer.caption.split())
    Softmax.backward = student.Softmax.backward
    explorer.learning_rate = 0.01
    assert layers or "training loss is 0.194" in explorer.caption


def test_divergence_is_said_at_its_epoch_and_not_before():
    class Diverging(student.Dense):
        def backward(self, output_gradient, learning_rate):
            self.steps = getattr(self, "steps", 0) + 1
            super().backward(output_gradient if self.steps < 15 * 40 else np.inf * output_gradient, learning_rate)

    plain, explorer = Explorer(STUDENT, "blobs"), Explorer(replace(STUDENT, Dense=Diverging), "blobs")
    assert "Diverged in epoch 40: the loss or a weight became nan. Try a smaller learning rate." in explorer.caption
    plain.epochs = explorer.epochs = 30
    assert explorer.caption == plain.caption


class Noisy(student.Dense):
    """Drops some inputs by chance and prints, whenever it runs."""

    def forward(self, input):
        print("forward!")
        super().forward(input * (np.random.rand(*input.shape) > 0.1))


def test_the_same_setting_tells_the_same_whatever_was_trained_before(capsys):
    def told(*before):
        explorer = Listening(replace(STUDENT, Dense=Noisy), "blobs")
        for rate, epochs in (*before, (1.0, 30)):
            explorer.learning_rate, explorer.epochs = rate, epochs
        said, arrays = explorer.sent[-1]
        return said["caption"], [each.tolist() for each in arrays]

    np.random.seed(1)
    assert told() == told((1.0, 300)) == told((0.01, 5), (100.0, 40))
    assert np.random.rand() == np.random.RandomState(1).rand()  # nor does it change what the notebook draws
    assert capsys.readouterr() == ("", "")


# ---- Without a kernel


def test_the_still_text_is_that_of_the_last_complete_state(opened, monkeypatch):
    shown = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(" ".join(data["text/plain"].split())))
    monkeypatch.setattr("lib.explorer.widget.display_live", lambda widget, text: handle)
    opened._ipython_display_()
    opened.batch_size = 1
    opened.loop.run(lambda: len(complete(opened)) >= 2)
    assert shown == [opened.caption] and "batch size 1. After 10 epochs" in shown[0]
    opened._answers._run.cache_clear()  # as if it were just begun
    assert opened.still == "Run this cell to see the explorer."


# ---- Data, and what is imported


@pytest.mark.parametrize("data", [X, {"mine": X}, {"mine": (X, TWO + 0.5)}, ("blobs",), "spirals"], ids=str)
def test_data_that_is_none_is_refused_before_anything_is_shown(data):
    with pytest.raises(ValueError, match=r"expected .* Try"):
        explore(student.Dense, student.Softmax, student.cce, student.cce_gradient, data)


def test_given_data_stand_first_and_before_what_ships_under_the_same_name():
    explorer = Explorer(STUDENT, {"flowers": (X, np.where(TWO, "lily", "rose")), "moons": (X, TWO)})
    assert explorer.choices["data"] == ["flowers", "moons", "blobs", "rings", "digits"]
    assert explorer.choices["epochs"] == [*range(1, 301)]
    assert explorer.data_set["classes"] == ["lily", "rose"]
    explorer.data = "moons"
    assert explorer.data_set["classes"] == ["0", "1"] and explorer.batch_size == 10
