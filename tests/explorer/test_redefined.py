"""What a notebook defines anew: of all that a network runs, and of nothing else."""

import pytest

from lib.explorer.redefined import find_parts, find_redefined

NOTEBOOK = """
class Layer:
    def __init__(self): self.output = None

class Dense(Layer):
    def __init__(self, inputs, outputs): self.weights = draw(inputs, outputs)

class Softmax(Layer):
    def forward(self, input): self.output = input

def draw(inputs, outputs): return [[0] * inputs] * outputs
def cce(y, yhat): return sum(map(abs, y)) + SMALL
def make_network(sizes): return [make() for make in (lambda: Dense(*sizes), Softmax)]
def plot(): return draw(1, 1)
SMALL = 0.1
"""


@pytest.mark.parametrize("again", ["Dense", "Softmax", "draw", "cce", "make_network", "plot", "SMALL"])
def test_what_the_network_runs_is_found_when_it_is_defined_anew(again):
    names = {}
    exec(NOTEBOOK, names)
    parts = find_parts([names["make_network"], names["cce"]], names)
    assert find_redefined(parts, names) == []
    exec(f"class {again}: pass", names)
    assert find_redefined(parts, names) == ([again] if again not in ("plot", "SMALL") else [])
    del names[again]
    assert find_redefined(parts, names) == []


def test_code_of_other_modules_is_followed_to_that_of_the_notebook():
    names = {}
    exec(NOTEBOOK, names)

    def make(size):
        return names["make_network"]([size])

    make_network = names["make_network"]
    found = find_parts([lambda: make_network([1]), make], names)
    assert {*found} == {"make_network", "Dense", "Softmax", "draw"}
