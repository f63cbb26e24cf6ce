"""A still text for a widget: a page that is opened without the kernel shows it in place of the widget."""

from typing import Any

import anywidget
from IPython.display import display

# Without the kernel, a page shows "Error displaying widget" above the still text. A separate output hides that error,
# because nothing of the widget itself is on the page then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


def display_live(widget: anywidget.AnyWidget, text: str) -> Any:
    """Display a widget and a text, which is hidden while the widget works. Return the handle of the text's display."""
    live, _ = widget._repr_mimebundle_() or ({}, {})
    display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
    display({**live, "text/plain": ""}, raw=True)
    return display({"text/plain": text}, raw=True, display_id=True)
