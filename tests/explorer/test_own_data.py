"""Data of one's own: points moved, added, relabelled and removed, and the training on them."""

import re

import numpy as np
import pytest

from lib.explorer import Explorer, own_data, own_data_view, regions_view
from lib.explorer.own_data import OwnData
from lib.explorer.samples import prepare
from lib.explorer.touch import Touch
from lib.explorer.training import Setting
from tests.explorer.test_live import pictures, still_image
from tests.explorer.test_training import BLOBS, STUDENT, by_hand

EPOCHS = 3


@pytest.fixture
def explorer():
    explorer = Explorer(STUDENT)
    explorer.controls.epochs.value = EPOCHS
    explorer.controls.edit.value = True
    return explorer


def touch(explorer, what="key", **more):
    explorer._enqueue(lambda: explorer.touch(Touch(regions_view.TITLE, what, **more)))


def now(explorer):
    return explorer.samples(explorer.controls.state().setting)


def pixel(samples, point, plane=None):
    """Return where a training sample lies in the picture."""
    x, y = (plane or regions_view.Plane(np.hstack([BLOBS.X, BLOBS.X_validation]))).pixels(samples.X[:, [point]])
    return float(x[0]), float(y[0])


def assert_trained_on(explorer, samples):
    """Compare what is said with training written out by hand on these samples."""
    _, losses, validation = by_hand(samples, Setting(0.1, 16), epochs=EPOCHS)
    assert f"the training loss is {losses[-1]:.3g}, the validation loss {validation:.3g}," in explorer.caption


def test_a_point_is_dragged_and_all_is_trained_anew_on_it(explorer):
    x, y = pixel(BLOBS, 0)
    touch(explorer, "down", x=x + 1, y=y - 1)
    np.testing.assert_array_equal(now(explorer).X, BLOBS.X)  # a click moves nothing
    for step in (5, 20, 60):
        touch(explorer, "move", x=x + 1, y=y - 1 + step)
    touch(explorer, "up", x=x + 1, y=y - 1 + 60)
    samples = now(explorer)
    assert pixel(samples, 0) == pytest.approx((x, y + 60))
    np.testing.assert_array_equal(samples.X[:, 1:], BLOBS.X[:, 1:])  # no other point moved
    np.testing.assert_array_equal(samples.X_validation, BLOBS.X_validation)
    assert_trained_on(explorer, samples)
    name = samples.names[samples.labels[0]]
    assert re.search(
        rf"Change 1: a training sample of class {name} moved from \(.*\) to \(.*\)\. Selected", explorer.caption
    )
    touch(explorer, "move", x=10, y=10)  # nothing is held any more
    np.testing.assert_array_equal(now(explorer).X, samples.X)
    explorer.controls.undo.click()  # the whole drag
    np.testing.assert_array_equal(now(explorer).X, BLOBS.X)
    assert_trained_on(explorer, BLOBS)


def test_keys_do_all_that_the_pointer_does(explorer):
    for _ in range(30):  # up to the edge, where no point is
        touch(explorer, key="ArrowUp", far=True)
    touch(explorer, key="ArrowRight")
    touch(explorer, key="Enter")
    samples = now(explorer)
    assert samples.X.shape == (2, 241) and explorer.controls.batch_size.options[-1] == ("241, all", 241)
    assert pixel(samples, -1) == pytest.approx((own_data_view.MIDDLE[0] + 6, regions_view.TOP))
    assert_trained_on(explorer, samples)
    first = int(samples.labels[-1])
    touch(explorer, key="c")
    assert now(explorer).labels[-1] == (first + 1) % 3 == explorer.controls.label.value
    touch(explorer, key="ArrowDown", far=True)
    touch(explorer, key="ArrowDown")
    assert pixel(now(explorer), -1)[1] == pytest.approx(regions_view.TOP + 36)
    for key, shape in (("Delete", 240), ("u", 241), ("u", 241), ("u", 241), ("u", 240)):
        touch(explorer, key=key)
        assert now(explorer).X.shape[1] == shape
    touch(explorer, key="u")
    assert explorer.caption.endswith("No point was changed. There is no change to undo.")
    touch(explorer, key="n")
    leftmost = np.argmin(np.hstack([BLOBS.X, BLOBS.X_validation])[0])
    assert explorer.controls.hand.selected == leftmost
    touch(explorer, key="n")
    assert explorer.controls.hand.selected != leftmost
    touch(explorer, key="N")
    touch(explorer, key="N")  # from the first on to the last
    assert explorer.controls.hand.selected == np.argmax(np.hstack([BLOBS.X, BLOBS.X_validation])[0])
    touch(explorer, key="Escape")
    assert explorer.controls.hand.selected == -1
    touch(explorer, key="Enter")  # at the cross, where the point is that was let go
    assert explorer.controls.hand.selected == np.argmax(np.hstack([BLOBS.X, BLOBS.X_validation])[0])


