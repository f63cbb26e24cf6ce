"""Copies of student code that call other objects in the place of some of their own.

A spy has to be called wherever the student's code calls what it stands for: by its name in a function, a method or a
decorated function, by another name, or out of a `partial`, a closure, a dict or a default argument. `rebind` copies
what the code reaches, with the spies in it. The student's own objects stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from lib.checking.student_code import is_own

Namespace = dict[str, Any]

MOST_ENTRIES = 1000
"""Entries of a container that is looked into: one with more holds data."""
_LEAVES = (str, bytes, int, float, complex, type(None), np.ndarray, np.generic, ModuleType, BuiltinFunctionType)
_CACHED: Any = type(lru_cache(lambda: None))
_IN_A_CLASS = (FunctionType, staticmethod, classmethod, property, _CACHED)
"""What a class is made with. All else may refer back to the class, and is set when there is one."""
_SLOTS = ("__dict__", "__weakref__", "_abc_impl")
"""Entries of a class that Python makes anew for each class."""


def namespace_of(code: object) -> Namespace | None:
    """Return the namespace in which a function, or what calls one, looks up its names; None if there is no function.

    Of a function that wraps another, it is the namespace of the first one that the student wrote.
    """
    functions = list(_functions(code, 0))
    own = [function for function in functions if is_own(function.__code__.co_filename)]
    return next((function.__globals__ for function in own + functions), None)


def namespace_in(code: object) -> Namespace | None:
    """Return the namespace of a function, as `namespace_of` does, or of a class's methods."""
    functions = vars(code).values() if isinstance(code, type) else [code]
    return next((found for each in functions if (found := namespace_of(each)) is not None), None)


def inherit_own(test_class: type, name: str, code: object) -> type:
    """Make a test class that also has the other methods of the class called `name` in the namespace of `code`.

    So student code that calls a method of the student's own on a test object finds it. The test class's own names go
    first. Where there is no such class, or none may inherit from it, it is the test class as it is.
    """
    own = (namespace_in(code) or {}).get(name)
    if not isinstance(own, type):
        return test_class
    try:
        return type(own)(test_class.__name__, (test_class, own), {})
    except Exception:  # whatever a class of the student's raises
        return test_class


def rebind(code: Any, spies: Mapping[str, object]) -> Any:
    """Copy `code`, and what it reaches, so that `spies` stand for the objects that have their names in its namespace.

    Raises ValueError if there is no function in `code`.
    """
    namespace = namespace_in(code)
    if namespace is None:
        raise ValueError(f"There is no function in {code!r:.80}.")
    return _Copier(namespace, spies).copy_all(code)


def _functions(code: object, depth: int) -> Iterator[FunctionType]:
    """Find the functions that a call of `code` runs: itself, and those that it wraps."""
    if depth > 9:
        return
    inner: list[object] = []
    if isinstance(code, FunctionType):
        yield code
        inner = [code.__dict__.get("__wrapped__"), *map(_contents, code.__closure__ or ())]
    elif isinstance(code, partial):
        inner = [code.func]
    elif isinstance(code, MethodType):
        inner = [code.__func__]
    elif isinstance(code, _CACHED):
        inner = [code.__wrapped__]
    elif not isinstance(code, (type, *_LEAVES)):
        call = getattr(type(code), "__call__", None)  # noqa: B004  # the function itself is wanted
        inner = [call] if isinstance(call, FunctionType) else []
    for each in inner:
        yield from _functions(each, depth + 1)


