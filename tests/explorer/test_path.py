"""The path on the loss and the largest rate that descends: held against derivatives and losses written out by hand."""

import re

import numpy as np
import pytest

from lib.data import rings
from lib.explorer import Explorer, Network, path_view
from lib.explorer.curvature import descent_limit, largest_eigenvalue
from lib.explorer.loss_slice import FINE, LossSlice, cubic
from lib.explorer.samples import prepare
from lib.explorer.svg import BOTTOM, LEFT, RIGHT, TOP
from lib.explorer.touch import Touch
from lib.explorer.training import Recipe, Run, Setting
from tests.explorer import student
from tests.explorer.test_gradients import InPlace
from tests.explorer.test_training import BLOBS, STUDENT, train


def probabilities(W, samples):
    e = np.exp(W @ np.vstack([samples.X, np.ones(samples.X.shape[1])]))
    return e / e.sum(axis=0)


def loss(W, samples):
    return -np.mean(np.log(probabilities(W, samples)[samples.labels, np.arange(len(samples.labels))]))


def hessian(W, samples):
    """Return the second derivatives of the mean loss: the mean over samples of (diag p - p pᵀ) ⊗ x xᵀ."""
    X, p = np.vstack([samples.X, np.ones(samples.X.shape[1])]), probabilities(W, samples)
    J = np.einsum("ib,ij->ijb", p, np.eye(len(p))) - np.einsum("ib,jb->ijb", p, p)
    return np.einsum("ijb,mb,nb->imjn", J, X, X).reshape(W.size, W.size) / X.shape[1]


def wide():
    rng = np.random.default_rng(1)
    return prepare(rng.normal(size=(12, 150)), np.arange(150) % 4)


@pytest.mark.parametrize("samples", [BLOBS, wide()], ids=["9 weights", "52 weights"])
@pytest.mark.parametrize("rate", [0.01, 1.0])
def test_the_limit_is_2_over_the_largest_eigenvalue_of_the_second_derivatives(samples, rate):
    run = Run(Recipe(STUDENT), samples, Setting(rate, 16))
    run.advance(20, seconds=60)
    for epoch in (0, 20):
        expected = 2 / np.linalg.eigvalsh(hessian(run.weights[epoch], samples))[-1]
        assert descent_limit(run, epoch) == pytest.approx(expected, rel=0.01)


def test_a_step_below_the_limit_goes_down_in_the_steepest_valley_and_one_beyond_it_does_not():
    run = train(Setting(1.0, 240), epochs=300)
    W, limit = run.weights[300], descent_limit(run, 300)
    steepest = np.linalg.eigh(hessian(W, BLOBS))[1][:, -1].reshape(W.shape)
    for share, descends in ((0.9, True), (1.1, False)):
        aside = W + 1e-3 * steepest
        step = share * limit * (run.gradient(aside) - run.gradient(W))
        assert (np.linalg.norm(aside - step - W) < 1e-3) == descends


@pytest.mark.parametrize(("rate", "size"), [(0.1, 16), (10.0, 16), (31.6, 4), (31.6, 240), (100.0, 1), (100.0, 16)])
def test_what_is_said_of_steps_below_the_limit_is_so(rate, size):
    run = train(Setting(rate, size), epochs=12)
    for epoch in (0, 1, 6, 12):
        said, W = path_view.describe(run, 12, epoch), run.weights[epoch]
        gradient = run.gradient(W)
        if rise := re.search(r"at learning rate (\S+) the loss goes up from (\S+) to (\S+)\. The", said):
            share, before, after = map(float, rise.groups())
            assert student_loss(W) == pytest.approx(before, rel=0.006)
            assert student_loss(W - share * gradient) == pytest.approx(after, rel=0.05) and after > before
        elif "goes down" in said:
            limit = descent_limit(run, epoch)
            for share in (0.01, 0.2, 0.5, 0.95):
                assert student_loss(W - share * limit * gradient) <= 1.001 * student_loss(W)


def test_a_step_that_goes_up_below_the_limit_is_named():
    runs = [train(Setting(100.0, 16, seed), epochs=1) for seed in range(5)]
    assert any("the loss goes up from" in path_view.describe(run, 1, 1) for run in runs)


