"""Spies: functions that temporarily replace a student's functions and methods, wherever these are called.

A spy replaces the code object of a function, not the function itself. So names, closures, partials, dicts and
subclasses with a reference to the function all call the spy. This works in CPython 3.10 to 3.13, and in Pyodide. Other
objects, such as a missing method of a class or an object with `__call__`, are replaced under their name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import FunctionType
from typing import Any, TypeAlias

from lib.checking.student_code import is_own

Spy: TypeAlias = Callable[..., Any]
"""Called with the original function, and its arguments in the order of its parameters."""
Undo: TypeAlias = Callable[[], None]
_active: list[ExitStack] = []
"""The stacks of `spied` contexts that haven't ended, which restore the original functions."""


@contextmanager
def spied(namespace: dict[str, Any], spies: Mapping[str, Spy]) -> Iterator[None]:
    """Make `name` or `Class.method` of a namespace call a spy, wherever it is used."""
    with ExitStack() as undo:
        _active.append(undo)
        for name, spy in spies.items():
            kind, _, method = name.rpartition(".")
            if (owner := namespace.get(kind) if kind else namespace) is not None:
                undo.callback(_replace(owner, method, spy))
        yield


@contextmanager
def no_spies_left() -> Iterator[None]:
    """Remove remaining spies at the end: code that ran out of time and never stops stays in its `spied` context."""
    before = len(_active)
    try:
        yield
    finally:
        while len(_active) > before:
            _active.pop().close()


def _replace(owner: Any, name: str, spy: Spy) -> Undo:
    space = owner if isinstance(owner, dict) else vars(owner)
    original = space.get(name)
    if isinstance(original, FunctionType):
        return _replace_code(original, spy)
    put = owner.__setitem__ if isinstance(owner, dict) else partial(setattr, owner)
    remove = owner.__delitem__ if isinstance(owner, dict) else partial(delattr, owner)
    if original is not None:
        put(name, _by_signature(original, spy))
        return lambda: put(name, original)
    # Inherited or missing: the student may mean another method, so arguments are passed in the order of the call.
    inherited = getattr(owner, name, None)
    put(name, lambda *args, **kwargs: spy(inherited, *args, *kwargs.values()))
    return lambda: remove(name)


def _stub(*args: Any, _spy_: Spy, **kwargs: Any) -> Any:
    return _spy_(*args, **kwargs)


def _replace_code(function: FunctionType, spy: Spy) -> Undo:
    code, defaults, named_defaults = function.__code__, function.__defaults__, function.__kwdefaults__
    original = FunctionType(code, function.__globals__, function.__name__, defaults, function.__closure__)
    original.__kwdefaults__, original.__qualname__ = named_defaults, function.__qualname__
    # Code may refer to the function by another name, in a partial or a dict: replacing the value of its name would not
    # reach these calls, and a profile or trace function sees calls but can't replace them. The stub needs other
    # defaults. Python requires the same number of free variables, so the stub has unused ones.
    function.__defaults__, function.__kwdefaults__ = None, {"_spy_": _by_signature(original, spy)}
    function.__code__ = _stub.__code__.replace(co_freevars=code.co_freevars)

    def undo() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = code, defaults, named_defaults

    return undo


def _by_signature(original: Any, spy: Spy) -> Spy:
    # The spy gets all arguments in the order of the original's parameters, whether passed by name or by position.
    try:
        signature = inspect.signature(original)
    except (TypeError, ValueError):  # not callable, or written in C
        return partial(spy, original)

    kinds = {parameter.kind for parameter in signature.parameters.values()}
    is_plain = kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    defaults = [parameter.default for parameter in signature.parameters.values()]
    needed = defaults.count(inspect.Parameter.empty)

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_plain and not kwargs and needed <= len(args) <= len(defaults):
            return spy(original, *args, *defaults[len(args) :])  # the fast path for nearly all calls: binding is slow
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            try:  # a spy that wraps another one also accepts the names of that one's parameters
                wrapped: Any = vars(spy)["__wrapped__"] if kwargs else None
                bound = inspect.signature(partial(wrapped, original)).bind(*args, **kwargs)
            except (KeyError, TypeError):
                return original(*args, **kwargs)  # raises Python's own message about the arguments
        bound.apply_defaults()
        return spy(original, *bound.args, **bound.kwargs)

    return call


# ---- Where student code looks up its names


def namespace_of(code: object) -> dict[str, Any] | None:
    """Return the namespace in which student code looks up its names, or None if it contains no function.

    `code` may be a function, an object that wraps or contains one, or a class.
    """
    functions = list(functions_of(code))
    own = [function for function in functions if is_own(function.__code__.co_filename)]
    return next((function.__globals__ for function in own + functions), None)


def functions_of(code: Any, depth: int = 0) -> Iterator[FunctionType]:
    """Yield the functions that a call of `code` runs: itself, and those that it wraps."""
    inner: list[object] = []
    if isinstance(code, FunctionType):
        yield code
        inner = [vars(code).get("__wrapped__")]
        for cell in code.__closure__ or ():
            with suppress(ValueError):  # not assigned yet
                inner.append(cell.cell_contents)
    elif isinstance(code, type):
        inner = [value for value in vars(code).values() if isinstance(value, FunctionType)]
    elif isinstance(code, partial):
        inner = [code.func]
    else:  # a method, a cached function, or an object of a class with __call__
        inner = [getattr(code, "__func__", None), getattr(code, "__wrapped__", None), vars(type(code)).get("__call__")]
    for each in inner if depth < 9 else ():
        if callable(each):
            yield from functions_of(each, depth + 1)