def test_buttons_and_the_list_of_classes_do_it_too(explorer):
    controls = explorer.controls
    controls.remove.click()
    assert "No point is selected. Click on one, or press N" in explorer.caption
    controls.label.value = 2
    touch(explorer, "down", x=45, y=30)
    assert now(explorer).labels[-1] == 2 and "No point is selected" not in explorer.caption
    controls.label.value = 0
    assert now(explorer).labels[-1] == 0
    assert "Change 2: a training sample of class 2 at (" in explorer.caption and "is now of class 0" in explorer.caption
    controls.remove.click()
    np.testing.assert_array_equal(now(explorer).X, BLOBS.X)
    touch(explorer, "down", x=45, y=30)
    controls.restart.click()
    assert "Change 5: back to the drawn set." in explorer.caption
    assert explorer.run(controls.state().setting) is explorer.run(Setting(0.1, 16))  # nothing is trained again
    assert controls.undo.description == "Undo change 5"
    controls.undo.click()
    assert now(explorer).X.shape == (2, 241)


def test_those_who_listen_hear_what_a_selection_changes_and_no_more(explorer):
    heard = []
    explorer.status.observe(lambda change: heard.append(change.new), "value")
    touch(explorer, "key", key="n")
    touch(explorer, "key", key="n")
    assert all(
        re.fullmatch(r"Selected: the (training|validation) sample of class \S+ at \(.*\)\.", each) for each in heard
    )
    assert len(set(heard)) == 2 and heard[1] in explorer.caption
    touch(explorer, "key", key="Escape")
    explorer.controls.learning_rate.value = 0.01
    assert heard[2].startswith("Learning rate 0.01, batch size 16. After 3 epochs") and "The data:" not in heard[2]


def test_nothing_is_lost_by_moving_other_controls(explorer):
    controls = explorer.controls
    touch(explorer, "down", x=45, y=30)
    samples = now(explorer)
    controls.keep.click()
    assert "1  rate 0.1, batch 16, own data: " in explorer.pictures.value
    controls.shown["Loss"].value = False
    for control, value, back in (
        (controls.learning_rate, 1.0, 0.1),
        (controls.seed, 2, 0),
        (controls.spread, 2.0, 1.0),
        (controls.data, "moons", "blobs"),
        (controls.data, "digits", "blobs"),
        (controls.edit, False, True),
    ):
        control.value = value
        if control is controls.spread:
            assert "No point was changed. Changed points are kept with blobs." in explorer.caption
            assert controls.state().views == ("Regions",)
        control.value = back
        assert now(explorer) is samples
    controls.edit.value = True
    assert_trained_on(explorer, samples)
    assert controls.undo.description == "Undo change 1"
    touch(explorer, "down", x=405, y=300)  # and the batch of all samples stays the one of all
    controls.batch_size.value = 242
    controls.undo.click()
    assert controls.batch_size.value == 241


def test_a_set_is_drawn_with_a_spread_of_ones_own(explorer):
    controls, right = explorer.controls, []
    for spread in (0.2, 3.0):
        controls.spread.value = spread
        right.append(float(re.search(r"(\S+)% of the validation", explorer.caption)[1]))
    assert right[0] == 100 and right[1] < 80
    controls.data.value = "moons"
    assert controls.spread.value == 1.0 and controls.spread.layout.display == ""
    controls.data.value = "blobs"
    assert controls.spread.value == 3.0
    controls.data.value = "digits"
    assert controls.spread.layout.display == "none"