def test_a_step_that_goes_up_just_below_the_limit_is_named():
    """Here a step goes down at 0.95 of the limit, and up at 0.99: the student's loss keeps away from log 0."""
    samples = prepare(*rings(240))
    run = Run(Recipe(STUDENT), samples, Setting(31.6, 16))
    run.advance(5, seconds=60)
    W, limit = run.weights[5], descent_limit(run, 5)
    near, far = (run.loss(W - share * limit * run.gradient(W)) for share in (0.95, 0.99))
    assert near < run.loss(W) < far
    assert "the loss goes up from" in path_view.describe(run, 5, 5)


def test_where_no_step_goes_up_it_is_said_what_was_tried():
    run = train(Setting(0.1, 16), epochs=12)
    said = path_view.describe(run, 12, 12)
    assert "At the last weights, 2/λ = " in said
    assert said.endswith(" A step with all samples goes down at each learning rate below it that was tried.")


@pytest.mark.parametrize("size", [1, 3, 60])
def test_lanczos_finds_the_largest_eigenvalue(size):
    A = np.random.default_rng(size).normal(size=(size, size))
    A = A @ A.T
    assert largest_eigenvalue(lambda v: A @ v, size, 30) == pytest.approx(np.linalg.eigvalsh(A)[-1], rel=1e-3)
    assert np.isnan(largest_eigenvalue(lambda v: v * np.nan, size, 30))


@pytest.mark.parametrize("Dense", [student.Dense, InPlace])
@pytest.mark.parametrize(("rate", "size"), [(0.1, 16), (0.0001, 16), (31.6, 16), (100.0, 1), (0.1, 240)])
def test_every_point_of_the_slice_has_the_loss_of_its_own_weights(Dense, rate, size):
    network = Network(Dense, student.Softmax, student.cce, student.cce_gradient)
    run = train(Setting(rate, size), network=network, epochs=12)
    before = [each.copy() for each in run.weights]
    plane = LossSlice(run, 12)
    rough = plane.losses
    plane.refine(60)
    assert plane.fine and plane.losses.shape == FINE
    x, y = np.linspace(LEFT, RIGHT, FINE[1]), np.linspace(TOP, BOTTOM, FINE[0])
    for row, column in [(0, 0), (13, 20), (27, 36), (5, 30)]:
        W = plane.weights(x[column], y[row])
        assert plane.losses[row, column] == pytest.approx(student_loss(W), rel=1e-9)
    if rate < 1:
        np.testing.assert_allclose(rough, plane.losses, rtol=0.05)
    (start, *_), (*_, end) = plane.path, plane.path
    np.testing.assert_allclose(plane.weights(*start), before[0], atol=1e-6)
    np.testing.assert_allclose(plane.weights(*end), before[12], atol=1e-6)
    assert ((plane.path >= [LEFT, TOP]) & (plane.path <= [RIGHT, BOTTOM])).all()
    assert start[0] < end[0]
    np.testing.assert_array_equal(run.weights, before)  # looking changes nothing


def student_loss(W):
    """Return the loss as the student's code has it, with 1e-12 in the logarithm."""
    p = probabilities(W, BLOBS) if np.abs(W).max() < 100 else shifted(W)
    return -np.mean(np.log(p[BLOBS.labels, np.arange(240)] + 1e-12))


def shifted(W):
    z = W @ np.vstack([BLOBS.X, np.ones(240)])
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def test_the_share_of_the_path_in_the_plane_is_told():
    run = train(Setting(1.0, 1), epochs=12)
    plane, path = LossSlice(run, 12), np.array([each.ravel() for each in run.weights])
    back = np.array([plane.weights(*each).ravel() for each in plane.path])
    outside = np.sum((path - back) ** 2) / np.sum((path - path[-1]) ** 2)
    assert plane.share == pytest.approx(1 - outside)
    assert f"holds {100 * plane.share:.3g}% of the path, counted in squared" in path_view.describe(run, 12, 12)


def test_a_path_of_no_length_has_a_slice_too():
    plane = LossSlice(train(Setting(0.1, 16), epochs=1), 0)
    assert np.isfinite(plane.losses).all() and plane.share == 1


@pytest.mark.parametrize("fine", [11, 28])
def test_between_the_points_cubics_are_exact(fine):
    rough, at = np.linspace(-1, 1, 8), np.linspace(-1, 1, fine)
    np.testing.assert_allclose(cubic(8, fine) @ (rough**3 - rough), at**3 - at, atol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0.12, 1.9), (0.43, 0.45), (1e-3, 30), (-2.0, 1.0), (3.0, 3000.0)])
