"""What the second notebook says is true of its own code, run from top to bottom."""

import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from lib.units.hidden_layer import UNIT

FOLDER = Path("solutions/hidden_layer").resolve()


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    """The text that each cell of the solution prints, by the cell's id."""
    notebook = nbformat.read(FOLDER / "hidden_layer.ipynb", as_version=4)
    for cell in notebook.cells:  # graders skip these cells; a student runs them
        cell.metadata.pop("tags", None)
    with chdir(FOLDER):
        NotebookClient(notebook, timeout=300).execute()
    yield {cell.id: printed(cell) for cell in notebook.cells if cell.cell_type == "code"}


def printed(cell: nbformat.NotebookNode) -> str:
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(texts)


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]


def test_every_check_gives_all_points(outputs: dict[str, str]) -> None:
    for part in UNIT.parts:
        assert f"{part.points:g} of {part.points:g} points" in outputs[part.id]
    assert outputs["own-check"].count("points (check-") == 5
    assert "wrong" not in outputs["own-check"]


def test_rings_are_beyond_straight_lines_and_a_squared_distance_or_16_units_tell_them_apart(
    outputs: dict[str, str],
) -> None:
    loss, accuracy = numbers(outputs["no-hidden"])
    assert loss == pytest.approx(np.log(3), abs=0.02) and accuracy < 0.45
    assert numbers(outputs["squared"])[1] > 0.97
    assert min(numbers(outputs["training"])[1:3]) > 0.97


def test_two_dense_layers_are_one(outputs: dict[str, str]) -> None:
    stacked, one = np.array(numbers(outputs["two-dense"])).reshape(2, 3, 4)
    np.testing.assert_allclose(stacked, one)
    assert np.abs(one).max() > 0.1


def test_the_measured_gradient_is_that_of_backward(outputs: dict[str, str]) -> None:
    assert "largest difference" in outputs["gradient-check"]
    assert numbers(outputs["gradient-check"])[-1] < 1e-8


def test_the_loss_of_one_batch_falls(outputs: dict[str, str]) -> None:
    losses = numbers(outputs["step-run"])
    assert len(losses) == 3 and losses == sorted(losses, reverse=True)


def test_zero_weights_stay_zero(outputs: dict[str, str]) -> None:
    loss, _, log_3, hidden, above = numbers(outputs["zero"])
    assert loss == pytest.approx(log_3, abs=0.01)
    assert hidden == above == 0


def test_only_the_scale_by_the_number_of_inputs_keeps_outputs_in_size(outputs: dict[str, str]) -> None:
    small, kept, large = (numbers(line)[-1] for line in outputs["scale"].splitlines())
    assert small < 1e-3 and 0.3 < kept < 3 and large > 1e3


def test_a_large_rate_kills_the_units(outputs: dict[str, str]) -> None:
    lines = [numbers(line) for line in outputs["lab-rate"].splitlines()]
    dead = {rate: units for rate, units, *_ in lines}
    assert dead[0.1] < 4 and dead[3.16] > 12 and dead[10] > 12


def test_hidden_units_add_a_little_on_digits(outputs: dict[str, str]) -> None:
    lines = outputs["lab-digits"].splitlines()
    without, hidden = (
        [numbers(line)[-1] for line in lines if line.startswith(size)] for size in ("[64, 10]", "[64, 32")
    )
    assert len(without) == len(hidden) == 3
    assert 0.95 < np.mean(without) < np.mean(hidden) < 1


def test_random_labels_are_learnt_by_heart(outputs: dict[str, str]) -> None:
    loss, accuracy, new_loss, new_accuracy = numbers(outputs["lab-random"])
    assert loss < 0.1 and accuracy > 0.95
    assert new_loss > 2 * np.log(3) and new_accuracy == pytest.approx(1 / 3, abs=0.05)