def test_given_data_stand_before_what_ships_under_the_same_name():
    from lib import data

    same = Explorer(STUDENT, {"blobs": data.blobs()}).controls
    assert same.spread.layout.display == ""
    X, labels = data.blobs(seed=1)
    other = Explorer(STUDENT, {"blobs": (X, labels)})
    assert other.controls.spread.layout.display == "none"
    np.testing.assert_array_equal(now(other).X, prepare(X, labels).X)


def test_a_class_may_lose_all_its_points_and_the_last_point_of_all_stays():
    X, labels = np.array([[0.0, 1, 0, 1, 2], [0, 0, 1, 1, 2]]), [0, 0, 0, 1, 1]
    explorer = Explorer(STUDENT, {"five": (X, labels)})
    explorer.controls.epochs.value = EPOCHS
    for button in explorer.controls.shown.values():
        button.value = True
    explorer.controls.edit.value = True
    for _ in range(6):
        touch(explorer, key="n")
        touch(explorer, key="Delete")
    samples = now(explorer)
    assert samples.X.shape == (2, 1) and samples.X_validation.shape == (2, 1)
    assert "The data: 1 training sample (" in explorer.caption and "and 1 for validation" in explorer.caption
    assert re.search(r"Class \d has no training sample\.", explorer.caption)
    assert re.search(r"This \w+ sample of class \d stays: it is the last one to", explorer.caption)
    assert_trained_on(explorer, samples)
    assert len(pictures(explorer)) == 7 and "raised" not in explorer.caption
    touch(explorer, key="c")
    touch(explorer, key="u")


def test_a_point_can_not_leave_the_frame(explorer):
    x, y = pixel(BLOBS, 0)
    touch(explorer, "down", x=x, y=y)
    touch(explorer, "move", x=-500, y=5000)
    touch(explorer, "up", x=-500, y=5000)
    assert pixel(now(explorer), 0) == pytest.approx((regions_view.LEFT, regions_view.BOTTOM))
    touch(explorer, "down", x=10, y=100)  # and none is added beside it
    assert now(explorer).X.shape == (2, 240) and explorer.controls.hand.selected == -1


def test_what_can_not_be_changed_is_said_in_a_sentence(explorer, monkeypatch):
    explorer.controls.data.value = "digits"
    explorer.controls.edit.value = True
    assert "Points can be changed where samples have 2 features, which make a plane; these have 64." in explorer.caption
    monkeypatch.setattr(own_data, "MAX_POINTS", 300)
    explorer.controls.data.value = "blobs"
    touch(explorer, "down", x=45, y=30)
    assert "There are 300 points, the most that can be changed here." in explorer.caption
    monkeypatch.setattr(own_data_view, "MAX_POINTS", 200)
    explorer.controls.epochs.value += 1
    assert "Points can be changed in sets of up to 200 samples; this one has 300." in explorer.caption


def test_every_picture_has_its_points_in_the_page_and_in_the_still(explorer):
    def count_points():
        """Return how many markers lie in what the picture refers to, without those of the legend."""
        [name] = re.findall(r'href="#(\S+)"', explorer.pictures.value)
        [points] = re.findall(rf'<g id="{name}".*?</g>', explorer.shapes.value)
        return "".join(re.findall(r' d="([^"]*)"', points)).count("z") - 4

    assert count_points() == 300
    before = still_image(explorer)
    x, y = pixel(BLOBS, 0)
    touch(explorer, "down", x=x, y=y)
    shapes = explorer.shapes.value
    assert count_points() == 299
    touch(explorer, "move", x=x, y=45)
    assert explorer.shapes.value is shapes  # a drag sends one point, not all
    touch(explorer, "up", x=x, y=45)
    assert np.abs(still_image(explorer) - before).max() > 0.1
    explorer.controls.undo.click()
    assert count_points() == 300


def test_versions_and_words():
    own = OwnData(BLOBS)
    own.move(0, (1.0, 2.0))
    number = own.now.number
    own.move(0, (2.0, 2.0), go_on=True)
    assert own.changes == 1 and own.now.number > number  # a run on the version before isn't taken for one on this
    assert own.find(0).samples.X.shape == own.now.samples.X.shape
    own.relabel(1, 2)
    own.move(0, (3.0, 2.0), go_on=True)  # something else came between
    assert own.changes == 3
    np.testing.assert_array_equal(own.find(0).X[:, :240], BLOBS.X)
