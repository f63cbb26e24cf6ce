"""What the third notebook says is true of its own code, run from top to bottom."""

import numpy as np
import pytest

from tests.test_notebook import numbers, printed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("solutions")]


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """The text that each cell of the solution prints, by the cell's id."""
    return printed("optimizers", "\n")


def test_what_students_bring_along_is_right_by_the_checks_of_the_first_two_notebooks(outputs: dict[str, str]) -> None:
    assert outputs["own-check"].count("points (check-") == 7
    assert "wrong" not in outputs["own-check"]
    np.testing.assert_allclose(numbers(outputs["own-run"]), [30, -20, 10, 1, 2, 0.5])


def test_numbers_of_the_text_are_so(outputs: dict[str, str]) -> None:
    assert numbers(outputs["momentum-run"]) == [-1, -2.5, -4.25]
    assert 0.99**459 < 0.01 < 0.99**458


def test_keras_agrees(outputs: dict[str, str]) -> None:
    differences = [
        line[-1] for line in outputs["crosscheck"].splitlines() if "Keras" in line for line in [numbers(line)]
    ]
    assert not differences or (len(differences) == 3 and max(differences) < 1e-5)
