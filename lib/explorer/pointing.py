"""Pointing: the script in the page through which pictures answer to the pointer and the keys.

A widget from anywidget holds the script. It sends back where a picture is touched, and which keys are pressed on it.
"""

from collections.abc import Callable
from pathlib import Path

from anywidget import AnyWidget

from lib.explorer.touch import Touch


class Pointing(AnyWidget):
    """The script, as a widget that shows nothing; it is to lie in the same box as the pictures."""

    _esm = Path(__file__).with_suffix(".js")

    def on_touch(self, call: Callable[[Touch], None]) -> None:
        """Have `call` called, perhaps in another thread, when a picture is touched or a key is pressed on it."""
        self.on_msg(lambda _, content, buffers: call(Touch(**content)))
