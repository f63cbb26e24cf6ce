"""What the third notebook says is true of its own code, run from top to bottom."""

import re

import numpy as np
import pytest

from tests.test_notebook import numbers, printed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("solutions")]


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """The text that each cell of the solution prints, by the cell's id."""
    return printed("optimizers", "\n")


def rows(text: str, start: str = "") -> list[list[float]]:
    return [numbers(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start) and line]


def test_what_students_bring_along_is_right_by_the_checks_of_the_first_two_notebooks(outputs: dict[str, str]) -> None:
    assert outputs["own-check"].count("points (check-") == 7
    assert "wrong" not in outputs["own-check"]
    np.testing.assert_allclose(numbers(outputs["own-run"]), [30, -20, 10, 1, 2, 0.5])


def test_the_steep_direction_sets_the_limit_and_the_flat_one_the_time(outputs: dict[str, str]) -> None:
    below, above = (line[-2:] for line in rows(outputs["bowl"], "rate"))
    assert below == pytest.approx([10 * 0.981**100, 0.9**100], abs=1e-4) and below[0] == pytest.approx(1.5, abs=0.05)
    assert abs(above[0]) < 10 and above[1] == pytest.approx(1.1**100, rel=1e-3)
    assert 0.99**459 < 0.01 < 0.99**458


def test_momentum_gains_and_too_much_of_it_loses(outputs: dict[str, str]) -> None:
    assert numbers(outputs["momentum-run"]) == [-1, -2.5, -4.25]
    plain, some, much = map(float, re.findall(r": (\d+) steps", outputs["momentum-bowl"]))
    assert plain == 459 and some == pytest.approx(90, abs=10) and much > plain


def test_adams_first_step_is_as_long_as_the_rate_whatever_the_gradient(outputs: dict[str, str]) -> None:
    for _, right, without in rows(outputs["correction"]):
        assert right == pytest.approx(-0.01, abs=1e-4) and without == pytest.approx(-0.01 * 0.1 / 0.001**0.5, abs=1e-4)


def test_only_adam_copes_with_a_feature_in_other_units(outputs: dict[str, str]) -> None:
    losses = [line[-2] for line in rows(outputs["scales"], "feature 1")]
    assert max(losses[:3]) < 0.1 and losses[5] < 0.1 and min(losses[3:5]) > 0.5


def test_the_schedule_saves_units_that_a_fixed_rate_kills(outputs: dict[str, str]) -> None:
    [(_, dead, _, fixed)], [(saved, _, reached)] = (rows(outputs["schedule-run"], start) for start in ("rate", "warm"))
    assert dead >= 15 and fixed < 0.5 and reached > 0.95
    assert saved == pytest.approx(8, abs=2)  # "about half of the units"


def test_decay_makes_predictions_less_certain_and_no_better(outputs: dict[str, str]) -> None:
    (_, low, right), (_, new, new_right), (_, higher, _), (_, lower, as_right) = rows(outputs["decay-run"], "decay")
    assert low < higher and lower < new / 2 and right == 1
    assert [new_right, as_right] == pytest.approx([1 / 3, 1 / 3], abs=0.02)


def test_keras_agrees(outputs: dict[str, str]) -> None:
    differences = [
        line[-1] for line in outputs["crosscheck"].splitlines() if "Keras" in line for line in [numbers(line)]
    ]
    assert not differences or (len(differences) == 3 and max(differences) < 1e-5)
