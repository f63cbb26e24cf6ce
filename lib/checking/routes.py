"""Routes: ways to run student code that rests on other code of the student's, of which any one may be right.

A layer's backward runs after the student's own forward (`own`), and with the attributes set as if a right forward had
run (`given`). Each part is tested apart: a mistake in forward is not backward's.
"""

from collections.abc import Callable

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
