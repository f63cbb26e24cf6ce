"""What the second notebook says is true of its own code, run from top to bottom."""

import numpy as np
import pytest

from tests.test_notebook import numbers, printed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("solutions")]


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """The text that each cell of the solution prints, by the cell's id."""
    return printed("hidden_layer")


def test_what_students_bring_along_is_right_by_the_checks_of_the_first_notebook(outputs: dict[str, str]) -> None:
    assert outputs["own-check"].count("points (check-") == 5
    assert "wrong" not in outputs["own-check"]


def test_two_dense_layers_are_one_backward_is_right_and_a_step_goes_down(outputs: dict[str, str]) -> None:
    stacked, one = np.array(numbers(outputs["two-dense"])).reshape(2, 3, 4)
    np.testing.assert_allclose(stacked, one)
    assert np.abs(one).max() > 0.1
    assert numbers(outputs["gradient-check"].partition("largest difference")[2])[-1] < 1e-8
    losses = numbers(outputs["step-run"])
    assert len(losses) == 3 and losses == sorted(losses, reverse=True)


def test_weights_of_another_scale_shrink_or_blow_up_outputs(outputs: dict[str, str]) -> None:
    small, kept, large = (numbers(line)[-1] for line in outputs["scale"].splitlines())
    assert small < 1e-3 and 0.3 < kept < 3 and large > 1e3