def _contents(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _names(code: CodeType) -> Iterator[str]:
    """Give the names that code, and the functions defined in it, may look up in their namespace."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class _Copier:
    """Copies objects, each once. What can refer back to itself is filled later, from a list of what is left to do."""

    def __init__(self, namespace: Namespace, spies: Mapping[str, object]):
        # Each with its original: as long as that lives, its id is its own.
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._left: list[Callable[[], None]] = []
        self._spies = spies
        self._namespace = {**namespace, **spies}
        self._copies[id(namespace)] = (namespace, self._namespace)
        for name, spy in spies.items():
            if not isinstance(original := namespace.get(name), _LEAVES):
                self._copies[id(original)] = (original, spy)

    def copy_all(self, value: Any) -> Any:
        """Copy `value` and what it reaches."""
        copied = self.copy(value)
        while self._left:
            self._left.pop()()
        return copied

    def copy(self, value: Any) -> Any:
        """Return the copy of `value`, or `value` itself if it reaches nothing of the student's."""
        if isinstance(value, _LEAVES):
            return value
        if id(value) not in self._copies:
            try:
                copied = self._copy(value)
            except Exception:  # an object that can't be copied, for whatever reason, is used as it is
                copied = value
            self._copies.setdefault(id(value), (value, copied))
        return self._copies[id(value)][1]

    def _copy(self, value: Any) -> Any:
        if isinstance(value, FunctionType):
            return self._copy_function(value)
        if isinstance(value, type):
            return self._copy_class(value)
        if isinstance(value, MethodType):
            return MethodType(self.copy(value.__func__), self.copy(value.__self__))
        if isinstance(value, partial):
            named = {name: self.copy(each) for name, each in value.keywords.items()}
            return partial(self.copy(value.func), *map(self.copy, value.args), **named)
        if isinstance(value, staticmethod | classmethod):
            return type(value)(self.copy(value.__func__))
        if isinstance(value, property):
            return property(self.copy(value.fget), self.copy(value.fset), self.copy(value.fdel), value.__doc__)
        if isinstance(value, _CACHED):
            return lru_cache(**value.cache_parameters())(self.copy(value.__wrapped__))
        if isinstance(value, list | dict | tuple | set | frozenset):
            return self._copy_container(value)
        return self._copy_instance(value)

    def _copy_function(self, function: FunctionType) -> FunctionType:
        is_own = self._is_own(function)
        if not is_own and not any(self._may_reach_own(_contents(cell)) for cell in function.__closure__ or ()):
            return function
        # Functions that share a variable share its cell.
        cells = tuple(self._copies.setdefault(id(cell), (cell, CellType()))[1] for cell in function.__closure__ or ())
        names = function.__globals__
        namespace = self._copies.setdefault(id(names), (names, {**names}))[1] if is_own else names
        copied = FunctionType(function.__code__, namespace, function.__name__, None, cells or None)
        for name in ("__qualname__", "__module__", "__doc__"):
            setattr(copied, name, getattr(function, name))
        self._left.append(lambda: self._fill_function(function, copied, is_own))
        return copied

    def _fill_function(self, function: FunctionType, copied: FunctionType, is_own: bool) -> None:
        copied.__defaults__ = self.copy(function.__defaults__)
        copied.__kwdefaults__ = self.copy(function.__kwdefaults__)
        copied.__dict__.update({name: self.copy(each) for name, each in function.__dict__.items()})
        for cell, original in zip(copied.__closure__ or (), function.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self.copy(original.cell_contents)
            except ValueError:  # not assigned yet
                continue
        if not is_own:
            return
        for name in _names(function.__code__):
            if name in function.__globals__ and not (copied.__globals__ is self._namespace and name in self._spies):
                copied.__globals__[name] = self.copy(function.__globals__[name])

    def _copy_class(self, kind: type) -> type:
        body = {name: value for name, value in vars(kind).items() if name not in _SLOTS}
        bases = tuple(map(self.copy, kind.__bases__))
        if bases == kind.__bases__ and not any(map(self._may_reach_own, body.values())):
            return kind
        slots = body.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            body.pop(name, None)
        made = {name: self.copy(value) if isinstance(value, _IN_A_CLASS) else value for name, value in body.items()}
        copied = type(kind)(kind.__name__, bases, made)
        self._left.append(lambda: self._fill_class(body, copied))
        return copied

    def _fill_class(self, body: Mapping[str, Any], copied: type) -> None:
        for name, value in body.items():
            if not isinstance(value, _IN_A_CLASS) and (new := self.copy(value)) is not value:
                setattr(copied, name, new)

    def _copy_container(self, value: Any) -> Any:
        if len(value) > MOST_ENTRIES:
            return value
        if isinstance(value, tuple | frozenset):
            entries = list(map(self.copy, value))
            if all(new is old for new, old in zip(entries, value, strict=True)):
                return value
            return type(value)._make(entries) if hasattr(value, "_make") else type(value)(entries)
        copied = copy.copy(value)
        self._left.append(lambda: self._fill_container(value, copied))
        return copied

    def _fill_container(self, value: Any, copied: Any) -> None:
        if isinstance(value, dict):
            copied.update({key: self.copy(each) for key, each in value.items()})
        elif isinstance(value, list):
            copied[:] = map(self.copy, value)
        else:
            copied.clear()
            copied.update(map(self.copy, value))

    def _copy_instance(self, value: Any) -> Any:
        kind, attributes = self.copy(type(value)), _attributes(value)
        if kind is type(value) and not any(map(self._may_reach_own, attributes.values())):
            return value
        # Without __init__, which would do anew what the original has been through.
        copied = copy.copy(value) if kind is type(value) else object.__new__(kind)
        self._left.append(lambda: self._fill_instance(attributes, copied))
        return copied

    def _fill_instance(self, attributes: Mapping[str, Any], copied: Any) -> None:
        for name, value in attributes.items():
            # Past a __setattr__ that a student wrote.
            object.__setattr__(copied, name, self.copy(value))

    def _is_own(self, function: FunctionType) -> bool:
        return id(function.__globals__) in self._copies or is_own(function.__code__.co_filename)

    def _may_reach_own(self, value: Any) -> bool:
        """Tell whether a value is the student's code or wraps some; looks no further."""
        if id(value) in self._copies and self._copies[id(value)][1] is not value:
            return True
        if isinstance(value, staticmethod | classmethod | MethodType):
            value = value.__func__
        if isinstance(value, property):
            return any(map(self._may_reach_own, (value.fget, value.fset)))
        if isinstance(value, partial):
            return True
        if isinstance(value, _CACHED):
            value = value.__wrapped__
        return isinstance(value, FunctionType) and self._is_own(value)


def _attributes(value: Any) -> dict[str, Any]:
    """Give an object's own attributes, also those in slots."""
    slots = [vars(kind).get("__slots__", ()) for kind in type(value).__mro__]
    names = [name for each in slots for name in ((each,) if isinstance(each, str) else each) if name not in _SLOTS]
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**found, **getattr(value, "__dict__", {})}
