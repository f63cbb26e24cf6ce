"""Test doubles: functions and layers of ours, in place of a student's own, and records of what they are given.

A spy replaces the code object of a function, not the function itself. So names, closures, partials, dicts and
subclasses with a reference to the function all call the spy. This works in CPython 3.10 to 3.13, and in Pyodide. Other
objects, such as a missing method of a class or an object with `__call__`, are replaced under their name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial, wraps
from types import FunctionType
from typing import Any, TypeAlias

from lib.checking.results import Wrong, are_near, numbers, read
from lib.checking.student_code import is_own
from lib.unit import Array, NamedResults

MOST_CALLS = 10_000
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


# ---- What functions are given


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
        names = [*inspect.signature(function).parameters]

        def spy(_: object, *args: Any, **kwargs: Any) -> Any:
            if len(calls) >= MOST_CALLS:
                raise Wrong(f"{name} is called far more often than expected.", found=f"{MOST_CALLS:,} calls")
            given = dict(zip(names, args, strict=False)) | kwargs
            calls.append({key: read(each, f"What {name} is given") for key, each in given.items()})
            return function(*args, **kwargs)

        return _by_signature(function, spy)

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


# ---- Layers

RETURNED = "a result that it has returned before"


def prepare(layer: Any, x: Array, input: Array, output: Array) -> Array:
    """Run the layer's own forward, and if its output is wrong, set the attributes of a right layer.

    So a mistake in forward doesn't affect backward, and other attributes that forward sets for backward exist. Return
    the array that forward got, which backward must not change.
    """
    given = run_forward(layer, x)
    if not is_like(getattr(layer, "output", None), output):
        given = layer.input = input.copy()
        layer.output = output.copy()
    return given


def run_forward(layer: Any, x: Array) -> Array:
    """Run the layer's own forward on a copy of x, and return the copy. Another part reports what is wrong there."""
    from lib.checking.randomness import seeds  # imports numpy.random, which only drawing needs

    given, seeds_before = x.copy(), seeds[0]
    with suppress(Exception):
        layer.forward(given)
    seeds[0] = seeds_before
    return given


def fits(layer: Any, returned: object) -> float:
    """Raise `Wrong` if forward has returned something else than the layer's output."""
    own = kept_output(layer)
    if not is_like(returned, own):
        hint = "End forward with return(self.output): later cells use what forward returns."
        what = "forward returns nothing." if returned is None else "forward returns something else than its output."
        raise Wrong(what, found="None" if returned is None else "", expected="the output", hint=hint)
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
