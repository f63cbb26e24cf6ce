"""Captions and presets: the numbers are those of the run up to the epochs shown, and a preset is what its name says."""

import pytest

from lib import data
from lib.explorer import widget
from lib.explorer.captions import describe
from lib.explorer.runs import Recipe, Run, Setting
from lib.explorer.samples import BUILT_IN, load, prepare
from tests.explorer.test_runs import BLOBS, STUDENT
from tests.explorer.two_layers import give_hidden


def train(rate, batch_size, epochs, samples=BLOBS):
    run = Run(Recipe(STUDENT), samples, Setting(rate, batch_size))
    run.advance(epochs, seconds=60)
    return run


@pytest.mark.parametrize("rate", [0.1, 100.0])
def test_the_numbers_are_the_last_ones_and_the_range_of_the_last_quarter(rate):
    run = train(rate, 16, 60)
    for shown in (40, 60):  # however far it was trained
        words = []
        for losses in run.epoch_loss[:shown], run.validation_loss[:shown]:
            last = losses[-shown // 4 :]
            low, high = f"{min(last):.3g}", f"{max(last):.3g}"
            words.append(f"{losses[-1]:.3g} (from {low} to {high} in the last {len(last)} epochs)")
        assert describe(run, shown) == (
            f"Learning rate {rate:g}, batch size 16. After {shown} epochs ({15 * shown} iterations) the training loss"
            f" is {words[0]}, and the validation loss {words[1]}; that of guessing is log 3 = 1.1."
            f" {run.right[shown - 1]} of 60 validation samples are right."
        )


def test_an_incomplete_run_says_how_far_it_is_and_without_an_epoch_there_is_no_loss():
    run = Run(Recipe(STUDENT), BLOBS, Setting(0.1, 16))
    assert "After 0 of 50 epochs (0 iterations, still training) there is no loss yet." in describe(run, 50)
    run.advance(1, seconds=60)
    assert "After 1 of 50 epochs (15 iterations, still training) the training loss is 0." in describe(run, 50)


@pytest.mark.parametrize(("shown", "value"), [("0.1", 0.1), ("100", 100.0), ("0.01875", 0.01875), ("1e-05", 1e-5)])
def test_a_rate_is_told_with_all_its_digits_and_one_iteration_as_one(shown, value):
    words = describe(train(value, 240, 1, prepare(*data.blobs())), 1)
    assert words.startswith(
        f"Learning rate {shown}, batch size 240. After 1 epoch (1 iteration) the training loss is 0."
    )


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
