"""The still picture beside the live explorer, in outputs of its own: pages without a kernel show it."""

import sys
from base64 import b64encode
from collections.abc import Callable
from importlib import import_module
from textwrap import fill
from typing import Any

from IPython.display import display

from lib.explorer.plane import Plane
from lib.explorer.training import Matrix, Run

Outputs = list[dict[str, str]]

# A page that is opened again without the kernel would show "Error displaying widget" above the still picture. The rule
# that hides it comes from an output of its own, because nothing of the explorer is there then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


class Stills:
    """The outputs that hold the caption and the picture, wherever the explorer is shown."""

    def __init__(self) -> None:
        self._handles: list[list[Any]] = []
        self._loads = False

    def draw(self, run: Run, epochs: int, plane: Plane | None, caption: str, picture: Matrix) -> Outputs:
        """Return the caption as text and, where there is something to draw and to draw with, the picture as a PNG."""
        words = {"text/plain": "\n".join(map(fill, caption.split("\n")))}
        if not picture.size:
            return [words, {"text/plain": ""}]
        try:
            from lib.explorer.still import draw  # here, because matplotlib takes long to import
        except ModuleNotFoundError:
            if sys.platform != "emscripten":
                raise
            return [words, {"text/plain": ""}]
        png = draw(run, epochs, plane, picture)
        return [words, {"image/png": b64encode(png).decode(), "text/plain": ""}]

    def show(self, live: dict[str, Any], outputs: Outputs) -> None:
        """Show the live widget, and these outputs behind it."""
        display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
        display(live, raw=True)
        self._handles.append([display(each, raw=True, display_id=True) for each in outputs])

    def renew(self, draw: Callable[[], Outputs], again: Callable[[], None]) -> None:
        """Put what `draw` returns into the outputs; in a browser call `again` once what draws the picture is there.

        A browser's kernel loads matplotlib, 10 MB, before a cell that imports it. To import the explorer is no such cell.
        """
        if not self._handles:
            return
        outputs = draw()
        for handles in self._handles:
            for handle, output in zip(handles, outputs, strict=True):
                handle.update(output, raw=True)
        if sys.platform == "emscripten" and not self._loads and "matplotlib" not in sys.modules:
            self._loads = True
            import_module("pyodide_js").loadPackage("matplotlib").then(lambda _: again())
