"""Widgets on a page that was opened without their kernel: there they are empty, and still outputs stand in for them."""

from typing import Any

import anywidget
from IPython.display import display

# A page that is opened again without the kernel would show "Error displaying widget" above the still outputs. The rule
# that hides it comes from an output of its own, because nothing of the widget is there then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


def display_live(widget: anywidget.AnyWidget, still: list[dict[str, str]]) -> list[Any]:
    """Show a widget, and two still outputs, which are hidden as long as it is alive; return the handles of the two."""
    live, _ = widget._repr_mimebundle_() or ({}, {})
    display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
    display({**live, "text/plain": ""}, raw=True)
    return [display(each, raw=True, display_id=True) for each in still]
