"""Loading what draws the still picture: at once, or in a browser later, since matplotlib is 10 MB to fetch there."""

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module

Draw = Callable[[Sequence[str]], Iterator[bytes]]


def load_still(then: Callable[[], None]) -> Draw | None:
    """Return `still.draw`; where matplotlib isn't loaded yet return None, and call `then` once it is.

    A browser's kernel loads matplotlib by itself before a cell that imports it. To import the explorer is no such cell.
    """
    try:
        from lib.explorer import still
    except ModuleNotFoundError:
        if sys.platform != "emscripten":
            raise
        import_module("pyodide_js").loadPackage("matplotlib").then(lambda _: then())
        return None
    return still.draw