def test_lines_are_drawn_at_a_few_round_losses(low, high):
    found = path_view.levels(np.linspace(low, high, 50))
    assert 2 <= len(found) <= path_view.MOST_LEVELS
    assert all(low < level < high and len(f"{abs(level):g}".strip("0.")) <= 3 for level in found)


@pytest.fixture
def explorer():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Path"].value = True
    return explorer


def touch(explorer, what="key", **more):
    explorer._enqueue(lambda: explorer.touch(Touch(path_view.TITLE, what, **more)))


def test_the_limit_is_said_and_marked_on_the_slider(explorer):
    said = re.search(r"2/λ = (\S+) ", explorer.caption)[1]
    W = explorer.run(Setting(0.1, 16)).weights[100]
    expected = 2 / np.linalg.eigvalsh(hessian(W, BLOBS))[-1]
    assert float(said) == pytest.approx(expected, rel=0.01)
    place = float(re.search(r'data-slider="Learning rate" value="(\S+)">2/λ<', explorer.pictures.value)[1])
    assert 1e-4 * 1e6**place == pytest.approx(expected, rel=0.01)
    explorer.controls.shown["Path"].value = False
    assert "zl-mark" not in explorer.pictures.value and "2/λ" not in explorer.caption


def test_a_click_starts_the_training_there(explorer):
    plane = path_view.compute(explorer.run(Setting(0.1, 16)), 100)
    W = plane.weights(100, 250)
    touch(explorer, "down", x=100, y=250)
    assert "The start is one that you chose." in explorer.caption
    run = explorer.run(explorer.controls.state().setting)
    np.testing.assert_array_equal(run.weights[0], W)
    assert run.loss_before == pytest.approx(loss(W, BLOBS), rel=1e-6)
    explorer.controls.learning_rate.value = 1.0  # another setting begins there too
    np.testing.assert_array_equal(explorer.run(explorer.controls.state().setting).weights[0], W)
    explorer.controls.own_start.click()
    assert explorer.run(explorer.controls.state().setting) is explorer.run(Setting(1.0, 16))
    assert "The start is one" not in explorer.caption and explorer.controls.own_start.disabled


def test_keys_move_a_cross_whose_loss_is_said_and_start_there(explorer):
    plane = path_view.compute(explorer.run(Setting(0.1, 16)), 100)
    touch(explorer, key="ArrowUp", far=True)
    for _ in range(2):
        touch(explorer, key="ArrowLeft")
    x, y = (LEFT + RIGHT) / 2 - 12, (TOP + BOTTOM) / 2 - 30
    assert f"At the cross the loss is {loss(plane.weights(x, y), BLOBS):.3g}." in explorer.caption
    touch(explorer, key="Enter")
    np.testing.assert_array_equal(explorer.run(explorer.controls.state().setting).weights[0], plane.weights(x, y))
    for _ in range(30):
        touch(explorer, key="ArrowLeft", far=True)
    assert explorer.controls.cross[0] == LEFT  # it stays in the frame


def test_other_samples_or_another_seed_start_as_drawn(explorer):
    for control, value in ((explorer.controls.seed, 3), (explorer.controls.data, "digits")):
        touch(explorer, "down", x=100, y=250)
        assert explorer.controls.state().setting.start
        explorer.controls.epochs.value = 1
        control.value = value
        assert explorer.controls.state().setting.start == 0


def test_a_gradient_that_points_uphill_has_no_limit():
    def uphill(y, yhat):
        return -student.cce_gradient(y, yhat)

    explorer = Explorer(Network(student.Dense, student.Softmax, student.cce, uphill), "blobs")
    explorer.controls.epochs.value = 1
    explorer.controls.shown["Path"].value = True
    assert "so no rate is marked" in explorer.caption and "zl-mark" not in explorer.pictures.value


def test_losses_that_are_no_numbers_leave_their_place_empty():
    class Overflowing(student.Softmax):
        def forward(self, input):
            self.output = np.exp(input) / np.exp(input).sum(axis=0)

    explorer = Explorer(Network(student.Dense, Overflowing, student.cce, student.cce_gradient), "blobs")
    explorer.controls.shown["Path"].value = True
    explorer.controls.learning_rate.value = 100.0
    assert path_view.TITLE in explorer.pictures.value
