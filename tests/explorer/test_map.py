"""The map of learning rates and batch sizes: held against training written out by hand."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from lib.explorer import Explorer, Network, map_view
from lib.explorer.controls import LEARNING_RATES
from lib.explorer.loss_map import STEPS, LossMap
from lib.explorer.svg import BOTTOM, LEFT, RIGHT, TOP
from lib.explorer.touch import Touch
from lib.explorer.training import Recipe, Run, Setting
from tests.explorer import student
from tests.explorer.test_path import student_loss
from tests.explorer.test_training import BLOBS, STUDENT, by_hand

RATES, SIZES = (0.001, 0.1, 1.0), (1, 16, 240)


def new_map(epochs=0, network=STUDENT):
    return LossMap(lambda cell: Run(Recipe(network), BLOBS, Setting(*cell)), RATES, SIZES, epochs)


@pytest.fixture(scope="module")
def by_epochs():
    losses = new_map(epochs=2)
    losses.fill(Setting(0.1, 16), seconds=60)
    return losses


def test_each_cell_has_the_loss_of_its_own_training(by_epochs):
    assert by_epochs.complete and len(by_epochs.losses) == 9
    for (rate, size), found in by_epochs.losses.items():
        W, _, _ = by_hand(BLOBS, Setting(rate, size), epochs=2)
        assert found == pytest.approx(student_loss(W), rel=1e-6)


def test_after_equal_steps_every_cell_had_as_many():
    runs = []

    def begin(cell):
        runs.append(Run(Recipe(STUDENT), BLOBS, Setting(*cell)))
        return runs[-1]

    losses = LossMap(begin, RATES, SIZES, 0)
    losses.fill(Setting(0.1, 16), seconds=60)
    assert {len(run.iteration_loss) for run in runs} == {STEPS}
    W, _, _ = by_hand(BLOBS, Setting(0.1, 16), epochs=STEPS // 15)
    assert losses.losses[0.1, 16] == pytest.approx(student_loss(W), rel=1e-6)


def test_it_fills_from_the_present_setting_outwards_a_little_at_a_time():
    losses = new_map(epochs=1)
    losses.fill(Setting(0.09, 20), seconds=60, stop=lambda: bool(losses.losses))
    assert list(losses.losses) == [(0.1, 16)]
    slices = 0
    while not losses.complete:
        losses.fill(Setting(0.09, 20), seconds=1e-3)
        slices += 1
    assert slices > 8  # one batch a slice, and no batch twice
    assert losses.losses[0.1, 1] == new_map_cell(0.1, 1)


def new_map_cell(rate, size):
    run = Run(Recipe(STUDENT), BLOBS, Setting(rate, size))
    return run.reach(math.ceil(240 / size), seconds=60)


def test_divergence_and_failure_have_signs_of_their_own():
    class Overflowing(student.Softmax):
        def forward(self, input):
            self.output = np.exp(input) / np.exp(input).sum(axis=0)

    losses = LossMap(
        lambda cell: Run(
            Recipe(Network(student.Dense, Overflowing if cell[0] > 1 else None, student.cce, student.cce_gradient)),
            BLOBS,
            Setting(*cell),
        ),
        (0.1, 1e4),
        (16,),
        1,
    )
    losses.fill(Setting(0.1, 16), seconds=60)
    assert losses.losses[1e4, 16] == math.inf and math.isnan(losses.losses[0.1, 16])
    picture = map_view.draw(losses, Setting(0.1, 16))
    assert ">×</text>" in picture and ">?</text>" in picture
    assert "×: diverged, ?: stopped by an error or the time limit" in picture
    assert losses.lowest() is None


def test_every_cell_shows_its_number_and_the_lowest_is_bold(by_epochs):
    picture = map_view.draw(by_epochs, Setting(0.1, 16))
    numbers = re.findall(r'class="m ([it])">([.\d]+)</text>', picture)
    assert len(numbers) == 9
    lowest = min(by_epochs.losses.values())
    assert [float(number) for look, number in numbers if look == "t"] == [pytest.approx(lowest, abs=0.005)]


@pytest.mark.parametrize(
    ("touch", "cell"),
    [
        (Touch("Map", "key", key="ArrowRight"), (1.0, 16)),
        (Touch("Map", "key", key="ArrowLeft"), (0.1, 16)),
        (Touch("Map", "key", key="ArrowUp"), (0.2, 240)),
        (Touch("Map", "key", key="ArrowDown"), (0.2, 1)),
        (Touch("Map", "down", x=LEFT + 1, y=BOTTOM - 1), (0.001, 1)),
        (Touch("Map", "down", x=RIGHT - 1, y=TOP + 1), (1.0, 240)),
        (Touch("Map", "down", x=LEFT - 9, y=TOP), None),
        (Touch("Map", "up", x=200, y=200), None),
    ],
)
def test_a_touch_goes_to_a_cell(by_epochs, touch, cell):
    assert map_view.go(by_epochs, Setting(0.2, 16), touch) == cell


def test_no_key_goes_beyond_the_edge(by_epochs):
    assert map_view.go(by_epochs, Setting(1.0, 240), Touch("Map", "key", key="ArrowRight")) is None
    assert map_view.go(by_epochs, Setting(1.0, 240), Touch("Map", "key", key="ArrowUp")) is None


def test_the_view_says_the_losses_and_a_touch_moves_both_sliders(monkeypatch):
    monkeypatch.setattr("lib.explorer.live.AHEAD_PER_REST", 0)
    monkeypatch.setattr("lib.explorer.loss_map.STEPS", 10)
    monkeypatch.setattr("lib.explorer.live.MAP_EVERY", 10)
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Map"].value = True
    assert explorer._losses(explorer.controls.state()).losses == {}  # nobody looks
    told = []
    explorer.on_rest = lambda: told.append(explorer.caption) or ()
    explorer.pictures._view_count = 1
    losses = explorer._losses(explorer.controls.state())
    assert losses.complete and losses.size == 7 * 9
    here, (rate, size) = losses.losses[0.1, 16], losses.lowest()
    lowest = f"The lowest is {losses.losses[rate, size]:.3g}, at rate {rate:g}, batch {size}."
    assert f"Here it is {here:.3g}. {lowest}" in explorer.caption
    assert len(told) == 1  # once it is full, not for every cell
    explorer.controls.lock.value = True
    explorer._enqueue(lambda: explorer.touch(Touch("Map", "key", key="ArrowRight")))
    assert explorer.caption.startswith("Learning rate 1, batch size 16.") and not explorer.controls.lock.value
    assert explorer._losses(explorer.controls.state()) is losses  # it stays


def test_the_next_settings_are_trained_before_the_map_fills_in_and_those_beyond_after_it(monkeypatch):
    monkeypatch.setattr("lib.explorer.live.MAP_EVERY", 10)
    monkeypatch.setattr("lib.explorer.live.MAP_WAITS", 600.0)  # as long as a busy machine takes
    monkeypatch.setattr("lib.explorer.live.AHEAD_PER_REST", 600.0)
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Map"].value = True
    explorer.pictures.unobserve_all()
    explorer.pictures._view_count = 1
    state = explorer.controls.state()
    at = LEARNING_RATES.index(state.setting.learning_rate)
    near, far = (explorer.run(replace(state.setting, learning_rate=LEARNING_RATES[at - back])) for back in (8, 15))
    losses = explorer._losses(state)
    while not near.complete(state.epochs):
        explorer.work()
    assert losses.losses == {}  # the next moves come first
    while not losses.complete:
        explorer.work()
    assert not far.complete(state.epochs)
    while not far.complete(state.epochs):
        explorer.work()


def test_a_move_is_answered_before_the_map_goes_on():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Map"].value = True
    explorer._coalescer._woken.set()  # a move has come in
    explorer.pictures.unobserve_all()
    explorer.pictures._view_count = 1
    state = explorer.controls.state()
    losses = explorer._losses(state)
    explorer._fill_map(losses, state)
    assert losses.losses == {}
