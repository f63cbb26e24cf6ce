"""Calls that student code makes, noted argument by argument, whether passed by name or by place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lib.checking.results import read
from lib.checking.spies import namespace_of, spied
from lib.checking.values import Wrong
from lib.unit import NamedResults

MOST_CALLS = 10_000


class Calls:
    """Notes what is given to functions, in the order of calls and of parameters.

    `calls("step", f)` is called as `f` is, and noted. `calls.within(code, rate=f)` is student code that calls `f` where
    it would call its own `rate`. `calls.and_result(value)` gives the calls of each function by its name, and `result`.
    Arguments are read at once, since students write in place.
    """

    def __init__(self) -> None:
        self.given: dict[str, list[Any]] = {}

    def __call__(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that notes its calls under a name."""
        noted = self.given.setdefault(name, [])
        signature = inspect.signature(function)

        def spy(*given: Any, **named: Any) -> Any:
            try:
                bound = signature.bind(*given, **named)
            except TypeError:
                return function(*given, **named)  # to say in Python's own words what does not fit
            bound.apply_defaults()
            if len(noted) >= MOST_CALLS:
                raise Wrong(f"{name} is called far more often than expected.", found=f"{MOST_CALLS:,} calls")
            noted.append({key: read(each, f"What {name} is given") for key, each in bound.arguments.items()})
            return function(*given, **named)

        return spy

    def within(self, code: Any, **functions: Callable[..., Any]) -> Callable[..., Any]:
        """Return student code that calls these in the place of its own functions of these names, and note the calls."""
        spies = {name: self._ignore_original(self(name, function)) for name, function in functions.items()}

        def run(*given: Any, **named: Any) -> Any:
            with spied(namespace_of(code) or {}, spies):
                return code(*given, **named)

        return run

    @staticmethod
    def _ignore_original(spy: Callable[..., Any]) -> Callable[..., Any]:
        return lambda original, *given, **named: spy(*given, **named)

    def and_result(self, result: Any) -> NamedResults:
        """Return the calls of each function by its name, and the result: each is compared by itself."""
        return NamedResults({**self.given, "result": lambda: result})
