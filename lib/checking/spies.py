"""Spies in the place of a student's functions and methods, for a while: whatever holds these calls the spies.

The code inside a function is exchanged, not the function: other names, closures, partials, dicts and subclasses that
hold it need not be found. Afterwards everything is as before. This is CPython's own, from 3.10 to 3.13 and in Pyodide.
What is no function, such as a class's missing method or an object with `__call__`, is replaced under its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FunctionType
from typing import Any, TypeAlias

from lib.checking.student_code import is_own

Spy: TypeAlias = Callable[..., Any]
"""Is called with the original function, and what that is given in the order of its parameters."""
Undo: TypeAlias = Callable[[], None]
_active: list[ExitStack] = []
"""How what is exchanged now is put back, by each `spied` that is under way."""


@contextmanager
def spied(namespace: dict[str, Any], spies: Mapping[str, Spy]) -> Iterator[None]:
    """Have `name` or `Class.method` of a namespace call a spy, wherever it is used."""
    with ExitStack() as undo:
        _active.append(undo)
        for name, spy in spies.items():
            kind, _, method = name.rpartition(".")
            if (owner := namespace.get(kind) if kind else namespace) is not None:
                undo.callback(_put(owner, method, spy))
        yield


@contextmanager
def all_put_back() -> Iterator[None]:
    """Put back afterwards what `spied` has not: code that ran out of time and swallows what ends it never leaves it."""
    before = len(_active)
    try:
        yield
    finally:
        while len(_active) > before:
            _active.pop().close()


def _put(owner: Any, name: str, spy: Spy) -> Undo:
    space = owner if isinstance(owner, dict) else vars(owner)
    original = space.get(name)
    if isinstance(original, FunctionType):
        return _exchange(original, spy)
    put = owner.__setitem__ if isinstance(owner, dict) else partial(setattr, owner)
    remove = owner.__delitem__ if isinstance(owner, dict) else partial(delattr, owner)
    put(name, _by_signature(original, spy) if original is not None else _as_given(getattr(owner, name, None), spy))
    return (lambda: put(name, original)) if original is not None else (lambda: remove(name))


def _stub(*given: Any, _spy_: Spy, **named: Any) -> Any:
    return _spy_(*given, **named)


def _exchange(function: FunctionType, spy: Spy) -> Undo:
    """Have a function call a spy until undone. Its free variables stay, unused, since their number can't change."""
    code, defaults, named_defaults = function.__code__, function.__defaults__, function.__kwdefaults__
    original = FunctionType(code, function.__globals__, function.__name__, defaults, function.__closure__)
    original.__kwdefaults__, original.__qualname__ = named_defaults, function.__qualname__
    # Nothing simpler reaches all calls: code may hold the function under another name, in a partial or a dict, where a
    # new value for its name changes nothing; and a profile or trace hook sees calls, but can't answer them.
    # Another code object may ask for another number of defaults, so these go first.
    function.__defaults__, function.__kwdefaults__ = None, {"_spy_": _by_signature(original, spy)}
    function.__code__ = _stub.__code__.replace(co_freevars=code.co_freevars)

    def undo() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = code, defaults, named_defaults

    return undo


def _as_given(original: Any, spy: Spy) -> Spy:
    """Pass a spy what it is given, in that order: what is inherited or missing may not be what the student means."""
    return lambda *given, **named: spy(original, *given, *named.values())


def _by_signature(original: Any, spy: Spy) -> Spy:
    """Bind what is given to the original's parameters: by name or by place, a spy gets it in their order."""
    try:
        signature = inspect.signature(original)
    except (TypeError, ValueError):  # nothing, or a function written in C
        return partial(spy, original)

    kinds = {parameter.kind for parameter in signature.parameters.values()}
    is_plain = kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    defaults = [parameter.default for parameter in signature.parameters.values()]
    needed = defaults.count(inspect.Parameter.empty)

    def call(*given: Any, **named: Any) -> Any:
        if is_plain and not named and needed <= len(given) <= len(defaults):
            return spy(original, *given, *defaults[len(given) :])  # as nearly all: to bind takes longer than all else
        try:
            bound = signature.bind(*given, **named)
        except TypeError:
            try:  # a spy that wraps another one may be called by the names of that one's parameters
                wrapped: Any = vars(spy)["__wrapped__"] if named else None
                bound = inspect.signature(partial(wrapped, original)).bind(*given, **named)
            except (KeyError, TypeError):
                return original(*given, **named)  # to say in Python's own words what does not fit
        bound.apply_defaults()
        return spy(original, *bound.args, **bound.kwargs)

    return call


# ---- Where student code looks up its names


def namespace_of(code: object) -> dict[str, Any] | None:
    """Return the namespace in which student code looks up its names; None if there is no function in it.

    `code` may be a function, what wraps or holds one, or a class.
    """
    functions = list(functions_of(code))
    own = [function for function in functions if is_own(function.__code__.co_filename)]
    return next((function.__globals__ for function in own + functions), None)


def functions_of(code: Any, depth: int = 0) -> Iterator[FunctionType]:
    """Find the functions that a call of `code` runs: itself, and those that it wraps."""
    inner: list[object] = []
    if isinstance(code, FunctionType):
        yield code
        inner = [vars(code).get("__wrapped__"), *_contents(code)]
    elif isinstance(code, type):
        inner = [value for value in vars(code).values() if isinstance(value, FunctionType)]
    elif isinstance(code, partial):
        inner = [code.func]
    else:  # a method, a cached function, or an object of a class with __call__
        inner = [getattr(code, "__func__", None), getattr(code, "__wrapped__", None), vars(type(code)).get("__call__")]
    for each in inner if depth < 9 else ():
        if callable(each):
            yield from functions_of(each, depth + 1)


def _contents(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue
