"""Routes: ways to run student code that rests on other code of the student's, of which any one may be right.

A layer's backward runs after the student's own forward (`own`), and with the attributes set as if a right forward had
run (`given`). Each part is tested apart: a mistake in forward is not backward's. Where the own forward gives the right
output, it runs on both routes: what it doesn't keep for backward is missing in training, too.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

ROUTES = ("own", "given")


def hold_on_any(test: Callable[[str], None], routes: tuple[str, ...] = ROUTES) -> None:
    """Test code on each route until it is right; raise what was wrong on the first one."""
    first, *others = routes
    try:
        test(first)
    except Exception:
        for route in others:
            try:
                return test(route)
            except Exception:  # what is wrong on the first route is what a student is told
                continue
        raise


_forwards: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
"""For each layer class of the student's, whether every output of its forward was right that was looked at."""


def run_forward(layer_class: type, forward: Callable[[], object], is_right: Callable[[], bool]) -> None:
    """Run the student's own forward, and note whether it was right: one that raises or doesn't end is not."""
    before = _forwards.get(layer_class, True)
    _forwards[layer_class] = False
    forward()
    _forwards[layer_class] = before and is_right()


def has_right_forward(layer_class: type) -> bool:
    """Tell whether the own forward gave the right output. One that has not ended is not run again to find out."""
    return _forwards.get(layer_class, False)
