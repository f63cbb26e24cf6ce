"""Test layers: made from the student's classes, whatever these call their parameters."""

from typing import Any

import pytest

from lib.checking.spies import make_test_class
from tests.variants import written

OWN = """
class Layer:
    def f(self): return "own"
class Dense(Layer):
    def __setattr__(self, name, value): raise KeyError("inner")
    def backward(self, grad, *, rate=0.1): pass
    def g(self): return "own"
class Closed:
    def __init_subclass__(cls): raise TypeError("no")
def use(): pass"""


class Standing:
    def __init__(self) -> None:
        self.number = 3

    def f(self) -> str:
        return "test"

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> tuple[Any, Any]:
        return output_gradient, learning_rate


def made(name: str) -> Any:
    code: Any = written(OWN)
    layer = make_test_class(Standing, name, code["use"])()
    assert not isinstance(code[name], type) or name == "Closed" or isinstance(layer, code[name])
    return layer


def test_a_test_layer_is_the_students_has_its_other_methods_and_its_own_first() -> None:
    layer = made("Dense")
    assert (layer.f(), layer.g(), layer.number, type(layer).__name__) == ("test", "own", 3, "Dense")


@pytest.mark.parametrize("name", ["Dense", "Closed", "use"])
def test_what_none_may_inherit_from_is_left_out(name: str) -> None:
    assert made(name).backward(1, learning_rate=2) == (1, 2)


def test_its_methods_take_the_students_names_the_notebooks_and_none() -> None:
    backward = made("Dense").backward
    assert backward(rate=2, grad=1) == backward(1, 2) == backward(learning_rate=2, output_gradient=1) == (1, 2)
    assert backward(1) == (1, None)
    with pytest.raises(TypeError, match="backward\\(\\) got an unexpected keyword argument 'eta'"):
        backward(1, eta=2)
