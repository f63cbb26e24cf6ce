"""The functions and classes that a network uses, and which of them the notebook has redefined since."""

from collections.abc import Iterable
from types import FunctionType
from typing import Any

from lib.checking.spies import functions_of
from lib.checking.subjects import globals_of


def find_parts(code: Iterable[Any], names: dict[str, Any]) -> dict[str, Any]:
    """Return all functions and classes of the notebook that this code uses, directly or indirectly, by name."""
    found: dict[str, Any] = {}
    waiting = [*code]
    while waiting:
        for function in functions_of(waiting.pop()):
            if function.__globals__ is names:
                used = function.__qualname__.partition(".")[0], *globals_of(function.__code__)
                new = {name: names.get(name) for name in used if name not in found}
                new = {name: part for name, part in new.items() if isinstance(part, type | FunctionType)}
                found |= new
                waiting += new.values()
    return found


def find_redefined(parts: dict[str, Any], names: dict[str, Any]) -> list[str]:
    """Return the names that now refer to other objects than these parts."""
    return [name for name, part in parts.items() if names.get(name, part) is not part]
