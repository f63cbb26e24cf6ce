"""Routes: ways to run student code that rests on other code of the student's, of which any one may be right.

A layer's backward runs after the student's own forward (`own`), and with the attributes set as if a right forward had
run (`given`). Each part is tested apart: a mistake in forward is not backward's. Where the own forward gives the right
output, it runs on both routes: what it doesn't keep for backward is missing in training, too.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from lib.checking.answers import run_once
from lib.unit import Inputs, Probes

ROUTES = ("own", "given")


def hold_on_any(test: Callable[[str], None], is_forward_right: Callable[[], bool]) -> None:
    """Test backward on both routes until it is right; raise what was wrong after the own forward, if that is right.

    If it is wrong, or raises anything itself, a student is told what was wrong on the other route.
    """
    own_first = False
    with suppress(Exception):
        own_first = is_forward_right()
    first, other = ROUTES if own_first else ROUTES[::-1]
    try:
        test(first)
    except Exception:
        with suppress(Exception):
            return test(other)
        raise


def look_on_each(
    inputs: Inputs, run: Callable[[str, str], Any], looks: Mapping[str, tuple[str, Callable[[Any], object]]]
) -> Probes:
    """List probes on each route, by name: for each, `looks` says on what code is run, and which part is looked at.

    `run` takes the first and the route. It is called once for all probes that look at the same run.
    """

    def look_at(on: str, look: Callable[[Any], object], route: str) -> object:
        return look(run_once(inputs, (on, route), partial(run, on, route)))

    return {f"{route}/{name}": partial(look_at, *each, route) for route in ROUTES for name, each in looks.items()}


_forwards: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
"""For each layer class of the student's, whether every output of its forward was right that was looked at."""


def run_forward(layer: Any, input: object, is_right: Callable[[], bool]) -> None:
    """Run the student's own forward, and note whether it was right: one that raises or doesn't end is not."""
    kind = type(layer)
    before = _forwards.get(kind, True)
    _forwards[kind] = False
    layer.forward(input)
    _forwards[kind] = before and is_right()


def has_right_forward(layer: object) -> bool:
    """Tell whether the own forward gave the right output. One that has not ended is not run again to find out."""
    return _forwards.get(type(layer), False)
