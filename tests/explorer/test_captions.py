"""Every sentence that the explorer says is true of the curves: a grid of settings, and an oracle for each sentence.

The curves come from a loop of the test's own, which trains all learning rates at once. The oracles fit straight lines
to logarithms of the losses, where captions compare means; between what must be said and what must not there is room.
"""

import re
from itertools import product

import numpy as np
import pytest

from lib import data
from lib.explorer import widget
from lib.explorer.captions import assess, describe
from lib.explorer.runs import Recipe, Run, Setting
from lib.explorer.samples import BUILT_IN, load, prepare
from tests.explorer.test_runs import STUDENT
from tests.explorer.two_layers import give_hidden

RATES = np.append(10.0 ** np.arange(-4, 2.25, 0.25), 1000.0)
EPOCHS = (1, 2, 5, 11, 12, 16, 30, 60, 100, 200, 300)


DATA = {
    "blobs": data.blobs,
    "digits": lambda: [part[..., :200] for part in data.digits()],  # as many as can be learnt by heart
    "random labels": data.integers,
    "rings": lambda: data.rings(180),
}
SIZES = {"blobs": (16, 240), "digits": (16, 160), "random labels": (8, 51), "rings": (16, 144)}
GRID = [(name, size, 300) for name, (size, _) in SIZES.items()]
MORE = [*((name, size, 300) for name, (_, size) in SIZES.items()), ("random labels", 1, 300), ("rings", 1, 30)]
GRID += [pytest.param(*each, marks=pytest.mark.slow) for each in MORE]


def train(samples, batch_size, epochs):
    """Return training and validation losses, (epochs, rates), and those before training, (rates,)."""
    X, X_validation = (np.vstack([X, np.ones(X.shape[1])]) for X in (samples.X, samples.X_validation))
    rng = np.random.default_rng(1)
    W = np.repeat(rng.normal(size=(1, len(samples.y), len(X))), len(RATES), axis=0)
    training, validation = [], []

    def forward(X, y):
        z = W @ X
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        return p / total, -((z - np.log(total)) * y).sum(axis=1)

    before = forward(X, samples.y)[1].mean(axis=1)
    for _ in range(epochs):
        order, losses = rng.permutation(X.shape[1]), 0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            p, loss = forward(X[:, batch], samples.y[:, batch])
            losses = losses + loss.sum(axis=1)
            W = W - (RATES / len(batch))[:, None, None] * ((p - samples.y[:, batch]) @ X[:, batch].T)
        training.append(losses / len(order))
        validation.append(forward(X_validation, samples.y_validation)[1].mean(axis=1))
    return np.array(training), np.array(validation), before


