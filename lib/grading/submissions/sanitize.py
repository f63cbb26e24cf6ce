"""Disarming what a student wrote: pages that an instructor opens show it, and run none of it.

There is one list of what HTML may say, and all that comes from a student passes through it: outputs after a run, and
Markdown each time it is rendered. HTML inside Markdown is shown as text. What is too long to be read by a person is
shown plainly, for cleaning HTML takes time that grows with the square of its length.
"""

import re
from contextlib import suppress
from html import escape
from typing import Any

import bleach  # type: ignore[import-untyped]  # it ships no types
from bleach.css_sanitizer import CSSSanitizer  # type: ignore[import-untyped]  # part of bleach
from jinja2 import pass_context
from jinja2.runtime import Context
from mistune.plugins import import_plugin
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Integer

from lib.checking.answers import MIME
from lib.grading.submissions.read import is_base64

LONGEST = 20_000
"""Characters of one Markdown cell or one HTML output that are rendered as such."""
HTML_LEFT = "zerolayer_html_left"
"""Under this name a notebook's resources hold what is left of the characters of HTML that are kept of it."""
TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li mark ol p pre s small"
        " span strong sub sup table tbody td tfoot th thead tr u ul",
    )
)
SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")
PLUGINS = [import_plugin(name) for name in MarkdownWithMath.DEFAULT_PLUGINS if name != "task_lists"]
"""Task lists are form fields."""
CSS = CSSSanitizer(allowed_css_properties=["text-align"])


class Disarm(NbGraderPreprocessor):
    """Keep text, tables and pictures of a cell's outputs; drop all that might run, and what an output says of itself.

    A graded cell keeps its answers too: numbers for the judge, which replaces them.
    """

    html_left = Integer(200_000, help="Characters of HTML outputs that are kept of one notebook.").tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called for each cell of a notebook that has been run; Markdown is left to `markdown`, which renders it."""
        if cell.cell_type == "code":
            graded = cell.metadata.get("nbgrader", {}).get("grade", False)
            for output in cell.outputs:
                if "data" in output:
                    output.metadata = NotebookNode()
                    output.data = NotebookNode(self._disarmed(output.data, resources, graded))
        elif cell.cell_type == "raw":
            cell.source = cleaned(cell.source) if len(cell.source) <= LONGEST else escape(cell.source)
        return cell, resources

    def _disarmed(self, data: dict[str, Any], resources: dict[str, Any], graded: bool) -> dict[str, Any]:
        kept = {kind: value for kind, value in data.items() if kind in SHOWN or (graded and kind == MIME)}
        for picture in {"image/png", "image/jpeg"} & kept.keys():
            if not is_base64(kept[picture]):
                del kept[picture]
        if "text/html" in kept:
            html = kept.pop("text/html")
            if len(html) <= min(LONGEST, resources.setdefault(HTML_LEFT, self.html_left)):
                resources[HTML_LEFT] -= len(html)
                kept["text/html"] = cleaned(html)
        return kept or {"text/plain": "An output that is not shown here."}


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown as nbconvert does, with pictures embedded and nothing active in it; nbconvert's `markdown2html`.

    What can't be rendered is shown as it was written.
    """
    renderer = _Renderer(
        escape=True,
        attachments=context.get("cell", {}).get("attachments", {}),
        embed_images=True,
        exclude_anchor_links=True,  # a heading's id might be that of one of the page's own fields
        path=context.get("resources", {}).get("metadata", {}).get("path", ""),
    )
    html = f"<pre>{escape(source)}</pre>"
    if len(source) <= LONGEST:
        # Nesting may be too deep for the renderer, and text made to break it will find a way.
        with suppress(Exception):
            html = cleaned(MarkdownWithMath(renderer=renderer, plugins=PLUGINS).render(source), classes=True)
    return html.replace("[", "&#91;")  # nbconvert goes on to look for links, and takes for ever where none is closed


def cleaned(html: str, classes: bool = False) -> str:
    """Return HTML in which only `TAGS` are left as such, without a style, a name, or, but for `classes`, a class."""
    attributes = {
        "*": ["class"] if classes else [],
        "a": lambda tag, name, value: name == "title" or (name == "href" and _leads_away(value)),
        "img": lambda tag, name, value: name in ("alt", "title") or (name == "src" and _is_picture(value)),
        "td": ["colspan", "rowspan", "style"],
        "th": ["colspan", "rowspan", "style"],
    }
    protocols = {"http", "https", "mailto", "data"}
    return str(bleach.clean(html, tags=TAGS, attributes=attributes, protocols=protocols, css_sanitizer=CSS))


def _leads_away(url: str) -> bool:
    """Tell whether a link stays on its page or leaves the page's server, where a file that was handed in might run."""
    return re.match(r"#|https?://|mailto:", url, re.IGNORECASE) is not None


def _is_picture(url: str) -> bool:
    """Tell whether a picture is in the page itself: fetching one elsewhere could do something there, or tell of it."""
    return url.startswith("data:image/")


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, for pictures that may be missing and diagrams that stay text."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Show what a picture is of where it can't be found."""
        try:
            return str(super().image(text, url, title))
        except (InvalidNotebook, OSError, StopIteration):
            return escape(text)

    def block_mermaidjs(self, code: str) -> str:
        """Show the diagram's text: Mermaid would run it."""
        return str(self.block_code(code))
