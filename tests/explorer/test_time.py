"""Time: every view at an epoch of the training, and the axis by epochs or by iterations."""

import re

import numpy as np
import pytest

from lib.explorer import Explorer, loss_view, weights_view
from lib.explorer.curvature import descent_limit
from lib.explorer.loss_view import KeptRun
from lib.explorer.svg import LEFT, RIGHT
from lib.explorer.training import Setting
from tests.explorer.test_training import BLOBS, STUDENT, by_hand, train


@pytest.fixture
def explorer():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.epochs.value = 8
    return explorer


def test_all_views_show_the_epoch_that_is_chosen(explorer):
    for name in ("Weights", "Path"):
        explorer.controls.shown[name].value = True
    explorer.controls.time.value = 3
    run = explorer.run(Setting(0.1, 16))
    W, losses, validation = by_hand(BLOBS, Setting(0.1, 16), epochs=3)
    np.testing.assert_allclose(run.weights[3], W, atol=1e-9)
    said = f"the training loss is {losses[-1]:.3g}, the validation loss {validation:.3g}"
    assert f"After epoch 3 of 8 (45 iterations) {said}" in explorer.caption and "At the end" not in explorer.caption
    assert weights_view.draw(run, 3).removesuffix("</svg>") in explorer.pictures.value
    assert f"2/λ = {descent_limit(run, 3):.3g} " in explorer.caption
    explorer.controls.time.value = 0
    assert f"Before training the loss of all training samples is {run.loss_before:.3g}." in explorer.caption


def test_the_time_goes_with_the_end_unless_it_was_set(explorer):
    assert explorer.controls.time.value == 8 and explorer.caption.count("After 8 epochs") == 1
    explorer.controls.epochs.value = 20
    assert explorer.controls.time.value == explorer.controls.play.max == 20
    explorer.controls.time.value = 5
    explorer.controls.epochs.value = 30
    assert explorer.controls.time.value == 5
    explorer.controls.epochs.value = 4
    assert explorer.controls.time.value == 4
    explorer.controls.play.playing = True
    assert explorer.controls.time.value == 0  # from the start, where it was at its end


def ends(picture, name):
    """Return where the curves of a name end, in pixels from the left."""
    return [int(each.split()[-2]) / 10 for each in re.findall(rf'd="M([-\d ]+)" class="{name}"', picture)]


def test_by_iterations_each_run_has_its_own_length():
    few, many = train(Setting(0.1, 240), epochs=60), train(Setting(0.1, 16), epochs=8)
    kept = [KeptRun("", few, 60)]
    by_epochs = loss_view.draw(many, 8, kept)
    assert ends(by_epochs, "kept") == [RIGHT] and ends(by_epochs, "train")[-1] == RIGHT
    by_iterations = loss_view.draw(many, 8, kept, by_iterations=True)  # 60 against 120
    assert ends(by_iterations, "kept") == [pytest.approx((LEFT + RIGHT) / 2, abs=0.1)]
    assert ends(by_iterations, "train")[-1] == RIGHT
    assert "iteration (15 an epoch)" in by_iterations and ">120<" in by_iterations
    turned = loss_view.draw(few, 60, [KeptRun("", many, 8)], by_iterations=True)  # the axis is as long as the longer
    assert ends(turned, "train")[-1] == pytest.approx((LEFT + RIGHT) / 2, abs=0.1) and ends(turned, "kept") == [RIGHT]


def test_the_line_is_at_the_time_shown():
    run = train(Setting(0.1, 16), epochs=8)
    x = round(10 * (LEFT + (RIGHT - LEFT) / 4))
    assert f'd="M{x} 440 {x} 2960"' in loss_view.draw(run, 8, time=2)
    assert loss_view.draw(run, 8, time=8) == loss_view.draw(run, 8)
