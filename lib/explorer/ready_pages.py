"""Ready pages: what the next moves of the controls will show lies in the browser before they are made.

A page that is there is shown in the frame of the move itself. Python answers the move all the same, and its page takes
the place of the ready one, which it most often equals.
"""

from collections.abc import Sequence
from pathlib import Path

from anywidget import AnyWidget
from ipywidgets import Widget, widget_serialization
from traitlets import Instance, List


class ReadyPages(AnyWidget):
    """The script that keeps the pages, as a widget that shows nothing; it is to lie in the same box as the controls.

    `controls` are all that a page depends on and that can be moved in the browser, and `pictures` is what shows it.
    """

    _esm = Path(__file__).with_suffix(".js")
    controls = List().tag(sync=True, **widget_serialization)
    pictures = Instance(Widget).tag(sync=True, **widget_serialization)

    def __init__(self, controls: Sequence[Widget], pictures: Widget) -> None:
        super().__init__(controls=list(controls), pictures=pictures)
        self._given: set[str] = set()
        self.on_msg(lambda *_: self._given.clear())  # the browser has none: it begins, or has let go of them

    def give(self, page: str) -> None:
        """Give the browser a page; it says itself at which places of the controls it is to be shown."""
        if page not in self._given:
            self._given.add(page)
            self.send({"page": page})

    def forget(self) -> None:
        """Have the browser let go of all pages: they depend on something that has changed and is no control's place."""
        if self._given:
            self._given.clear()
            self.send({})