class Curve:
    """The last quarter of a curve: what a line through the logarithms shows of it."""

    def __init__(self, losses):
        tail = np.log(losses[-max(8, len(losses) // 4) :])
        at = np.linspace(-0.5, 0.5, len(tail))
        self.change, middle = np.polyfit(at, tail, 1)
        self.noise = np.std(tail - middle - self.change * at)
        steps = np.diff(tail)
        self.up, self.down, self.range = steps.max(), -steps.min(), np.ptp(tail)
        self.smooth = max(self.up, self.down) < 0.18 and np.all(np.sign(steps) == np.sign(steps[0]))

    def must_be(self):
        """Return what the curve clearly is, or nothing."""
        if self.smooth and abs(self.change) > 0.12:
            return "rising" if self.change > 0 else "still falling"
        if min(self.up, self.down) > 0.3:
            return "going up and down"
        if self.range < 0.0005:
            return "level"
        return "nearly level" if abs(self.change) < 0.006 and self.noise < 0.004 and self.range > 0.002 else ""

    def may_be(self, word):
        return {
            "still falling": self.change < 0,
            "rising": self.change > 0,
            "level": self.range < 0.002,
            "nearly level": abs(self.change) < max(0.03 if self.smooth else 0.09, 3 * self.noise),
            "going up and down": self.up > 0.045 and self.down > 0.045,
        }[word]


def hold(sentence, training, validation, before):
    """Hold a sentence against the curves; nothing that isn't known here may be said."""
    epochs, last = len(training), training[-1]
    if epochs < 12:
        assert sentence == "Train for 12 epochs or more to see where the loss goes."
        return
    a, b = Curve(training), Curve(validation)
    end, *clauses = sentence.removesuffix(".").split("; ")
    found = re.fullmatch(
        r"At the end (?:both losses are (.*)|the training loss is (.*), the validation loss (.*))", end
    )
    words = (found[1], found[1]) if found[1] else found.group(2, 3)
    for curve, word in zip((a, b), words, strict=True):
        assert curve.may_be(word), word
        assert curve.must_be() in ("", word)
    overfits = any(clause.endswith(", so the network overfits") for clause in clauses)
    if a.must_be() == "still falling" and b.must_be() == "rising":
        assert overfits
    if overfits:
        assert words == ("still falling", "rising") and a.change < 0 < b.change
    for clause in clauses:
        if lowest := re.match(r"the validation loss was lowest, (\S+), after epoch (\d+)(, so .*)?$", clause):
            epoch = int(lowest[2])
            assert lowest[1] == f"{min(validation):.3g}" == f"{validation[epoch - 1]:.3g}"
            assert epoch < epochs and validation[-1] > 1.04 * min(validation) and words[1] != "going up and down"
        elif higher := re.fullmatch(r"the training loss is higher than before training, (\S+)", clause):
            assert higher[1] == f"{before:.3g}" != f"{last:.3g}" and last > before
        else:
            alike = re.fullmatch(r"the training loss is about the same as before training, (\S+)", clause)
            assert alike[1] == f"{before:.3g}" and all(0.9 * before < each < 1.1 * before for each in training[-4:])


@pytest.mark.parametrize(("name", "batch_size", "epochs"), GRID, ids=str)
def test_every_sentence_is_true_of_the_curves(name, batch_size, epochs):
    training, validation, before = train(prepare(*DATA[name]()), batch_size, epochs)
    for rate, shown in product(range(len(RATES)), (each for each in EPOCHS if each <= epochs)):
        told = training[:shown, rate].tolist(), validation[:shown, rate].tolist(), float(before[rate])
        sentence = assess(*told)
        try:
            hold(sentence, *told)
        except (AssertionError, TypeError) as error:
            pytest.fail(f"rate {RATES[rate]:.3g}, {shown} epochs: {sentence}: {error}")


SENTENCES = [
    ([1.09 - 0.002 * epoch for epoch in range(40)], "both losses are still falling; "),  # slowly, but evenly
    ([1.091 + 0.00001 * epoch for epoch in range(20)], "both losses are level; the training loss is about the same"),
    ([0.1 - 0.01 * epoch for epoch in range(20)], "A loss is below 0, but a cross-entropy is never negative."),
]


@pytest.mark.parametrize(("losses", "words"), SENTENCES)
def test_what_a_grid_does_not_show_is_said_in_these_words(losses, words):
    assert words in assess(losses, losses, 1.09)


def test_a_run_is_told_up_to_the_epochs_that_are_shown():
    """Its losses go up and down: of 50 epochs the last 6 count, of 300 the last 37, however far it was trained."""
    run = Run(Recipe(STUDENT), prepare(*data.integers()), Setting(1.0, 16))
    assert "After 0 of 50 epochs (0 iterations, still training) there is no loss yet." in describe(run, 50)
    told = []
    for epochs in (50, 300):
        run.advance(epochs, seconds=60)
        told.append(describe(run, 50))
    assert told[0] == told[1] and "of the last 6 epochs" in told[0] and "of the last 37 epochs" in describe(run, 300)


@pytest.mark.parametrize(("shown", "value"), [("0.1", 0.1), ("100", 100.0), ("0.01875", 0.01875), ("1e-05", 1e-5)])
def test_a_rate_is_told_with_all_its_digits_and_one_iteration_as_one(shown, value):
    run = Run(Recipe(STUDENT), prepare(*data.blobs()), Setting(value, 240))
    run.advance(1, seconds=60)
    assert describe(run, 1).startswith(f"Learning rate {shown}, batch size 240. After 1 epoch (1 iteration) the")


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(("network", "seed"), [(STUDENT, 0), (give_hidden(4), 1)], ids=["one layer", "hidden layer"])
def test_the_presets_are_what_their_words_say(name, network, seed):
    """A rate that is too small or too large ends with higher losses, in training and validation, than the good one."""
    ends = {}
    for words, rate in widget.PRESETS.items():
        run = Run(Recipe(network), load(BUILT_IN[name]), Setting(rate, widget.PRESET_BATCH, seed, name))
        run.advance(widget.EPOCHS, seconds=60)
        ends[words] = run.epoch_loss[-1], run.validation_loss[-1]
    for other in ("Too small", "Too large"):
        assert all(bad > 1.1 * good for bad, good in zip(ends[other], ends["Good"], strict=True)), ends
