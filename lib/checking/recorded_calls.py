"""Recorded calls: the arguments with which student code calls functions, whether passed by name or by position."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lib.checking.results import Wrong, read
from lib.checking.spies import namespace_of, spied
from lib.unit import NamedResults

MOST_CALLS = 10_000


class Calls:
    """Records the arguments of calls, in the order of the calls and of the parameters.

    `calls("step", f)` returns a function that calls `f` and records its arguments. `calls.within(code, rate=f)` returns
    student code that calls `f` instead of its own `rate`. `calls.and_result(value)` returns the calls of each function
    by its name, and the `result`. Arguments are copied at each call, because students may change them in place.
    """

    def __init__(self) -> None:
        self.recorded: dict[str, list[Any]] = {}

    def __call__(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that calls `function` and records its arguments under `name`."""
        calls = self.recorded.setdefault(name, [])
        signature = inspect.signature(function)

        def spy(*args: Any, **kwargs: Any) -> Any:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # raises Python's own message about the arguments
            bound.apply_defaults()
            if len(calls) >= MOST_CALLS:
                raise Wrong(f"{name} is called far more often than expected.", found=f"{MOST_CALLS:,} calls")
            calls.append({key: read(each, f"What {name} is given") for key, each in bound.arguments.items()})
            return function(*args, **kwargs)

        return spy

    def within(self, code: Any, **functions: Callable[..., Any]) -> Callable[..., Any]:
        """Return student code that calls `functions` instead of its own ones of these names, and record the calls."""
        spies = {name: self._ignore_original(self(name, function)) for name, function in functions.items()}

        def run(*args: Any, **kwargs: Any) -> Any:
            with spied(namespace_of(code) or {}, spies):
                return code(*args, **kwargs)

        return run

    @staticmethod
    def _ignore_original(spy: Callable[..., Any]) -> Callable[..., Any]:
        return lambda original, *args, **kwargs: spy(*args, **kwargs)

    def and_result(self, result: Any) -> NamedResults:
        """Return the calls of each function by its name, and the result. Each is compared separately."""
        return NamedResults({**self.recorded, "result": lambda: result})
