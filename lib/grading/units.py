"""The units there are: each folder in `lib/units` with a closed half, by the name of its assignment."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import lib.units
from lib.answer_key import AnswerKey


def names() -> Iterator[str]:
    """Name the units, in alphabetical order."""
    for module in pkgutil.iter_modules(lib.units.__path__):
        if module.ispkg:
            yield module.name


def answer_key(name: str) -> AnswerKey:
    """Load a unit's closed half. Raises ModuleNotFoundError where there is no unit of this name."""
    key: AnswerKey = import_module(f"lib.units.{name}.closed").ANSWER_KEY
    return key
