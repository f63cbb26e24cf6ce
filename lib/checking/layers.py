"""Layers in a test: the student's own, with each method tested separately, and test layers that replace them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import FunctionType
from typing import Any

from lib.checking.results import Wrong, are_near, numbers
from lib.checking.spies import namespace_of
from lib.unit import Array

RETURNED = "a result that it has returned before"


def prepare(layer: Any, x: Array, input: Array, output: Array) -> Array:
    """Run the layer's own forward, and if its output is wrong, set the attributes of a right layer.

    So a mistake in forward doesn't affect backward, and other attributes that forward sets for backward exist. Return
    the array that forward got, which backward must not change.
    """
    given = x.copy()
    with suppress(Exception):  # another part checks forward
        layer.forward(given)
    if not is_like(getattr(layer, "output", None), output):
        given = layer.input = input.copy()
        layer.output = output.copy()
    return given


def fits(layer: Any, returned: object) -> float:
    """Raise `Wrong` if forward has returned something else than the layer's output, other than None."""
    own = kept_output(layer)
    if returned is not None and not is_like(returned, own):
        hint = "Return self.output: a network passes the result on to the next layer."
        raise Wrong("forward returns something else than its output.", hint=hint)
    return 1.0


def is_like(found: object, right: Array) -> bool:
    """True if a result of student code is the right array within 1e-5: rounding in float32, but not to four digits."""
    try:
        return bool(are_near(numbers(found, right.shape), right, rtol=1e-5).all())
    except Wrong:
        return False


def kept_output(layer: Any) -> Array:
    """Return the output that a student's forward has stored. Raises `Wrong` if there is none."""
    output = getattr(layer, "output", None)
    if output is None:
        hint = "Assign the result to self.output: a name without self. is lost when forward returns."
        raise Wrong("self.output is missing.", found="None", expected="numbers", hint=hint)
    return numbers(output, what="self.output")


# ---- Test layers


def make_test_class(test: type, name: str, code: object) -> type:
    """Return a test class that is also a subclass of the student's class `name` in the namespace of `code`.

    Its objects are instances of the student's class and have its other methods, but the attributes and methods of
    `test` take precedence. These methods also accept the student's names of parameters. The student's `__init__` is not
    run. If there is no such class, or nothing can inherit from it, return `test`.
    """
    own = (namespace_of(code) or {}).get(name)
    if not isinstance(own, type):
        return test
    methods = inspect.getmembers(test, lambda each: isinstance(each, FunctionType))
    adapted = {
        key: _accept_names_of(getattr(own, key, None), method) for key, method in methods if not key.startswith("_")
    }
    try:
        return type(own)(name, (test, own), {"__setattr__": object.__setattr__, **adapted})
    except Exception:  # a student's class may raise anything
        return test


def _accept_names_of(own: Any, method: FunctionType) -> Callable[..., Any]:
    try:
        signature = inspect.signature(own)
    except (TypeError, ValueError):  # the student's class has no such method
        return method
    most = inspect.unwrap(method).__code__.co_argcount  # unwrapped, because it may be adapted already

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) > most:
            with suppress(TypeError):  # arguments that don't fit here may fit the test method's own names
                bound = signature.bind(*args, **kwargs)
                args, kwargs = (*bound.args, *bound.kwargs.values())[:most], {}
        return method(*args, **kwargs)

    return call
