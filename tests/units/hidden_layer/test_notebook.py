"""What the second notebook says is true of its own code, run from top to bottom."""

import re

import numpy as np
import pytest

from tests.test_notebook import numbers, printed

pytestmark = pytest.mark.xdist_group("solutions")


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """The text that each cell of the solution prints, by the cell's id."""
    return printed("hidden_layer")


def test_what_students_bring_along_is_right_by_the_checks_of_the_first_notebook(outputs: dict[str, str]) -> None:
    assert outputs["own-check"].count("points (check-") == 5
    assert "wrong" not in outputs["own-check"]


def test_a_squared_distance_or_16_units_tell_rings_apart_and_no_straight_line(outputs: dict[str, str]) -> None:
    loss, accuracy = numbers(outputs["no-hidden"])
    assert loss == pytest.approx(np.log(3), abs=0.02) and accuracy < 0.45
    assert numbers(outputs["squared"])[1] > 0.97
    assert min(numbers(outputs["training"])[1:3]) > 0.97


def test_two_dense_layers_are_one_backward_is_right_and_a_step_goes_down(outputs: dict[str, str]) -> None:
    stacked, one = np.array(numbers(outputs["two-dense"])).reshape(2, 3, 4)
    np.testing.assert_allclose(stacked, one)
    assert np.abs(one).max() > 0.1
    assert numbers(outputs["gradient-check"].partition("largest difference")[2])[-1] < 1e-8
    losses = numbers(outputs["step-run"])
    assert len(losses) == 3 and losses == sorted(losses, reverse=True)


def test_zero_weights_stay_zero(outputs: dict[str, str]) -> None:
    loss, _, log_3, *bias, hidden, last = numbers(outputs["zero"])
    assert loss == pytest.approx(log_3, abs=0.01)
    assert hidden == last == 0 < max(bias)


def test_weights_of_another_scale_shrink_or_blow_up_outputs_and_a_large_rate_kills_units(
    outputs: dict[str, str],
) -> None:
    small, kept, large = (numbers(line)[-1] for line in outputs["scale"].splitlines())
    assert small < 1e-3 and 0.3 < kept < 3 and large > 1e3
    lines = [numbers(line) for line in outputs["lab-rate"].splitlines() if line.startswith("rate")]
    dead = {rate: units for rate, units, *_ in lines}
    assert max(dead[0.1], dead[1]) < 4 and min(dead[3.16], dead[10]) > 8


def test_hidden_units_add_a_little_on_digits(outputs: dict[str, str]) -> None:
    lines = outputs["lab-digits"].splitlines()
    without, hidden = ([float(each) for each in re.findall(r"0\.\d+", line)][:-1] for line in lines)
    assert len(without) == len(hidden) == 3
    assert np.mean(without) == pytest.approx(0.96, abs=0.007)
    assert 0.005 < np.mean(hidden) - np.mean(without) < 0.02
    assert max(hidden) - min(hidden) > 0.005  # "two seeds can differ by as much"


def test_random_labels_are_learnt_by_heart_with_hidden_units_and_not_without(outputs: dict[str, str]) -> None:
    linear, on_new, wide, wide_on_new = (numbers(line)[-2:] for line in outputs["lab-random"].splitlines())
    assert 0.95 * np.log(3) < linear[0] < np.log(3) < on_new[0]
    assert wide[0] < 0.1 and wide[1] > 0.95
    assert wide_on_new[0] > 2 * np.log(3) and wide_on_new[1] == pytest.approx(1 / 3, abs=0.05)
