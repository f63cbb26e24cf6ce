"""Layers in a test: the student's own, each method apart from the others, and test layers in their place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import FunctionType
from typing import Any

from lib.checking.results import are_near
from lib.checking.spies import namespace_of
from lib.checking.values import Wrong, numbers
from lib.unit import Array


def prepare(layer: Any, x: Array, input: Array, output: Array) -> None:
    """Run the layer's own forward; where its output is not right, have it hold what a right one keeps.

    So a mistake in forward is not backward's, and whatever else forward keeps for backward is there.
    """
    with suppress(Exception):  # what is wrong in forward is another part's matter
        layer.forward(x.copy())
    if not is_like(getattr(layer, "output", None), output):
        layer.input, layer.output = input.copy(), output.copy()


def is_like(found: object, right: Array) -> bool:
    """True if a result of student code is the right array, but for rounding in float32: not to four digits."""
    try:
        return bool(are_near(numbers(found, right.shape), right, rtol=1e-5).all())
    except Wrong:
        return False


def kept_output(layer: Any) -> Array:
    """Read the output that a student's forward has kept. Raises `Wrong` where it has kept none."""
    output = getattr(layer, "output", None)
    if output is None:
        hint = "Assign the result to self.output: a name without self. is lost where forward ends."
        raise Wrong("self.output is missing.", found="None", expected="numbers", hint=hint)
    return numbers(output, what="self.output")


# ---- Test layers


def make_test_class(test: type, name: str, code: object) -> type:
    """Return a test class that is also the student's class `name`, found where `code` looks up its names.

    An object of it is an instance of the student's class and has its other methods; the names and methods of `test` go
    first. These methods can be called by the names of the student's parameters, too. The student's `__init__` is not
    run. Where there is no such class, or none may inherit from it, return `test`.
    """
    own = (namespace_of(code) or {}).get(name)
    if not isinstance(own, type):
        return test
    methods = inspect.getmembers(test, lambda each: isinstance(each, FunctionType))
    renamed = {key: _rename(method, getattr(own, key, None)) for key, method in methods if not key.startswith("_")}
    try:
        return type(own)(name, (test, own), {"__setattr__": object.__setattr__, **renamed})
    except Exception:  # whatever a class of the student's raises
        return test


def _rename(method: FunctionType, own: Any) -> Callable[..., Any]:
    """Return a method that takes its arguments by the names of the student's own method, too."""
    try:
        parameters = inspect.signature(own)
    except (TypeError, ValueError):  # the student's class has none
        return method
    most = inspect.unwrap(method).__code__.co_argcount  # of one that was renamed before, too

    @wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        if named or len(given) > most:
            with suppress(TypeError):  # what doesn't fit there may fit the names of the notebook
                bound = parameters.bind(*given, **named)
                given, named = (*bound.args, *bound.kwargs.values())[:most], {}
        return method(*given, **named)

    return call
