"""Mutants: what a draw never varies and nobody looks at is reported, and what is recorded as right is not."""

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from traitlets.config import Configurable

from lib.answer_key import AnswerKey
from lib.authoring import survivors
from lib.authoring.trial import Trial
from lib.grading.unit_registry import UnitLocation
from lib.mistakes import BadMistake, read
from lib.unit import Inputs, Part, Unit, statement

pytestmark = pytest.mark.slow

PART = "check-it"


def trial_of(source: str, draw: Any, look: Any, folder: Path = Path(), **more: Any) -> Trial:
    """A unit with one part, whose subject is the last thing that its only cell defines."""
    right: dict[str, Any] = {"np": np}
    exec(source, right)
    subject = [*right][-1]
    part = Part(PART, "It", (subject,), draw, (statement("It is right.", hint="Print it.", **more)(look),))
    cell = nbformat.v4.new_code_cell(source, id="it", metadata={"nbgrader": {"grade_id": "it"}})
    key = AnswerKey(Unit("u", "U", (part,)), {subject: right[subject]}, ())
    solutions = {"u.ipynb": nbformat.v4.new_notebook(cells=[cell])}
    return Trial("u", folder, solutions, Configurable(), key, UnitLocation("u", folder))


def told(*given: Any, processes: int = 1, **more: Any) -> str:
    return "\n".join(survivors.remarks(trial_of(*given, **more), processes))


def numbers(rng: Any, *sizes: int) -> Any:
    return rng.normal(size=sizes)


STEP = "def step(w, g, rate):\n    return w - rate * g  #? return ?"
MEAN = "def mean(y):\n    return np.sum(y) / len(y)  #? return ?"
TOTAL = """
def total(X, size):
    sums = []
    for batch in np.split(X, np.arange(size, len(X), size)):
        sums.append(np.sum(batch))  #? sums.append(?)
    return sums"""
BATCHES = """
def batches(n, size):
    order = np.random.permutation(n)  #? order = ?
    return np.split(order, np.arange(size, n, size))"""
MEMORY = """
class Memory:
    def __init__(self, share):
        self.share = share
        self.v = 0.0

    def step(self, g, rate):
        self.v = self.share * self.v - rate * g  #? self.v = ?
        return self.v"""


def steps_of(inputs: Inputs, Memory: Any) -> Any:
    memory = Memory(inputs["share"])
    return [memory.step(g, rate) for g, rate in zip(inputs["g"], inputs["rates"], strict=True)]


CASES: dict[str, tuple[str, Any, Any, dict[str, Any], list[str], list[str]]] = {
    "a rate that is always the same": (
        *(STEP, lambda rng: {"w": numbers(rng, 3), "g": numbers(rng, 3), "rate": 0.5}),
        lambda inputs, step: step(inputs["w"], inputs["g"], inputs["rate"]),
        {},
        ["rate -> 0.5", "rate -> as in the first call", "is written into g", "No draw goes beyond"],
        ["w + rate * g", "rate * 1.1", "g -> -g", "left out"],
    ),
    "another rate in each draw, and inputs that stay": (
        *(STEP, lambda rng: {"w": numbers(rng, 3), "g": numbers(rng, 3), "rate": rng.uniform(0.1, 1)}),
        lambda inputs, step: step(inputs["w"], inputs["g"], inputs["rate"]),
        {"keeps": ("w", "g")},
        [],
        ["rate -> 0.", "as in the first call", "is written into"],
    ),
    "a size that is always 5": (
        *(MEAN, lambda rng: {"y": numbers(rng, 5)}, lambda inputs, mean: mean(inputs["y"])),
        {},
        ["len(y) -> 5", "only right where len(y) is 5: y", "np.sort(y)"],
        ["np.sum(y) -> ", "len(y) + 1"],
    ),
    "a loop whose last batch has never one sample": (
        *(TOTAL, lambda rng: {"X": numbers(rng, 8), "size": 3}),
        lambda inputs, total: total(inputs["X"], inputs["size"]),
        {},
        ["size -> 3", "len(batch) > 1: sums.append(np.sum(batch))", "6 turns"],
        ["only in the first 2 turns", "not in the first turn", "[1:]", "only where len(batch)"],
    ),
    "a shuffle whose order is not seen": (
        *(BATCHES, lambda rng: {"n": int(rng.integers(6, 9)), "size": 3}),
        lambda inputs, batches: np.sort(np.concatenate(batches(inputs["n"], inputs["size"]))),
        {},
        [
            "is shuffled only within pieces of size",
            "np.random -> np.random.default_rng()",
            "it seeds NumPy's generator",
        ],
        ["n + 1"],
    ),
    "an object that takes two steps at one rate": (
        *(MEMORY, lambda rng: {"g": numbers(rng, 2), "share": rng.uniform(0.5, 1), "rates": [0.5, 0.5]}),
        steps_of,
        {},
        ["rate -> 0.5", "-> only in the first 2 calls", "rate -> as in the first call"],
        ["-> only in the first call", "self.share * 1.1", "self.v -> any"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_draw_never_varies_is_reported(name: str) -> None:
    source, draw, look, more, reported, silent = CASES[name]
    said = told(source, draw, look, **more)
    assert [each for each in reported if each not in said] == [], said
    assert [each for each in silent if each in said] == [], said
    assert said.startswith("u.ipynb, cell 'it': ")


LUCK = (MEAN, lambda rng: {"y": numbers(rng, int(rng.integers(5, 7)))}, lambda inputs, mean: mean(inputs["y"]))


def recorded(folder: Path, *entries: str) -> str:
    (folder / "closed" / "mistakes").mkdir(parents=True)
    (folder / "closed" / "mistakes" / "it.toml").write_text("\n".join([f"[{PART}.equal]", *entries]))
    _, draw, look, *_ = CASES["a size that is always 5"]
    return told(MEAN, draw, look, folder)


def test_what_is_recorded_as_right_is_not_reported(tmp_path: Path) -> None:
    said = recorded(tmp_path, "'y -> np.sort(y)' = 'a sum has no order'", "'y -> *[[]::-1]' = 'likewise'")
    assert "np.sort(y)" not in said and "1 are recorded as right" in said
    assert "no change that keeps all points matches: y -> *[[]::-1]" in said


def test_a_star_stands_for_anything_and_brackets_for_themselves(tmp_path: Path) -> None:
    said = recorded(tmp_path, "'y -> *[::-1]' = 'a sum has no order'", "'* -> only right where *' = 'there are 5'")
    assert "[::-1]" not in said and "only right where" not in said and "Recorded as right" not in said


@pytest.mark.parametrize("why", ["''", "1"])
def test_an_entry_has_its_reason(tmp_path: Path, why: str) -> None:
    (tmp_path / "it.toml").write_text(f"[{PART}.equal]\n'a -> b' = {why}\n")
    part = Part(PART, "It", ("mean",), LUCK[1], ())
    with pytest.raises(BadMistake, match=r"it\.toml, check-it, 'a -> b': write why it is right, too"):
        read(tmp_path, {"mean": np.mean}, (part,))


def test_sizes_are_tried_last_and_what_is_left_out_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survivors, "BUDGET", 0.0)
    source, draw, look, *_ = CASES["a rate that is always the same"]
    said = told(source, draw, look)
    assert "more were left out" in said and "No draw goes beyond" not in said
