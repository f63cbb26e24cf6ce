"""Still outputs for a widget: a page that is opened without the kernel shows them in place of the widget."""

from typing import Any

import anywidget
from IPython.display import display

# Without the kernel, a page shows "Error displaying widget" above the still outputs. A separate output hides that
# error, because nothing of the widget itself is on the page then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


def display_live(widget: anywidget.AnyWidget, still: list[dict[str, str]]) -> list[Any]:
    """Display a widget and two still outputs, which are hidden while it works. Return the two display handles."""
    live, _ = widget._repr_mimebundle_() or ({}, {})
    display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
    display({**live, "text/plain": ""}, raw=True)
    return [display(each, raw=True, display_id=True) for each in still]
