"""What nbgrader shows of a student's notebook: outputs after a run, and formgrader's pages, pass through `markup`."""

from collections.abc import Iterable
from html import escape
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade
from traitlets import Bool

from lib.checking.answers import MIME
from lib.grading.door.notebook import is_base64
from lib.grading.submissions import markup
from lib.grading.submissions.markup import LONGEST, Room
from lib.grading.untrusted_names import escape_turns

PICTURES = ("image/png", "image/jpeg")
SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", *PICTURES)


def clean_outputs(cells: Iterable[NotebookNode]) -> None:
    """Keep text, tables and pictures of cells' outputs; drop all that might run, and what an output says of itself.

    A graded cell keeps its answers too: numbers for the judge, which replaces them. Markdown is cleaned where it is
    rendered.
    """
    for cell in cells:
        for output in cell.outputs if cell.cell_type == "code" else ():
            if "data" in output:
                output.metadata, output.data = NotebookNode(), NotebookNode(_kept(output.data, is_grade(cell)))
        if cell.cell_type == "raw":
            cell.source = markup.clean(cell.source) if len(cell.source) <= LONGEST else escape(cell.source)


def _kept(data: dict[str, Any], graded: bool) -> dict[str, Any]:
    kept = {kind: value for kind, value in data.items() if kind in SHOWN or (graded and kind == MIME)}
    for kind in PICTURES:
        if not is_base64(kept.get(kind, "")):
            del kept[kind]
    if latex := kept.pop("text/latex", ""):
        kept.setdefault("text/html", markup.markdown(escape_turns(latex), Room()))
    if len(html := kept.pop("text/html", "")) <= LONGEST and (cleaned := markup.clean(html)):
        kept["text/html"] = cleaned
    return kept or {"text/plain": "An output that is not shown here."}


class BoundPage(Preprocessor):
    """Keep what formgrader's page shows of a notebook's outputs within its room."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbconvert before it makes a page."""
        room = resources.setdefault("room", Room())
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_within(output, room) for output in cell.outputs]
        return nb, resources


def _within(output: NotebookNode, room: Room) -> NotebookNode:
    """Give an output as it is, or the sentence that stands for it."""
    data = output.get("data", {})
    texts = [value for kind, value in data.items() if kind not in PICTURES]
    texts += [output.get("text", ""), *output.get("traceback", ())]
    pictures = [data[kind] for kind in PICTURES if kind in data]
    pictures += [found[1] for found in markup.PICTURE.finditer(data.get("text/html", ""))]
    said = "" if all(map(room.has_picture, pictures)) else markup.NO_PICTURE
    if not said and room.take(text=sum(len(text) for text in texts if isinstance(text, str))):
        return output
    shown = NotebookNode({"text/plain": said or markup.NO_TEXT})
    return NotebookNode(output_type="display_data", metadata=NotebookNode(), data=shown)


@pass_context
def markdown(context: Context, source: str) -> str:
    """Render Markdown for formgrader; nbconvert's `markdown2html`."""
    resources = context.get("resources", {})
    attachments = context.get("cell", {}).get("attachments", {})
    html = markup.markdown(
        source, resources.get("room") or Room(), attachments, resources.get("metadata", {}).get("path")
    )
    return html.replace("[", "&#91;")  # nbconvert goes on to look for links, and takes for ever where none is closed


def code(source: str, metadata: NotebookNode | None = None) -> str:
    """Colour code for formgrader; nbconvert's `highlight_code`."""
    return markup.code(source)


@pass_context
def terminal(context: Context, text: str) -> str:
    """Write a terminal's text without its colours for formgrader; nbconvert's `ansi2html`."""
    return escape(escape_turns(markup.strip_ansi(text)))
