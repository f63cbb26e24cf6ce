"""What the second notebook says is true of its own code, run from top to bottom."""

import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from lib.predictions.records import remember
from lib.units.hidden_layer import UNIT
from lib.units.hidden_layer.lab import QUESTIONS

FOLDER = Path("solutions/hidden_layer").resolve()


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    """The text that each cell of the solution prints, by the cell's id."""
    notebook = nbformat.read(FOLDER / "hidden_layer.ipynb", as_version=4)
    for cell in notebook.cells:  # graders skip these cells; a student runs them
        cell.metadata.pop("tags", None)
    predicted = {question.id: question.right for question in QUESTIONS}
    with TemporaryDirectory() as folder, chdir(folder):
        remember(UNIT.name, predicted)  # an experiment runs after its prediction
        shutil.copytree(FOLDER / "figures", "figures")
        NotebookClient(notebook, timeout=300).execute()
    yield {cell.id: printed(cell) for cell in notebook.cells if cell.cell_type == "code"}


def printed(cell: nbformat.NotebookNode) -> str:
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(texts)


def choice(name: str) -> str:
    [question] = [question for question in QUESTIONS if question.id == name]
    return question.choices[question.right]


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
    loss, accuracy = numbers(outputs["no-hidden"])[:2]
    assert choice("rings") == "Less than half of them"
    assert choice("hidden") == "More than 95 of 100"
    assert loss == pytest.approx(np.log(3), abs=0.02) and accuracy < 0.45
    assert numbers(outputs["squared"])[1] > 0.97
    assert min(numbers(outputs["training"])[1:3]) > 0.97


def test_the_cross_check_is_of_the_trained_network(outputs: dict[str, str]) -> None:
    assert 0 < numbers(outputs["crosscheck"])[0] < 0.1 and "differ" not in outputs["crosscheck"]


def test_the_explorer_begins_with_four_units(outputs: dict[str, str]) -> None:
    assert "4 hidden units. After 100 epochs" in " ".join(outputs["width"].split())
    assert "None of the 4 hidden units is dead" in " ".join(outputs["width"].split())


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
    loss, _, log_3, hidden, above = numbers(outputs["zero"])[:5]
    assert choice("zero") == "Only the bias of the upper dense layer"
    assert loss == pytest.approx(log_3, abs=0.01)
    assert hidden == above == 0


def test_only_the_scale_by_the_number_of_inputs_keeps_outputs_in_size(outputs: dict[str, str]) -> None:
    small, kept, large = (numbers(line)[-1] for line in outputs["scale"].splitlines())
    assert small < 1e-3 and 0.3 < kept < 3 and large > 1e3


def test_a_large_rate_kills_the_units(outputs: dict[str, str]) -> None:
    lines = [numbers(line) for line in outputs["lab-rate"].splitlines() if line.startswith("rate")]
    dead = {rate: units for rate, units, *_ in lines}
    assert choice("rate") == "At 3.16 and 10"
    assert max(dead[0.1], dead[1]) < 4 and min(dead[3.16], dead[10]) > 8


def test_hidden_units_add_a_little_on_digits(outputs: dict[str, str]) -> None:
    lines = outputs["lab-digits"].splitlines()
    without, hidden = (
        [numbers(line)[-1] for line in lines if line.startswith(size)] for size in ("[64, 10]", "[64, 32")
    )
    assert len(without) == len(hidden) == 3
    assert choice("digits") == "About one more of 100"
    assert np.mean(without) == pytest.approx(0.96, abs=0.007)
    assert 0.005 < np.mean(hidden) - np.mean(without) < 0.02
    assert max(hidden) - min(hidden) > 0.005  # "two seeds can differ by as much"


def test_random_labels_are_learnt_by_heart(outputs: dict[str, str]) -> None:
    loss, accuracy, new_loss, new_accuracy = numbers(outputs["lab-random"])[:4]
    assert choice("random") == "Nearly all training samples, and about a third of new samples"
    assert loss < 0.1 and accuracy > 0.95
    assert new_loss > 2 * np.log(3) and new_accuracy == pytest.approx(1 / 3, abs=0.05)


def test_the_minutes_of_the_headings_make_the_hours_and_sittings_that_the_title_promises() -> None:
    text = "\n".join(cell.source for cell in nbformat.read(FOLDER / "hidden_layer.ipynb", as_version=4).cells)
    minutes = [int(time) for time in re.findall(r"^## \d+\. .*\((\d+) minutes\)$", text, re.MULTILINE)]
    assert len(minutes) == len(re.findall(r"^## \d+\. ", text, re.MULTILINE)) == 12
    assert "about three hours, in two sittings: sections 1 to 7, then 8 to 12" in text
    assert sum(minutes) == pytest.approx(180, abs=15)
    assert sum(minutes[:7]) == pytest.approx(90, abs=15)
